"""How many messages a text is on a phone network, and how to make it fewer.

GSM 03.38 (3GPP TS 23.038): 160 septets in one message, or 153 in each of
several; a text with one character outside its alphabet is UCS-2: 70 or 67
UTF-16 units.  Nothing that is two units or two septets is ever split.
"""

from __future__ import annotations

from collections.abc import Callable

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
_ALPHABET = _BASIC | _EXTENDED

_TYPOGRAPHIC = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′‵ʼ´`", "'"),
        **dict.fromkeys("“”„‟″‶«»", '"'),
        **dict.fromkeys("‹", "<"),
        **dict.fromkeys("›", ">"),
        **dict.fromkeys("‐‑‒–—―−﹘﹣－", "-"),
        **dict.fromkeys("•‣◦∙·", "*"),
        **dict.fromkeys(
            "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a", " "
        ),
        **dict.fromkeys("\u202f\u205f\u3000\t", " "),
        **dict.fromkeys("\u00ad\u200b\u2060\ufeff\ufe0e", None),
        "…": "...",
        "→": "->",
        "←": "<-",
        "×": "x",
        "≤": "<=",
        "≥": ">=",
        "™": "(TM)",
        "©": "(C)",
        "®": "(R)",
        "⁄": "/",
        "∕": "/",
    }
)


def typed(text: str) -> str:
    """The text with the signs that a keyboard has instead of typographic ones; no letter is changed.

    >>> typed("“Back” – since ten…")
    '"Back" - since ten...'
    """
    return text.translate(_TYPOGRAPHIC)


def is_gsm(text: str) -> bool:
    """Whether the cheap alphabet will do."""
    return _ALPHABET.issuperset(text)


def segments(text: str) -> int:
    """How many messages are billed; no text is none.

    >>> segments("a" * 160), segments("a" * 161), segments("я" * 70), segments("я" * 71)
    (1, 2, 1, 2)
    """
    return len(parts(text))


def parts(text: str) -> list[str]:
    """The text of each message, in order."""
    if is_gsm(text):
        return _packed(text, lambda sign: 2 if sign in _EXTENDED else 1, 160, 153)
    return _packed(text, lambda sign: 2 if sign > "\uffff" else 1, 70, 67)


def _packed(text: str, width: Callable[[str], int], alone: int, each: int) -> list[str]:
    widths = [width(sign) for sign in text]
    if sum(widths) <= alone:
        return [text] if text else []
    found, start, filled = [], 0, 0
    for place, wide in enumerate(widths):
        if filled + wide > each:
            found.append(text[start:place])
            start, filled = place, 0
        filled += wide
    return [*found, text[start:]]
