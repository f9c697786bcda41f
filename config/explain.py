"""Pydantic's complaints in the operator's words: which key, what is wrong, what to write.

Never repeats a value: it may be a secret in the wrong place.  Words that were
chosen from a list are the exception; they are short and told apart by models.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from config.findings import Finding
from config.shape import Model, Path, choices, is_secret, keys, model_at
from rules.yaml_source import show_path

LONGEST_WORD = 40
_QUOTED = re.compile(r"'([^']*)'")
_WORDS = {
    "int_parsing": ("is no whole number", "write a number such as 25"),
    "int_type": ("is no whole number", "write a number such as 25"),
    "int_from_float": ("is no whole number", "write a number such as 25"),
    "float_parsing": ("is no number", "write a number such as 2.5"),
    "float_type": ("is no number", "write a number such as 2.5"),
    "bool_parsing": ("is neither true nor false", "write true or false"),
    "bool_type": ("is neither true nor false", "write true or false"),
    "string_type": ("is no text", "put quotes around it"),
    "list_type": ("is no list", "write [ first, second ], or one line with a dash per entry"),
    "tuple_type": ("is no list", "write [ first, second ], or one line with a dash per entry"),
    "too_short": ("is empty", "write at least one entry, or remove the key"),
    "string_too_short": ("is empty", "write something, or remove the key"),
    "none_required": ("has no effect here", "remove the key"),
}


def explain(model: Model, data: dict[str, Any], error: ValidationError) -> Iterator[Finding]:
    """A finding for each complaint."""
    for detail in error.errors(include_url=False):
        yield _finding(model, data, detail, _real_path(data, detail))


def _finding(model: Model, data: dict[str, Any], detail: ErrorDetails, path: Path) -> Finding:
    kind = detail["type"]
    owner = model_at(model, data, path[:-1]) if path else None
    field = owner.model_fields.get(str(path[-1])) if owner is not None else None
    if kind == "extra_forbidden":
        place = f"`{show_path(path[:-1])}`" if path[:-1] else "the file"
        known = keys(owner) if owner is not None else []
        return Finding(path, f"is no key of {place}", choices(str(path[-1]), known), at_key=True)
    if kind == "missing":
        return Finding(path, "is missing", _how_to_write(str(path[-1]), field))
    if kind.startswith("union_tag"):
        return _tag_finding(data, path, detail.get("ctx", {}))
    return Finding(path, *_words(detail, path, field))


def _words(detail: ErrorDetails, path: Path, field: FieldInfo | None) -> tuple[str, str]:
    """What is wrong with a value, and what to write."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _WORDS:
        return _WORDS[kind]
    if kind in {"literal_error", "enum"}:
        word = (
            detail["input"]
            if isinstance(detail["input"], str) and len(detail["input"]) < LONGEST_WORD
            else ""
        )
        allowed = _QUOTED.findall(str(context.get("expected", "")))
        return (f"cannot be {word!r}" if word else "is no word that fits"), choices(word, allowed)
    if kind == "value_error":
        message, _, remedy = str(context.get("error", "")).partition("; ")
        return (message, remedy) if remedy or not message.startswith("write ") else ("is not right", message)
    if kind in {"model_type", "model_attributes_type", "dict_type"}:
        return "is no block of keys", _block_remedy(path)
    if kind == "string_pattern_mismatch":
        return "has the wrong form", f"write what matches {context.get('pattern', '')}"
    text = detail["msg"].removeprefix("Input ")
    return text[:1].lower() + text[1:], _default(field)


def _tag_finding(data: dict[str, Any], path: Path, context: dict[str, Any]) -> Finding:
    """A list entry whose ``kind`` is missing or unknown."""
    tag = str(context.get("discriminator", "'kind'")).strip("'")
    allowed = _QUOTED.findall(str(context.get("expected_tags", "")))
    entry: Any = data
    for part in path:
        entry = entry[part]
    if not isinstance(entry, dict):
        return Finding(path, "is no block of keys", _block_remedy(path))
    below = (*path, tag)
    if tag not in entry:
        return Finding(below, "is missing", f"write `{tag}: log`, or another kind")
    return Finding(below, f"cannot be {str(entry[tag])[:LONGEST_WORD]!r}", choices(str(entry[tag]), allowed))


def _real_path(data: Any, detail: ErrorDetails) -> Path:
    """The complaint's place in the data, without the tags of unions that pydantic puts in."""
    path: list[str | int] = []
    here = data
    last = len(detail["loc"]) - 1
    for number, part in enumerate(detail["loc"]):
        if isinstance(here, (dict, list)) and _holds(here, part):
            here = here[part]  # type: ignore[index]  # _holds looked
            path.append(part)
        elif number == last and detail["type"] == "missing":
            path.append(part)
    return tuple(path)


def _holds(container: dict[str, Any] | list[Any], part: str | int) -> bool:
    if isinstance(container, list):
        return isinstance(part, int) and part < len(container)
    return part in container


def _how_to_write(name: str, field: FieldInfo | None) -> str:
    if field is not None and is_secret(field):
        return f"write `{name}_file: /path/of/a/file` (or `{name}: ...`)"
    example = field.examples[0] if field is not None and field.examples else "..."
    return f"write `{name}: {example}`"


def _block_remedy(path: Path) -> str:
    named = path and isinstance(path[-1], str)
    return f"write `{path[-1]}: {{ key: value }}`" if named else "write { key: value }"


def _default(field: FieldInfo | None) -> str:
    if field is None or field.is_required() or is_secret(field) or field.default in (None, ""):
        return "write a value that fits"
    return f"the default is {field.default}; write a value that fits, or remove the key"
