"""The counts of platforms to which an address weighs the same whatever its length."""

from __future__ import annotations

import re
import unicodedata

import regex

from channels.measure import Counter, Seamed

# twitter-text config v3 (https://github.com/twitter/twitter-text/blob/master/config/v3.json):
# these code points weigh 1, all others 2; an address weighs 23, an emoji sequence 2.
_HEAVY = regex.compile(r"[^\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]")
URL_WEIGHT = 23
_EMOJI = regex.compile(
    r"[#*0-9]\ufe0f?\u20e3|\p{RI}\p{RI}"
    r"|\p{Extended_Pictographic}\ufe0f?\p{EMod}?(?:[\U000e0020-\U000e007e]+\U000e007f)?"
    r"(?:\u200d\p{Extended_Pictographic}\ufe0f?\p{EMod}?)*"
)
# X turns a bare "example.com" into an address too.  Only a simple one that ends so is 23 for certain; else
# both counts are added: a text may end up shorter than it could be, never refused.
_KNOWN = regex.compile(
    "com|net|org|io|dev|app|gov|edu|info|status|cloud|online|page|site|co|uk|de|fr|nl|eu|us|ca|au|nz|jp|in"
    "|br|ch|at|se|no|fi|dk|be|it|es|pl|cz|ie|me|tv|ai"
)
_LINKED = regex.compile(
    r"(?:https?://|(?<![\p{L}\p{N}@]))"
    r"(?:[\p{L}\p{N}](?:[\p{L}\p{N}_-]{0,61}[\p{L}\p{N}])?\.){1,8}(?P<tld>\p{L}[\p{L}\p{M}-]{1,62})"
    r"(?P<rest>(?::\d+)?(?:/(?:[a-z0-9!*';:=+,.$/%#_~@&|?-]*[a-z0-9=_#/+-])?)?)",
    regex.IGNORECASE,
)
_MAYBE = re.compile(r"\.[^\W\d_]")
"""A point before a letter: without one there is no address, and this is found fast."""
_BEFORE, _AFTER = ("", "(", "“", '"'), ("", ".", ",", ")", "!", "?", ":", ";", "”", '"', "…")
_SIMPLE = regex.compile(
    r"(?:/[a-z0-9_~%+-]+(?:\.[a-z0-9_~%+-]+)*)*/?(?:\?[a-z0-9_.%=&+-]*[a-z0-9_=&])?(?:#[a-z0-9_-]+)?",
    regex.IGNORECASE,
)


@Seamed
def weighted(text: str) -> int:
    """X's count: never less than X's own, and the same but for odd addresses and rare emoji."""
    return addressed(unicodedata.normalize("NFC", text), _weight, URL_WEIGHT)


def addressed(text: str, count: Counter, per_url: int, *, bare: bool = True) -> int:
    """The count of a text on a platform where an address weighs ``per_url`` whatever its length.

    ``bare``: it takes ``example.com`` for an address too.
    """
    total = place = 0
    for found in _LINKED.finditer(text) if _MAYBE.search(text) else ():
        if not bare and "://" not in found[0]:
            continue
        apart = text[found.start() - 1 : found.start()].strip() in _BEFORE and (
            text[found.end() : found.end() + 1].strip() in _AFTER
        )
        certain = (
            apart
            and found[0].isascii()
            and _KNOWN.fullmatch(found["tld"].lower())
            and _SIMPLE.fullmatch(found["rest"])
        )
        weight = per_url if certain else per_url + count(found[0])
        total += count(text[place : found.start()]) + weight
        place = found.end()
    return total + count(text[place:])


def links(text: str) -> bool:
    """Whether X would find an address in it, or might."""
    return _LINKED.search(text) is not None


def _weight(text: str) -> int:
    if text.isascii():
        return len(text)
    bare, emoji = _EMOJI.subn("", text)
    return 2 * emoji + len(bare) + len(_HEAVY.findall(bare))
