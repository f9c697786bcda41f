"""The process environment: the one place that reads it, and its layer over the file.

``TOCSIN_LISTEN__PUBLIC=0.0.0.0:8080`` sets ``listen.public``.  Two underscores
go one level down; an entry of a list is meant by its number or its name:
``TOCSIN_CHANNELS__OPS__WEBHOOK_URL_FILE`` and ``TOCSIN_CHANNELS__1__...``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from config.findings import Finding
from config.shape import Model, Path, choices, is_list, keys, model_at, nearest

PREFIX = "TOCSIN_"
DELIMITER = "__"
RESERVED = frozenset({"TOCSIN_CONFIG"})
"""Variables with our prefix that are no settings."""


def environment() -> dict[str, str]:
    """A copy of the process environment, for those who take it as a parameter."""
    return dict(os.environ)


@dataclass(slots=True)
class Overlay:
    """The data with the environment laid over it, and what came of it."""

    data: dict[str, Any]
    variables: dict[Path, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def overlay(model: Model, data: Mapping[str, Any], environ: Mapping[str, str]) -> Overlay:
    """Lay every ``TOCSIN_`` variable over ``data``.

    A variable whose first word is no setting is a notice, not an error:
    orchestrators inject ``TOCSIN_PORT`` and the like for a service of our name.
    """
    result = Overlay(deepcopy(dict(data)))
    known = keys(model)
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or variable in RESERVED:
            continue
        words = variable.removeprefix(PREFIX).lower().split(DELIMITER)
        if words[0] not in known:
            result.notices.append(f"{variable} is no setting and was left alone{_hint(words[0], known)}")
            continue
        _lay(model, result, variable, words, environ[variable])
    return result


def _hint(word: str, known: list[str]) -> str:
    if word.partition("_")[0] in known:
        return ": two underscores go one level down"
    meant = nearest(word, known)
    return f": did you mean {PREFIX}{meant.upper()}?" if meant else ""


def _lay(model: Model, result: Overlay, variable: str, words: list[str], text: str) -> None:
    path, problem = _find(result.data, words)
    if problem is not None:
        result.findings.append(problem)
        result.variables[problem.path] = variable
        return
    container: Any = result.data
    for part in path[:-1]:
        container = container[part]
    try:
        value = _parse(model, result.data, path, text)
    except ValueError:
        result.findings.append(Finding(path, "starts like JSON and is none", "write JSON, or a plain value"))
        value = None
    container[path[-1]] = value
    result.variables[path] = variable


def _find(data: dict[str, Any], words: list[str]) -> tuple[Path, Finding | None]:
    """The path that the words mean; mappings on the way are made, entries of lists must exist."""
    here: Any = data
    path: Path = ()
    for number, word in enumerate(words):
        part: str | int = word
        if isinstance(here, list):
            names = [_name(item) for item in here]
            index = names.index(word) if word in names else int(word) if word.isdecimal() else -1
            if not 0 <= index < len(here):
                return (), Finding(
                    (*path, word), "there is no such entry", choices(word, [n for n in names if n])
                )
            part = index
        elif not isinstance(here, dict):
            return (), Finding(path, "has no keys of its own", "unset the longer variable")
        path = (*path, part)
        if number < len(words) - 1:
            if isinstance(here, dict) and here.get(word) is None:
                here[word] = {}
            here = here[part]
    return path, None


def _name(item: Any) -> str:
    """An entry's name as a variable spells it."""
    return str(item.get("name", "")).lower().replace("-", "_") if isinstance(item, dict) else ""


def _parse(model: Model, data: dict[str, Any], path: Path, text: str) -> Any:
    """JSON for lists and blocks, commas for plain lists, else the text: the model converts it."""
    if text.lstrip()[:1] in ("[", "{"):
        return json.loads(text)
    owner = model_at(model, data, path[:-1])
    field_info = owner.model_fields.get(str(path[-1])) if owner is not None else None
    if field_info is not None and is_list(field_info):
        return [item.strip() for item in text.split(",") if item.strip()]
    return text
