"""Named time intervals with Alertmanager's meaning of each field (its ``time_intervals``).

Fields of one interval are ANDed, the entries of a field ORed, the intervals of
a window ORed.  A day's fields are judged by local date, ``times`` by the local
clock: an hour that a clock change repeats counts twice, one that it skips not
at all.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from daemon.core.clock import DAY, Instant

HORIZON = 5 * 366 * DAY  # how far `next_edge` looks
_CHUNK = 32 * DAY
_MARGIN = 2 * DAY  # more than any offset from UTC and any clock change
_MINUTES = 24 * 60
UTC_ZONE = ZoneInfo("UTC")

Range = tuple[int, int]  # both ends belong to it, but for times, where the end minute does not


@dataclass(frozen=True, slots=True)
class Interval:
    """One entry of a window; None means that the field does not restrict."""

    times: tuple[Range, ...] | None = None  # minutes of the day
    weekdays: tuple[Range, ...] | None = None  # 0 is Sunday
    days_of_month: tuple[Range, ...] | None = None  # -1 is the last day
    months: tuple[Range, ...] | None = None
    years: tuple[Range, ...] | None = None
    zone: ZoneInfo = UTC_ZONE

    def contains(self, local: datetime) -> bool:
        """Whether that wall time of ``zone`` belongs to it."""
        minute = local.hour * 60 + local.minute
        if self.times is not None and not any(start <= minute < end for start, end in self.times):
            return False
        return self.contains_day(local.date())

    def contains_day(self, day: date) -> bool:
        """Whether the fields other than ``times`` fit."""
        return (
            _within(self.years, day.year)
            and _within(self.months, day.month)
            and _within(self.weekdays, day.isoweekday() % 7)
            and (self.days_of_month is None or any(_day_fits(one, day) for one in self.days_of_month))
        )

    def marks(self, day: date) -> tuple[int, ...]:
        """Minutes of that local day at which it may open or close."""
        if self.times is None or not self.contains_day(day):
            return (0,)
        return (0, *(minute for one in self.times for minute in one if minute < _MINUTES))


class IntervalWindow:
    """A window by its intervals; ``next_edge`` is exact to the millisecond."""

    def __init__(self, intervals: Sequence[Interval]) -> None:
        self.intervals = tuple(intervals)
        self._known: tuple[Instant, Instant, Instant | None] = (0, 0, None)  # from, before, edge

    def is_open(self, now: Instant) -> bool:
        return any(one.contains(_local(now, one.zone)) for one in self.intervals)

    def next_edge(self, now: Instant) -> Instant | None:
        """The first instant after ``now`` at which it opens or closes; None if not within five years.

        The last answer is kept: it stays true until that edge.
        """
        start, before, edge = self._known
        if start <= now < before:
            return edge
        edge = self._search(now)
        self._known = (now, edge if edge is not None else now + DAY, edge)
        return edge

    def _search(self, now: Instant) -> Instant | None:
        state = self.is_open(now)
        for instant in self._candidates(now):
            if self.is_open(instant) != state:
                return instant
        return None

    def _candidates(self, now: Instant) -> Iterator[Instant]:
        """Instants after ``now`` at which the state may change, in order."""
        for start in range(now, now + HORIZON, _CHUNK):
            found: set[Instant] = set()
            for interval in self.intervals:
                found.update(_marks(interval, start - _MARGIN, start + _CHUNK + _MARGIN))
                found.update(_clock_changes(interval.zone, start, start + _CHUNK))
            yield from sorted(instant for instant in found if start < instant <= start + _CHUNK)


def _within(ranges: tuple[Range, ...] | None, value: int) -> bool:
    return ranges is None or any(start <= value <= end for start, end in ranges)


def _day_fits(days: Range, day: date) -> bool:
    length = calendar.monthrange(day.year, day.month)[1]
    start, end = (length + one + 1 if one < 0 else one for one in days)
    return start <= day.day <= end


def _local(now: Instant, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(now // 1000, zone)


def _instant(wall: datetime) -> Instant:
    return round(wall.timestamp()) * 1000


def _marks(interval: Interval, start: Instant, end: Instant) -> Iterator[Instant]:
    """Both readings of each local mark: at the end of summer time some minutes come twice."""
    day, last = _local(start, interval.zone).date(), _local(end, interval.zone).date()
    while day <= last:
        for minute in interval.marks(day):
            wall = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=interval.zone)
            yield _instant(wall)
            yield _instant(wall.replace(fold=1))
        day += timedelta(days=1)


def _clock_changes(zone: ZoneInfo, start: Instant, end: Instant) -> Iterator[Instant]:
    """Instants at which the offset from UTC changes, found by bisection day by day."""
    for left in range(start, end, DAY):
        low, high = left // 1000, (left + DAY) // 1000
        before = _offset(zone, low)
        if before == _offset(zone, high):
            continue
        while high - low > 1:
            middle = (low + high) // 2
            if _offset(zone, middle) == before:
                low = middle
            else:
                high = middle
        yield high * 1000


def _offset(zone: ZoneInfo, seconds: int) -> timedelta | None:
    return datetime.fromtimestamp(seconds, UTC).astimezone(zone).utcoffset()
