"""What a test expected and what it got, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from daemon.core.clock import Span
from daemon.lab.scenario import Path

ALIKE = " "
MISSING = "-"
EXTRA = "+"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a difference: a sign, what stands there, and a remark."""

    sign: str
    text: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as expected; ``at`` counts from the scenario's start."""

    place: Path
    at: Span
    what: str
    lines: tuple[Line, ...] = ()
    notes: tuple[str, ...] = ()


def of_values(expected: str, got: str, remark: str = "") -> tuple[Line, ...]:
    """Two single values."""
    return Line(MISSING, expected), Line(EXTRA, got, remark)


def of_lists(expected: Sequence[str], got: Sequence[tuple[str, str]]) -> tuple[Line, ...]:
    """Two lists; each of what was got has a remark, such as its time."""
    lines: list[Line] = []
    names = [name for name, _ in got]
    for tag, start, end, begin, stop in SequenceMatcher(None, expected, names, False).get_opcodes():
        if tag == "equal":
            lines += [Line(ALIKE, *got[number]) for number in range(begin, stop)]
            continue
        lines += [Line(MISSING, expected[number], "expected") for number in range(start, end)]
        lines += [
            Line(EXTRA, got[number][0], f"{got[number][1]}  not expected") for number in range(begin, stop)
        ]
    return tuple(lines) or (Line(ALIKE, "nothing"),)
