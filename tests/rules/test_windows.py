"""Windows: Alertmanager's fields, and edges that are exact over clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.clock import DAY, HOUR, MINUTE
from rules.schema_windows import IntervalBlock
from rules.windows import HORIZON, Interval, IntervalWindow
from tests.rules.files import SHOP, load_text


def at(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def window(*intervals: dict[str, Any]) -> IntervalWindow:
    return IntervalWindow([IntervalBlock.model_validate(one).interval() for one in intervals])


def hours(start: str, end: str) -> list[dict[str, str]]:
    return [{"start_time": start, "end_time": end}]


BERLIN = {"weekdays": ["monday:friday"], "times": hours("09:00", "18:00"), "location": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("fields", "moment", "is_open"),
    [
        ({}, "2027-01-04T10:00", True),
        ({"times": hours("09:00", "18:00")}, "2027-01-04T09:00", True),
        ({"times": hours("09:00", "18:00")}, "2027-01-04T18:00", False),
        ({"times": hours("22:00", "24:00")}, "2027-01-04T23:59", True),
        ({"weekdays": ["monday:friday"]}, "2027-01-04T10:00", True),
        ({"weekdays": ["Sunday", "saturday"]}, "2027-01-03T10:00", True),
        ({"weekdays": ["sunday:saturday"]}, "2027-01-03T10:00", True),
        ({"weekdays": ["monday:friday"]}, "2027-01-03T10:00", False),
        ({"days_of_month": ["-1"]}, "2027-02-28T10:00", True),
        ({"days_of_month": ["-1"]}, "2028-02-28T10:00", False),
        ({"days_of_month": ["1:5", "-3:-1"]}, "2027-01-29T10:00", True),
        ({"days_of_month": ["31"]}, "2027-02-28T10:00", False),
        ({"days_of_month": ["29:31"]}, "2027-02-28T10:00", False),
        ({"days_of_month": ["-31:-1"]}, "2027-02-01T10:00", True),
        ({"days_of_month": [1]}, "2027-02-01T10:00", True),
        ({"months": ["january:march"]}, "2027-03-31T10:00", True),
        ({"months": ["1:3", "December"]}, "2027-12-31T10:00", True),
        ({"months": ["may"]}, "2027-04-30T23:59", False),
        ({"years": ["2026:2028"]}, "2027-04-30T23:59", True),
        ({"years": [2028]}, "2027-12-31T23:59", False),
        ({"times": hours("09:00", "18:00"), "location": "Asia/Tokyo"}, "2027-01-04T08:59", True),
        ({"weekdays": ["tuesday"], "location": "Pacific/Auckland"}, "2027-01-04T12:00", True),
    ],
)
def test_fields_mean_what_they_mean_in_alertmanager(
    fields: dict[str, Any], moment: str, is_open: bool
) -> None:
    """One row for each field; moments are UTC."""
    assert window(fields).is_open(at(moment)) is is_open


def test_intervals_of_a_window_are_alternatives() -> None:
    """A window is open when any of its intervals is."""
    both = window({"weekdays": ["saturday"]}, {"times": hours("09:00", "10:00")})
    assert both.is_open(at("2027-01-02T20:00"))
    assert both.is_open(at("2027-01-04T09:30"))
    assert not both.is_open(at("2027-01-04T10:30"))


def test_business_hours_open_and_close() -> None:
    """From Friday evening the next edge is Monday morning, by Berlin's clock."""
    business = window(BERLIN)
    monday = at("2027-01-04T09:00", "Europe/Berlin")
    assert business.next_edge(at("2027-01-01T18:00", "Europe/Berlin")) == monday
    assert business.next_edge(monday - 1) == monday
    assert business.next_edge(monday) == at("2027-01-04T18:00", "Europe/Berlin")


def test_the_rule_file_makes_the_same_window() -> None:
    """The shop's business hours are those of the test above."""
    loaded = load_text(SHOP).windows["business_hours"]
    assert loaded.is_open(at("2027-01-04T09:00", "Europe/Berlin"))
    assert loaded.next_edge(at("2027-01-04T09:00", "Europe/Berlin")) == at(
        "2027-01-04T18:00", "Europe/Berlin"
    )


@pytest.mark.parametrize(
    ("times", "day", "edges"),
    [
        (hours("02:00", "03:00"), "2027-03-28", []),  # skipped: 02:00 to 03:00 does not exist that day
        (hours("02:15", "04:00"), "2027-03-28", ["01:00", "02:00"]),  # opens when the clock jumps to 03:00
        (hours("02:30", "02:45"), "2027-10-31", ["00:30", "00:45", "01:30", "01:45"]),  # comes twice
        (
            hours("02:30", "05:00"),
            "2027-10-31",
            ["00:30", "01:00", "01:30", "04:00"],
        ),  # 02:00 again at 01:00 UTC
    ],
)
def test_row_33_clock_changes(times: list[dict[str, str]], day: str, edges: list[str]) -> None:
    """What the local clock skips never opens, what it repeats opens twice, to the minute."""
    one = window({"times": times, "location": "Europe/Berlin"})
    midnight = at(f"{day}T00:00", "Europe/Berlin")
    found = []
    instant = one.next_edge(midnight)
    while instant is not None and instant < midnight + 20 * HOUR:
        found.append(datetime.fromtimestamp(instant / 1000, UTC).strftime("%H:%M"))
        instant = one.next_edge(instant)
    assert found == edges


def test_no_edge_is_none_and_quick() -> None:
    """A window that never changes, or not within five years, has no next edge."""
    now = at("2027-01-04T10:00")
    assert window({}).next_edge(now) is None
    assert window({"years": ["2050"]}).next_edge(now) is None
    assert window({"days_of_month": ["30"], "months": ["february"]}).next_edge(now) is None
    assert IntervalWindow([]).next_edge(now) is None
    assert not IntervalWindow([]).is_open(now)
    far = window({"years": ["2030"]}).next_edge(now)
    assert far == at("2030-01-01T00:00")
    assert far - now < HORIZON


ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia",
         "America/St_Johns", "Africa/Casablanca"]  # fmt: skip
RANGES = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda two: two[0] < two[1])
INTERVALS = st.builds(
    Interval,
    times=st.none() | st.lists(RANGES, min_size=1, max_size=3).map(tuple),
    weekdays=st.none() | st.tuples(st.sampled_from([(0, 0), (1, 5), (6, 6), (2, 4)])),
    days_of_month=st.none() | st.tuples(st.sampled_from([(1, 15), (-1, -1), (28, 31), (-5, -2)])),
    months=st.none() | st.tuples(st.sampled_from([(3, 3), (10, 11), (1, 12)])),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
)
# Days around clock changes: Europe, America, Lord Howe (half an hour), the turn of a year.
STARTS = st.sampled_from(
    ["2027-03-27", "2027-10-30", "2027-03-13", "2027-11-06", "2027-04-03", "2027-10-02", "2027-12-30"]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(INTERVALS, min_size=1, max_size=2), STARTS, st.integers(0, 2 * 1440), st.integers(0, 59_999))
def test_next_edge_is_what_scanning_finds(
    intervals: list[Interval], start: str, minute: int, extra: int
) -> None:
    """The next edge is the first minute at which a walk through three days of minutes sees a change."""
    one = IntervalWindow(intervals)
    now = at(f"{start}T00:00") + minute * MINUTE + extra
    state, expected = one.is_open(now), None
    for instant in range(now - now % MINUTE + MINUTE, now + 3 * DAY, MINUTE):
        if one.is_open(instant) != state:
            expected = instant
            break
    found = one.next_edge(now)
    if expected is None:
        assert found is None or found >= now + 3 * DAY - MINUTE
    else:
        assert found == expected
    if found is not None:
        assert one.is_open(found) != one.is_open(found - 1)


@given(st.integers(0, 400 * 24 * 60))
def test_the_kept_answer_is_the_computed_one(minutes: int) -> None:
    """A window asked many times answers like one asked for the first time."""
    now = at("2027-01-01T00:00") + minutes * MINUTE
    assert KEPT.next_edge(now) == window(BERLIN).next_edge(now)


KEPT = window(BERLIN)


def test_edges_of_a_year_alternate() -> None:
    """Walking edge by edge through a year meets 261 openings of a weekday window."""
    business = window(BERLIN)
    now = at("2027-01-01T00:00", "Europe/Berlin")
    end = now + int(timedelta(days=365).total_seconds() * 1000)
    openings = 0
    edge = business.next_edge(now)
    while edge is not None and edge < end:
        openings += business.is_open(edge)
        assert business.is_open(edge) != business.is_open(edge - 1)
        edge = business.next_edge(edge)
    assert openings == 261
