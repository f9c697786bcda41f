"""Times and spans as readers see them: in the page's zone, which is always named."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from daemon.core.clock import DAY, HOUR, MINUTE, Instant, Span, to_datetime
from daemon.core.promise import shown

QUARTER = 15 * MINUTE
"""All zones of today differ from UTC by whole quarters of an hour."""


class Zone:
    """Formats instants for one time zone; a zone that nobody knows becomes UTC."""

    def __init__(self, name: str) -> None:
        try:
            self._info = ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a directory
            name = "UTC"
            self._info = ZoneInfo(name)
        self.name = name
        self.month = lru_cache(maxsize=16_384)(self._month)

    def local(self, at: Instant) -> datetime:
        moment = to_datetime(at)
        try:
            return moment.astimezone(self._info)
        except OverflowError:  # the first or last day of the calendar
            return moment

    def minute(self, at: Instant) -> str:
        """``14:02 UTC``."""
        local = self.local(at)
        return f"{local:%H:%M} {_abbreviation(local)}"

    def day_minute(self, at: Instant) -> str:
        """``21 Nov, 14:02 UTC``: no year, so that it reads fast; ``datetime`` has it."""
        local = self.local(at)
        return f"{local.day} {local:%b, %H:%M} {_abbreviation(local)}"

    def full(self, at: Instant) -> str:
        """``21 November 2026, 14:02 UTC``."""
        local = self.local(at)
        return f"{local.day} {local:%B} {local.year}, {local:%H:%M} {_abbreviation(local)}"

    def second(self, at: Instant) -> str:
        """``21 November 2026, 14:02:11 UTC``."""
        local = self.local(at)
        return f"{local.day} {local:%B} {local.year}, {local:%H:%M:%S} {_abbreviation(local)}"

    def day(self, at: Instant) -> str:
        """``21 Nov 2026``."""
        local = self.local(at)
        return f"{local.day} {local:%b} {local.year}"

    def promise(self, at: Instant, said_at: Instant) -> str:
        """The time alone, rounded up as in texts; with its day only when that is not the day it was said."""
        at = shown(at)
        same = self.local(at).date() == self.local(said_at).date()
        return self.minute(at) if same else self.day_minute(at)

    def month_key(self, at: Instant) -> str:
        """``2026-11``: the history page that an instant belongs to."""
        return self.month(at // QUARTER)

    def _month(self, quarter: int) -> str:
        local = self.local(quarter * QUARTER)
        return f"{local.year:04}-{local.month:02}"


def _abbreviation(local: datetime) -> str:
    name = local.tzname() or "UTC"
    return f"UTC{name}" if name[0] in "+-" else name


def month_name(key: str) -> str:
    """``November 2026`` for ``2026-11``."""
    year, month = key.split("-")
    return f"{datetime(2000, int(month), 1):%B} {int(year)}"  # noqa: DTZ001  # only the month's name is read


def span(length: Span) -> str:
    """A length of time in at most two units: ``2 hours 5 minutes``; never rounded up."""
    if length < MINUTE:
        return "less than a minute"
    days, hours, minutes = length // DAY, length % DAY // HOUR, length % HOUR // MINUTE
    parts = [(days, "day"), (hours, "hour"), (minutes, "minute")]
    first = next(index for index, (count, _) in enumerate(parts) if count)
    shown = parts[first : first + 2]
    return " ".join(f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in shown if count)


def http_date(at: Instant) -> str:
    """The form that ``Last-Modified`` wants (RFC 9110, 5.6.7)."""
    moment = to_datetime(at)
    return format_datetime(moment - timedelta(microseconds=moment.microsecond), usegmt=True)
