"""Text that a page renders as Markdown, with nothing of it able to act as markup or mention."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"https?://[^\s<>\"'`*|~\\\[\]@]+", re.IGNORECASE)
# These begin markup, a mention or a heading anywhere; list marks count at the start of a line only.
_SIGN = re.compile(r"[\\`*_~|<>\[\]@#]")
_LIST = re.compile(r"^([ \t]*)(?=[-+](?:\s|\\#))|^([ \t]*\d+)(?=[.)]\s)", re.MULTILINE)
_SLASH = re.compile(r"\\([^\sA-Za-z0-9])")
_LINE = re.compile(r"(?<!\n)\n(?!\n)")


def escape(text: str) -> str:
    """The text with a backslash before all that Markdown reads as more than text; addresses stay links."""
    parts: list[str] = []
    place = 0
    for address in _ADDRESS.finditer(text):
        parts += [slashed(text[place : address.start()]), address[0]]
        place = address.end()
    return "".join([*parts, slashed(text[place:])])


def slashed(text: str) -> str:
    """The same without regard for addresses."""
    return _LIST.sub(r"\g<0>\\", _SIGN.sub(r"\\\g<0>", text))


def paragraphs(text: str) -> str:
    """Escaped, and every line end is one: CommonMark takes a single one for a space."""
    return _LINE.sub("  \n", escape(text))


def read(text: str) -> str:
    """What readers see of an escaped text."""
    return _SLASH.sub(r"\1", text).replace("  \n", "\n")
