"""Items over their defaults, and data without the keys that a model refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from rules.yaml_source import Path

_ANY_STEP = ("if", "limit")  # the defaults of steps that say nothing


def merge(own: Mapping[str, Any], defaults: Mapping[str, Any], *, is_step: bool) -> dict[str, Any]:
    """The item over its defaults; ``open`` key by key, a step's only where they can apply."""
    if is_step and "say" not in own:
        defaults = {key: value for key, value in defaults.items() if key in _ANY_STEP}
    merged = {**defaults, **own}
    inner, outer = own.get("open"), defaults.get("open")
    if isinstance(inner, dict) and isinstance(outer, dict):
        merged["open"] = {**outer, **inner}
    return merged


def without_unknown(model: type[BaseModel], data: Any) -> Any:
    """The data without the keys that the model refuses, at any depth."""
    while True:
        try:
            model.model_validate(data)
        except ValidationError as error:
            extras = [detail["loc"] for detail in error.errors() if detail["type"] == "extra_forbidden"]
            before = data
            for loc in extras:
                data = _dropped(data, loc)
            if data == before:
                return data
        else:
            return data


def without_wrong(model: type[BaseModel], data: dict[str, Any]) -> dict[str, Any]:
    """The ``defaults`` block without the keys that are wrong: those of a route and a step one by one."""
    data = without_unknown(model, data)
    try:
        model.model_validate(data)
    except ValidationError as error:
        for detail in error.errors():
            loc = detail["loc"]
            data = _dropped(data, loc[: 3 if loc[1:2] == ("open",) else 2])
    return data


def _dropped(data: Any, loc: Path) -> Any:
    if not loc:
        return data
    first, rest = loc[0], loc[1:]
    if isinstance(data, dict) and first in data:
        if not rest:
            return {key: value for key, value in data.items() if key != first}
        return {key: _dropped(value, rest) if key == first else value for key, value in data.items()}
    if isinstance(data, list) and isinstance(first, int):
        return [_dropped(value, rest) if number == first else value for number, value in enumerate(data)]
    return _dropped(data, rest)  # a union's tag
