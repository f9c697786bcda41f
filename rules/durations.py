"""Spans as Prometheus writes them: ``1h30m``, ``1d``, ``0s``.

Grammar: largest unit first, each unit at most once, whole numbers (the syntax
of "time durations" in Prometheus' configuration documentation).
"""

from __future__ import annotations

import re

from daemon.core.clock import DAY, HOUR, MINUTE, SECOND, Span

UNITS: tuple[tuple[str, Span], ...] = (
    ("y", 365 * DAY),
    ("w", 7 * DAY),
    ("d", DAY),
    ("h", HOUR),
    ("m", MINUTE),
    ("s", SECOND),
    ("ms", 1),
)
LONGEST: Span = (2**63 - 1) // 1_000_000  # Prometheus keeps nanoseconds in 64 bits: about 292 years

LONGEST_TEXT = 40  # characters

_FORM = "write it like 30s, 5m, 1h30m or 1d (largest unit first, each once)"
_SHAPE = re.compile("".join(f"(?:([0-9]{{1,12}}){unit})?" for unit, _ in UNITS))
_PART = re.compile(r"([0-9]+)\s*([a-zA-Z]+)")


class DurationError(ValueError):
    """Not a duration; the text says what to write."""


def parse(text: str) -> Span:
    """Milliseconds of a Prometheus duration; a bare ``0`` is allowed, as there.  Raises DurationError."""
    if text == "0":
        return 0
    if len(text) > LONGEST_TEXT:
        raise DurationError(f"{text[:10] + '…'!r} is not a duration; {_FORM}")
    match = _SHAPE.fullmatch(text)
    if match is None or not text:
        raise DurationError(f"{text!r} is not a duration; {_hint(text)}")
    span = sum(int(number or 0) * size for number, (_, size) in zip(match.groups(), UNITS, strict=True))
    if span > LONGEST:
        raise DurationError(f"{text!r} is longer than 292 years; write a shorter duration")
    return span


def show(span: Span) -> str:
    """The duration as a person would write it: ``90000`` is ``1m30s``; days are the largest unit."""
    if span == 0:
        return "0s"
    parts: list[str] = []
    for unit, size in UNITS[2:]:
        count, span = divmod(span, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def _hint(text: str) -> str:
    """What to write instead, as near as can be guessed."""
    stripped = text.strip()
    if re.fullmatch(r"[0-9]{1,9}", stripped):
        return f"it needs a unit: {stripped}s, {stripped}m or {stripped}h"
    if stripped.startswith("-"):
        return "it cannot be negative"
    if re.fullmatch(r"[0-9]+\.[0-9]+\s*[a-z]+", stripped):
        return "only whole numbers: write 1h30m, not 1.5h"
    pairs = [(number, unit.lower()[:1]) for number, unit in _PART.findall(stripped)]
    sizes = dict(UNITS)
    if pairs and all(unit in sizes for _, unit in pairs) and len({unit for _, unit in pairs}) == len(pairs):
        pairs.sort(key=lambda pair: -sizes[pair[1]])
        return f"write {''.join(number + unit for number, unit in pairs)}"
    return _FORM
