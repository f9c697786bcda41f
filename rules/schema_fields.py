"""The kinds of value in a rule file: ids, durations, impact words, matchers, times of day.

Each validator raises an error that says what to write instead; schema_problems
turns it into a place in the file.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from daemon.core.clock import SECOND, Span
from daemon.core.words import Impact
from rules import durations, match
from rules.facts import CEL_WORDS, EVENTS, IF_FACTS, IMPACT_WORDS

ID_PATTERN = r"[a-z][a-z0-9_]*"
LONGEST_ID = 64

BAD_VALUE, BAD_ID, BAD_MATCHER = "R007", "R008", "R011"


class Block(BaseModel):
    """A map in a rule file; unknown keys are errors and nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


def wrong(
    message: str, remedy: str = "", *, code: str = BAD_VALUE, offset: int | None = None
) -> PydanticCustomError:
    """A validation error with a remedy; ``offset`` counts characters into the value."""
    return PydanticCustomError(
        "tocsin", "{what}", {"what": message, "remedy": remedy, "code": code, "offset": offset}
    )


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """A remedy that names the nearest known word, else all of them (or ``otherwise``)."""
    known = list(known)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]}?"
    return otherwise or f"write {'one of ' if len(known) > 1 else ''}{', '.join(known)}"


def valid_id(value: str) -> str:
    """The id itself; raises the error that says what to write instead."""
    if not re.fullmatch(ID_PATTERN, value):
        fixed = re.sub(r"[^a-z0-9_]+", "_", value.lower()).strip("_")
        remedy = "an id starts with a letter and has lower-case letters, digits and _"
        if re.fullmatch(ID_PATTERN, fixed):
            remedy = f"write {fixed}; {remedy}"
        raise wrong(f"{value!r} is not an id", remedy, code=BAD_ID)
    if len(value) > LONGEST_ID:
        raise wrong(f"the id is longer than {LONGEST_ID} characters", "shorten it", code=BAD_ID)
    if value in IF_FACTS or value in ("label", "labels"):
        raise wrong(f"{value!r} is the name of a fact", "choose another id", code=BAD_ID)
    if value in CEL_WORDS:
        raise wrong(f"{value!r} is a word of the expression language", "choose another id", code=BAD_ID)
    return value


def _span(value: Any) -> Span:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise wrong("is not a duration", "write it like 30s, 5m, 1h30m or 1d")
    try:
        return durations.parse(value)
    except durations.DurationError as error:
        message, _, remedy = str(error).partition("; ")
        raise wrong(message, remedy) from error


def _at_least_a_second(value: Span) -> Span:
    if value < SECOND:
        raise wrong(f"{durations.show(value)} is too short here", "write at least 1s")
    return value


def impact_of(value: Any) -> Impact:
    """The impact that a word names."""
    if not isinstance(value, str) or value not in IMPACT_WORDS:
        shown = value if isinstance(value, str) else "this"
        raise wrong(f"{shown!r} is not an impact", did_you_mean(str(value), IMPACT_WORDS))
    return Impact[value]


def _matcher(value: str) -> str:
    try:
        match.parse(value)
    except match.MatcherError as error:
        message, _, remedy = str(error).partition("; ")
        raise wrong(
            f"the matcher {message}",
            remedy or "write it as in Alertmanager",
            code=BAD_MATCHER,
            offset=error.offset,
        ) from error
    return value


def _label_name(value: str) -> str:
    if not value:
        raise wrong("a label name cannot be empty", "write the label's name")
    if value == "...":
        raise wrong("'...' (every label) is not supported", "name the labels that make a group")
    return value


def _events(value: Any) -> Any:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names:
        raise wrong("must name an event", f"write one of {', '.join(EVENTS)}")
    for name in names:
        if name not in EVENTS:
            raise wrong(f"there is no event {name!r}", did_you_mean(str(name), EVENTS))
    return names


def _unique(values: list[str]) -> list[str]:
    for number, value in enumerate(values):
        if value in values[:number]:
            raise wrong(f"names {value!r} twice", "keep one of them")
    return values


def _day(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise wrong(f"{value!r} is not a date", "write it like 2027-06-30") from error


def _words(value: str) -> str:
    if not value.strip():
        raise wrong("is empty", "write the words, or leave the key out")
    return value


def _if(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        raise wrong("is not an expression", 'write it as text: "impact >= major"')
    return value


def _text_or_map(value: Any) -> str:
    return "<map>" if isinstance(value, dict) else "<text>"


DURATION_PATTERN = r"^(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$"
_DURATION_SCHEMA = {"type": "string", "pattern": DURATION_PATTERN}

Id = Annotated[
    str, AfterValidator(valid_id), WithJsonSchema({"type": "string", "pattern": f"^{ID_PATTERN}$"})
]
Words = Annotated[str, AfterValidator(_words)]
Duration = Annotated[int, BeforeValidator(_span), WithJsonSchema(_DURATION_SCHEMA)]
Period = Annotated[
    int, BeforeValidator(_span), AfterValidator(_at_least_a_second), WithJsonSchema(_DURATION_SCHEMA)
]
ImpactWord = Annotated[
    Impact, BeforeValidator(impact_of), WithJsonSchema({"type": "string", "enum": list(IMPACT_WORDS)})
]
MatcherText = Annotated[str, AfterValidator(_matcher)]
LabelName = Annotated[str, AfterValidator(_label_name)]
LabelNames = Annotated[list[LabelName], AfterValidator(_unique)]
Refs = Annotated[list[str], AfterValidator(_unique)]
Receivers = Annotated[list[str], Field(min_length=1), AfterValidator(_unique)]
Events = Annotated[
    list[str],
    BeforeValidator(_events),
    AfterValidator(_unique),
    WithJsonSchema({"anyOf": [{"enum": list(EVENTS)}, {"type": "array", "items": {"enum": list(EVENTS)}}]}),
]
Expression = Annotated[str, BeforeValidator(_if), WithJsonSchema({"type": ["string", "boolean"]})]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Count = Annotated[int, Field(ge=1)]

ByLanguage = dict[str, Words]
Variant = Annotated[
    Annotated[Words, Tag("<text>")] | Annotated[ByLanguage, Tag("<map>")], Discriminator(_text_or_map)
]
Text = Annotated[
    Annotated[Words, Tag("<text>")] | Annotated[dict[str, Variant], Tag("<map>")],
    Discriminator(_text_or_map),
]
