"""What pydantic found, as problems with a place, a key and a remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from rules.errors import Problem
from rules.schema_fields import BAD_VALUE, did_you_mean
from rules.yaml_source import Document, Path

UNKNOWN_KEY, MISSING_KEY = "R005", "R006"

Locate = Callable[[Path], tuple[Document, Path]]

# Keys of Alertmanager and other tools, and secrets: what people write from habit.
_HABITS: Mapping[str, str] = {
    "match": "write matchers: [ 'name=\"value\"' ]",
    "match_re": "write matchers: [ 'name=~\"pattern\"' ]",
    "receiver": "name a plan: open: { plan: ... }",
    "group_wait": "write for",
    "group_interval": "write `every` in a step of the plan",
    "repeat_interval": "write `every` in a step of the plan",
    "time_zone": "write location",
    "time_intervals": "write windows",
    "mute_time_intervals": "use a window in `if`",
    "active_time_intervals": "use a window in `if`",
    "severity": "write impact",
    "when": "write if",
    "channel": "write to: [ ... ]",
    "else_": "write else",
    "template": "write say and the text's name",
    "templates": "write texts",
}
_DAEMON_KEYS = {
    "token", "api_key", "password", "secret", "url", "webhook", "webhook_url", "host", "port", "sender",
    "recipients", "address", "bot_token", "api_url", "username",
}  # fmt: skip

_EXPECTED: Mapping[str, str] = {
    "string_type": "a text (put quotes around it)",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list: [ ... ]",
    "dict_type": "a map: { key: value }",
    "model_type": "a map: { key: value }",
    "model_attributes_type": "a map: { key: value }",
}


def convert(error: ValidationError, model: type[BaseModel], locate: Locate) -> Iterator[Problem]:
    """The problems of one validation; ``locate`` finds the document and path of a location."""
    for detail in error.errors(include_url=False):
        yield _one(detail, model, locate)


def _one(detail: ErrorDetails, model: type[BaseModel], locate: Locate) -> Problem:
    loc = detail["loc"]
    kind = detail["type"]
    if kind == "missing":
        key = str(loc[-1])
        document, path = locate(loc[:-1])
        return document.problem(path, f"lacks the key {key}", _missing(key), code=MISSING_KEY)
    document, path = locate(loc)
    if kind == "extra_forbidden":
        key = str(loc[-1])
        remedy = _unknown_key(key, _keys_at(model, loc[:-1]))
        return document.problem(path, "is not known here", remedy, code=UNKNOWN_KEY, at_key=True)
    if kind == "tocsin":
        context = detail.get("ctx", {})
        code, offset = context.get("code", BAD_VALUE), context.get("offset")
        at_key = bool(loc) and loc[-1] == "[key]"
        return document.problem(
            path, detail["msg"], context.get("remedy", ""), code=code, offset=offset, at_key=at_key
        )
    message, remedy = _say(detail)
    return document.problem(path, message, remedy, code=BAD_VALUE)


def _say(detail: ErrorDetails) -> tuple[str, str]:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _EXPECTED:
        return "has the wrong kind of value", f"write {_EXPECTED[kind]}"
    if kind == "literal_error":
        allowed = [word.strip("' ") for word in str(context["expected"]).replace(" or ", ", ").split(",")]
        return f"{detail['input']!r} is not possible here", did_you_mean(str(detail["input"]), allowed)
    if kind in ("greater_than_equal", "greater_than"):
        return f"{detail['input']!r} is too small", f"write at least {context.get('ge', context.get('gt'))}"
    if kind in ("too_short", "too_long"):
        return "is empty", "name something, or leave the key out"
    if kind == "string_pattern_mismatch":
        return f"{detail['input']!r} has the wrong form", f"it must look like {context['pattern']}"
    return detail["msg"], "correct the value"


def _missing(key: str) -> str:
    samples = {
        "open": "add open: { components: matched, impact: minor, plan: ... }",
        "plan": "name one of the plans",
        "impact": "write an impact word, or a map over one label",
        "components": "write [ ids ], or matched",
        "kind": "name the channel's kind, such as slack",
        "else": "say which impact holds for all other values",
        "steps": "add steps: [ ... ]",
    }
    return samples.get(key, f"add {key}")


def _unknown_key(key: str, known: list[str]) -> str:
    if key in _HABITS and key not in known:
        return _HABITS[key]
    if key in _DAEMON_KEYS:
        return "addresses and secrets belong in the daemon's configuration"
    if not known:
        return "remove it"
    return did_you_mean(key, known, f"the keys here are {', '.join(known)}")


def _keys_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    """The keys that the model at that location has."""
    annotation: Any = model
    for part in loc:
        annotation = _step(annotation, part)
    return [alias for one in _models(annotation) for alias in _fields(one)]


def _step(annotation: Any, part: str | int) -> Any:
    for model in _models(annotation):
        fields = _fields(model)
        if part in fields:
            return fields[str(part)]
    for inner in _flat(annotation):
        if get_origin(inner) in (list, dict, tuple):
            return get_args(inner)[-1]
    return annotation  # the tag of a union


def _models(annotation: Any) -> list[type[BaseModel]]:
    return [
        inner for inner in _flat(annotation) if isinstance(inner, type) and issubclass(inner, BaseModel)
    ]  # fmt: skip


def _flat(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _flat(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for inner in get_args(annotation):
            yield from _flat(inner)
    else:
        yield annotation


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}
