"""Where a value stands in its file, to the character."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Lines and columns count from 1; ``start`` and ``end`` are offsets into the file's text."""

    key_line: int
    key_column: int
    line: int
    column: int
    start: int = 0
    end: int = 0
    style: str = ""  # "", ', ", | or >
    value: str | None = None


def inside(text: str, place: Place, offset: int) -> tuple[int, int]:
    """Line and column of character ``offset`` of a scalar's value.

    Quoting and folding change only white space and escapes, so the visible
    characters are walked side by side; where that fails the value's start is
    the answer.
    """
    if place.value is None:
        return place.line, place.column
    wanted = [character for character in place.value[:offset] if not character.isspace()]
    index = _content_start(text, place)
    for character in wanted:
        found = _step(text, _skip_space(text, index, place.end), place.style, character)
        if found is None:
            return place.line, place.column
        index = found
    if not wanted and place.style in ("|", ">"):
        index = _skip_space(text, index, place.end)
    elif wanted:
        gap = len(place.value[:offset]) - len(place.value[:offset].rstrip())
        index = index + gap if text[index : index + gap] == " " * gap else _skip_space(text, index, place.end)
    else:
        index += offset
    line_start = text.rfind("\n", 0, index) + 1
    return text.count("\n", 0, index) + 1, index - line_start + 1


def _content_start(text: str, place: Place) -> int:
    if place.style in ("'", '"'):
        return place.start + 1
    if place.style in ("|", ">"):
        newline = text.find("\n", place.start)
        return newline + 1 if newline >= 0 else place.start
    return place.start


def _skip_space(text: str, index: int, end: int) -> int:
    while index < end and text[index].isspace():
        index += 1
    return index


def _step(text: str, index: int, style: str, character: str) -> int | None:
    """The offset after ``character`` if it stands at ``index``, escaped or not."""
    pair = text[index : index + 2]
    if (style == "'" and pair == "''") or (style == '"' and pair == f"\\{character}"):
        index += 1
    return index + 1 if text[index : index + 1] == character else None
