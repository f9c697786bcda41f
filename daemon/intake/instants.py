"""RFC 3339 times as monitors write them, read without ever raising."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from daemon.core.clock import Instant

EARLIEST: Instant = -62_135_596_800_000
"""0001-01-01T00:00:00Z: Go's zero time, which Alertmanager writes for "not yet"."""

LATEST: Instant = 253_402_300_799_999
"""The last millisecond of the year 9999."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_RFC3339 = re.compile(
    r"(?P<year>[+-]?[0-9]{4,})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})[Tt ]"
    r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]+))?"
    r"(?P<offset>[Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)


def read_instant(text: str) -> Instant | None:
    """The instant that the text names, or None where it names none.

    Fractions are cut to milliseconds, a leap second is the second after it,
    years outside 1..9999 become ``EARLIEST`` or ``LATEST``, a time without an
    offset is UTC.
    """
    if len(text) > 64:  # the longest honest one has 35 characters
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _read_odd(text)
    if len(text) < 19 or text[7] != "-":  # ISO 8601 knows weeks and shorter forms, RFC 3339 does not
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return _within((moment - _EPOCH) // _MILLISECOND)


def _read_odd(text: str) -> Instant | None:
    """What ``datetime`` cannot hold: other years, leap seconds, lower case, other offsets."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    year, second = int(match["year"]), int(match["second"])
    if not 1 <= year <= 9999:
        return EARLIEST if year < 1 else LATEST
    try:
        whole = datetime(
            year, int(match["month"]), int(match["day"]), int(match["hour"]), int(match["minute"]), tzinfo=UTC
        )
    except ValueError:
        return None
    if second > 60:
        return None
    milliseconds = int((match["fraction"] or "0")[:3].ljust(3, "0"))
    instant: Instant = (whole - _EPOCH) // _MILLISECOND + second * 1000 + milliseconds
    return _within(instant - _offset(match["offset"]))


def _offset(text: str | None) -> int:
    """Milliseconds east of UTC."""
    if text is None or text in "Zz":
        return 0
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return (-minutes if text[0] == "-" else minutes) * 60_000


def _within(instant: Instant) -> Instant:
    return min(max(instant, EARLIEST), LATEST)
