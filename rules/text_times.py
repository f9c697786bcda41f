"""How texts write instants and spans: "14:30 UTC", "2 hours 10 minutes".  English, no locale, no clock."""

from __future__ import annotations

from datetime import datetime, tzinfo

from daemon.core.clock import DAY, HOUR, MINUTE, Instant, Span, to_datetime

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
LAST: Instant = 253_370_764_800_000  # the year 9999 begins: every zone can still show the instant before


def local(instant: Instant, zone: tzinfo) -> datetime:
    """The date and time in a zone; instants that no zone can show are clamped."""
    return to_datetime(min(max(instant, 0), LAST)).astimezone(zone)


def clock_time(instant: Instant, now: Instant, zone: tzinfo) -> str:
    """``14:30 UTC``, with the date where it is not today's: ``00:15 UTC on 5 January``."""
    moment, today = local(instant, zone), local(now, zone)
    text = f"{moment:%H:%M} {_zone_name(moment)}"
    if moment.date() == today.date():
        return text
    year = "" if moment.year == today.year else f" {moment.year}"
    return f"{text} on {moment.day} {MONTHS[moment.month - 1]}{year}"


def full_time(instant: Instant, zone: tzinfo) -> str:
    """``4 January 2027, 10:00 UTC``."""
    moment = local(instant, zone)
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}, {moment:%H:%M} {_zone_name(moment)}"


def age(span: Span) -> str:
    """``45 minutes``, ``2 hours 10 minutes``, ``3 days 1 hour``: two units at most, rounded down."""
    if span < MINUTE:
        return "less than a minute"
    days, rest = divmod(span, DAY)
    hours, rest = divmod(rest, HOUR)
    minutes = rest // MINUTE
    units = (_count(days, "day"), _count(hours, "hour"), _count(minutes, "minute"))
    first = next(index for index, unit in enumerate(units) if unit)
    return " ".join(unit for unit in units[first : first + 2] if unit)


def _count(number: int, unit: str) -> str:
    if not number:
        return ""
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _zone_name(moment: datetime) -> str:
    name = moment.tzname() or "UTC"
    # Zones without letters of their own are called "+03" by the database.
    return f"UTC{name}" if name[0] in "+-" else name
