"""Text that a page renders as Markdown, with nothing of it able to act as markup or mention."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"https?://[^\s<>\"'`*|~\\\[\]@]+", re.IGNORECASE)
# List marks count at the start of a line only; the rest begins markup, a mention or a heading anywhere.
_ACTIVE = re.compile(
    r"^(?P<list>[ \t]*)(?P<mark>[-+])(?=[\s#])|^(?P<number>[ \t]*\d+)(?P<dot>[.)])(?=\s)"
    r"|(?P<sign>[\\`*_~|<>\[\]@#])",
    re.MULTILINE,
)
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
    return _ACTIVE.sub(_slashed, text)


def paragraphs(text: str) -> str:
    """Escaped, and every line end is one: CommonMark takes a single one for a space."""
    return _LINE.sub("  \n", escape(text))


def _slashed(found: re.Match[str]) -> str:
    before = found["list"] or found["number"] or ""
    return before + "\\" + found[0][len(before) :]
