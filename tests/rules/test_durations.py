"""Durations are Prometheus'."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.clock import DAY, HOUR, MINUTE, SECOND
from rules import durations

UNITS = ("y", "w", "d", "h", "m", "s", "ms")
SIZES = dict(zip(UNITS, (365 * DAY, 7 * DAY, DAY, HOUR, MINUTE, SECOND, 1), strict=True))


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("0s", 0),
        ("0", 0),
        ("1h30m", 90 * MINUTE),
        ("1d", DAY),
        ("2w", 14 * DAY),
        ("90s", 90 * SECOND),
        ("5ms", 5),
        ("1y1ms", 365 * DAY + 1),
    ],
)
def test_reads_what_prometheus_reads(text: str, span: int) -> None:
    """Units go from large to small, each once; a bare zero is allowed."""
    assert durations.parse(text) == span


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("", "largest unit first"),
        ("30", "30s, 30m or 30h"),
        ("1.5h", "1h30m"),
        ("30m1h", "write 1h30m"),
        ("5 min", "write 5m"),
        ("-5m", "cannot be negative"),
        ("1h1h", "each once"),
        ("1h\n", "write 1h"),
        ("٣m", "like 30s"),
        ("300y", "shorter"),
        ("9" * 5000 + "s", "like 30s"),
    ],
)
def test_says_what_to_write(text: str, remedy: str) -> None:
    """What is no duration is refused with the nearest thing that is one."""
    with pytest.raises(durations.DurationError, match=remedy):
        durations.parse(text)


@given(st.lists(st.integers(0, 400), min_size=7, max_size=7), st.sets(st.sampled_from(UNITS), min_size=1))
def test_parts_add_up(counts: list[int], units: set[str]) -> None:
    """A duration of any units in order is the sum of its parts, up to the 292 years of the format."""
    parts = [(count, unit) for count, unit in zip(counts, UNITS, strict=True) if unit in units]
    text = "".join(f"{count}{unit}" for count, unit in parts)
    span = sum(count * SIZES[unit] for count, unit in parts)
    if span > durations.LONGEST:
        with pytest.raises(durations.DurationError):
            durations.parse(text)
    else:
        assert durations.parse(text) == span


@given(st.integers(0, 10 * 365 * DAY))
def test_shown_durations_read_back(span: int) -> None:
    """What we print is what we read."""
    assert durations.parse(durations.show(span)) == span
