"""RFC 3339 in all its forms, and what only looks like it."""

from __future__ import annotations

import pytest

from daemon.core.clock import to_iso
from daemon.intake.instants import EARLIEST, LATEST, read_instant


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T05:56:02Z", "2026-11-23T05:56:02.000Z"),
        ("2026-11-23T05:56:02.198462567Z", "2026-11-23T05:56:02.198Z"),
        ("2026-11-23T05:56:02.9999999999999Z", "2026-11-23T05:56:02.999Z"),
        ("2026-11-23t05:56:02z", "2026-11-23T05:56:02.000Z"),
        ("2026-11-23 05:56:02.5+00:00", "2026-11-23T05:56:02.500Z"),
        ("2026-11-23T05:56:02-00:00", "2026-11-23T05:56:02.000Z"),
        ("2026-11-23T05:56:02+05:45", "2026-11-23T00:11:02.000Z"),
        ("2026-11-23T05:56:02-23:59", "2026-11-24T05:55:02.000Z"),
        ("2026-11-23T05:56:02", "2026-11-23T05:56:02.000Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"),
        ("2016-12-31T23:59:60.250Z", "2017-01-01T00:00:00.250Z"),
        ("2017-01-01T05:29:60+05:30", "2017-01-01T00:00:00.000Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
    ],
)
def test_row_33_good_times(text: str, expected: str) -> None:
    """Each names exactly one millisecond."""
    instant = read_instant(text)
    assert instant is not None
    assert to_iso(instant) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0001-01-01T00:00:00Z", EARLIEST),
        ("0001-01-01T00:00:00+14:00", EARLIEST),
        ("0000-01-01T00:00:00Z", EARLIEST),
        ("-4000-01-01T00:00:00Z", EARLIEST),
        ("10000-01-01T00:00:00Z", LATEST),
        ("292277026596-12-04T15:30:07Z", LATEST),
        ("9999-12-31T23:59:59.999-14:00", LATEST),
        ("9999-12-31T23:59:60Z", LATEST),
    ],
)
def test_years_out_of_range_are_the_nearest_in_range(text: str, expected: int) -> None:
    """The same text gives the same instant at every repetition, so the episode is found again."""
    assert read_instant(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "1798797600",
        "2026-11-23",
        "20261123T055602Z",
        "2026-W48-1T00:00:00",
        "2026-02-30T00:00:00Z",
        "2026-11-23T24:00:01Z",
        "2026-11-23T05:56:61Z",
        "2026-11-23T05:56Z",
        "٢٠٢٦-11-23T05:56:02Z",
        "2026-11-23T05:56:02Z" + "0" * 100,
    ],
)
def test_what_is_no_time_is_none(text: str) -> None:
    """None, never an exception and never a guess."""
    assert read_instant(text) is None
