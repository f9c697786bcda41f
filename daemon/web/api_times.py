"""Instants as people write them: RFC 3339, a span from now, or a time of day."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from daemon.core.clock import DAY, Instant, Span, from_datetime, to_datetime
from daemon.core.errors import BadInput
from rules import durations

# RFC 3339, section 5.6; seconds may be left out, an offset may not.
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
FARTHEST: Span = 366 * DAY

_HOW = "write 2027-01-04T14:30:00Z, a span from now such as 30m, or a time such as 14:30"


def instant(text: str, now: Instant, zone: str, key: str) -> Instant:
    """The instant that the text means; always later than ``now``.  Raises BadInput, naming ``key``."""
    found = _read(text.strip(), now, zone, key)
    if found <= now:
        raise BadInput(f"{key}: {text[:60]!r} has passed already; name a later instant")
    if found > now + FARTHEST:
        raise BadInput(f"{key}: {text[:60]!r} is more than a year away; name an earlier instant")
    return found


def instant_before(text: str, now: Instant, key: str) -> Instant:
    """The instant so long before ``now``, or the one that is named.  Raises BadInput, naming ``key``."""
    shown = text.strip()
    if _RFC3339.fullmatch(shown):
        found = _read(shown, now, "UTC", key)
    else:
        try:
            found = now - durations.parse(shown)
        except durations.DurationError as error:
            how = "write a span such as 90d, or 2027-01-04T14:30:00Z"
            raise BadInput(f"{key}: {text[:60]!r} is no span and no instant; {how}") from error
    if not 0 <= found <= now:
        raise BadInput(f"{key}: {text[:60]!r} is not in the past; name an earlier instant")
    return found


def _read(text: str, now: Instant, zone: str, key: str) -> Instant:
    clock = _CLOCK.fullmatch(text)
    if clock is not None:
        return _next_time_of_day(int(clock[1]), int(clock[2]), now, ZoneInfo(zone))
    if _RFC3339.fullmatch(text):
        try:
            return from_datetime(datetime.fromisoformat(text.upper()))
        except (ValueError, OverflowError) as error:
            raise BadInput(f"{key}: {text[:60]!r} is no date and time that exists; {_HOW}") from error
    try:
        return now + durations.parse(text)
    except durations.DurationError as error:
        raise BadInput(f"{key}: {text[:60]!r} is no instant; {_HOW}") from error


def _next_time_of_day(hour: int, minute: int, now: Instant, zone: ZoneInfo) -> Instant:
    """The first instant after ``now`` at which a clock on the wall there shows that time.

    A time that a change of the clocks leaves out is found on the next day, one
    that comes twice is found both times.
    """
    today = to_datetime(now).astimezone(zone).date()
    found: list[Instant] = []
    for days in range(3):
        day = today + timedelta(days=days)
        for fold in (0, 1):
            wall = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone, fold=fold)
            candidate = from_datetime(wall)
            if to_datetime(candidate).astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
                found.append(candidate)
    return min(one for one in found if one > now)
