"""The fields of a window as Alertmanager writes them, and the interval that they mean."""

from __future__ import annotations

import calendar
import re
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from rules.schema_fields import Block, did_you_mean, wrong
from rules.windows import Interval, Range

BAD_WINDOW = "R013"

WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS = tuple(name.lower() for name in calendar.month_name)[1:]

_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")


def _minute(value: Any) -> int:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise wrong(
            f"{value!r} is not a time of day", 'write it like "09:00"; "24:00" ends a day', code=BAD_WINDOW
        )
    hours, minutes = value.split(":")
    return int(hours) * 60 + int(minutes)


def _range(value: Any) -> tuple[str, str]:
    """``a:b`` or ``a`` as two words, lower-case."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise wrong("is not a range", 'write it like "monday:friday" or "1:15"', code=BAD_WINDOW)
    parts = [part.strip().lower() for part in value.split(":")]
    if len(parts) > 2 or not all(parts):
        raise wrong(f"{value!r} is not a range", 'write it like "monday:friday" or "1:15"', code=BAD_WINDOW)
    return parts[0], parts[-1]


def _number(text: str, what: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,4}", text):
        raise wrong(f"{text!r} is not {what}", "write a number", code=BAD_WINDOW)
    return int(text)


def _weekdays(value: Any) -> Range:
    start, end = _range(value)
    for word in (start, end):
        if word not in WEEKDAYS:
            raise wrong(f"{word!r} is not a day of the week", did_you_mean(word, WEEKDAYS), code=BAD_WINDOW)
    found = WEEKDAYS.index(start), WEEKDAYS.index(end)
    if found[0] > found[1]:
        remedy = f'weeks begin on Sunday: write "{start}:saturday" and "sunday:{end}"'
        if end == "sunday":
            remedy = f'weeks begin on Sunday: write "{start}:saturday" and "sunday"'
        raise wrong(f"{value!r} ends before it begins", remedy, code=BAD_WINDOW)
    return found


def _month(word: str) -> int:
    if word in MONTHS:
        return MONTHS.index(word) + 1
    if re.fullmatch(r"[0-9]{1,2}", word) and 1 <= int(word) <= 12:
        return int(word)
    raise wrong(f"{word!r} is not a month", did_you_mean(word, MONTHS), code=BAD_WINDOW)


def _months(value: Any) -> Range:
    start, end = _range(value)
    return _ordered(value, (_month(start), _month(end)))


def _years(value: Any) -> Range:
    start, end = _range(value)
    return _ordered(value, (_number(start, "a year"), _number(end, "a year")))


def _days_of_month(value: Any) -> Range:
    start, end = (_number(word, "a day of the month") for word in _range(value))
    for day in (start, end):
        if day == 0 or not -31 <= day <= 31:
            raise wrong(
                f"{day} is not a day of the month", "write 1 to 31, or -1 for the last", code=BAD_WINDOW
            )
    if start < 0 < end:
        remedy = "a range that begins from the month's end ends so too: -3:-1"
        raise wrong(f"{value!r} mixes both ends", remedy, code=BAD_WINDOW)
    shortest = [day + 28 if day < 0 else day for day in (start, end)]  # judged in the shortest month
    if shortest[0] > shortest[1]:
        raise wrong(f"{value!r} ends before it begins", "swap the two", code=BAD_WINDOW)
    return start, end


def _ordered(value: Any, found: Range) -> Range:
    if found[0] > found[1]:
        raise wrong(f"{value!r} ends before it begins", "write two ranges", code=BAD_WINDOW)
    return found


def _zone(value: Any) -> ZoneInfo:
    if value == "Local":
        remedy = "name the zone: rules mean the same on every machine"
        raise wrong("Local is not a time zone here", remedy, code=BAD_WINDOW)
    try:
        return ZoneInfo(value)
    except (KeyError, OSError, TypeError, ValueError) as error:
        raise wrong(
            f"{value!r} is not a time zone", "write it like Europe/Berlin or UTC", code=BAD_WINDOW
        ) from error


def _some(values: list[Any]) -> list[Any]:
    if not values:
        raise wrong("is empty, so the window never opens", "leave the key out", code=BAD_WINDOW)
    return values


_TIME_SCHEMA = {"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$"}
_RANGE_SCHEMA = {"type": ["string", "integer"]}

Minute = Annotated[int, BeforeValidator(_minute), WithJsonSchema(_TIME_SCHEMA)]
Weekdays = Annotated[Range, BeforeValidator(_weekdays), WithJsonSchema({"type": "string"})]
DaysOfMonth = Annotated[Range, BeforeValidator(_days_of_month), WithJsonSchema(_RANGE_SCHEMA)]
MonthRange = Annotated[Range, BeforeValidator(_months), WithJsonSchema(_RANGE_SCHEMA)]
YearRange = Annotated[Range, BeforeValidator(_years), WithJsonSchema(_RANGE_SCHEMA)]


class TimesBlock(Block):
    start_time: Minute
    """Such as 09:00."""
    end_time: Minute
    """Such as 18:00, not included; 24:00 is the end of the day."""

    @model_validator(mode="after")
    def _in_order(self) -> TimesBlock:
        if self.start_time >= self.end_time:
            remedy = "a range ends on the same day: write two, the first up to 24:00"
            raise wrong("ends before it begins", remedy, code=BAD_WINDOW)
        return self


class IntervalBlock(Block):
    """One entry of a window."""

    times: Annotated[list[TimesBlock], AfterValidator(_some)] | None = None
    """Times of day; without it all day."""
    weekdays: Annotated[list[Weekdays], AfterValidator(_some)] | None = None
    """Such as monday:friday."""
    days_of_month: Annotated[list[DaysOfMonth], AfterValidator(_some)] | None = None
    """Such as 1:7; negative ones count from the end."""
    months: Annotated[list[MonthRange], AfterValidator(_some)] | None = None
    """Such as january:march, or 1:3."""
    years: Annotated[list[YearRange], AfterValidator(_some)] | None = None
    """Such as 2027:2028."""
    location: Annotated[str, AfterValidator(lambda name: _zone(name).key)] = Field(default="UTC")
    """The time zone, such as Europe/Berlin."""

    def interval(self) -> Interval:
        """What the fields mean."""
        return Interval(
            times=tuple((one.start_time, one.end_time) for one in self.times) if self.times else None,
            weekdays=tuple(self.weekdays) if self.weekdays else None,
            days_of_month=tuple(self.days_of_month) if self.days_of_month else None,
            months=tuple(self.months) if self.months else None,
            years=tuple(self.years) if self.years else None,
            zone=ZoneInfo(self.location),
        )
