"""What the settings models say about a piece of plain data: which model, which keys, which secrets.

Walks pydantic models and data side by side, so that nothing in ``config``
lists the fields of a channel.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

Path = tuple[str | int, ...]
Model = type[BaseModel]


class Lines:
    """Marks a secret that may have several lines, each a live value (rotation)."""


def walk(model: Model, data: Any, path: Path = ()) -> Iterator[tuple[Model, dict[str, Any], Path]]:
    """Each mapping in ``data`` with the model that describes it, outermost first."""
    if not isinstance(data, dict):
        return
    yield model, data, path
    for name, field in model.model_fields.items():
        value = data.get(name)
        below = (*path, name)
        pairs = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, item in pairs:
            inner = model_for(field, item)
            if inner is not None:
                yield from walk(inner, item, below if index is None else (*below, index))


def model_for(field: FieldInfo, value: Any) -> Model | None:
    """The model that describes ``value`` (or an item) of that field; of several, the one with its tag."""
    if not isinstance(value, dict):
        return None
    models = list(models_of(field))
    if len(models) == 1:
        return models[0]
    for model in models:
        tags = {name: get_args(one.annotation) for name, one in model.model_fields.items() if _is_tag(one)}
        if tags and all(value.get(name) in allowed for name, allowed in tags.items()):
            return model
    return None


def model_at(model: Model, data: Any, path: Path) -> Model | None:
    """The model of the mapping at ``path``; None where there is none, or no known one."""
    for found, _, here in walk(model, data):
        if here == path:
            return found
    return None


def is_secret(field: FieldInfo) -> bool:
    return SecretStr in set(_leaves(field.annotation))


def has_lines(field: FieldInfo) -> bool:
    """Whether a secret may have several lines."""
    return any(isinstance(one, Lines) for one in (*field.metadata, *_leaves(field.annotation)))


def is_list(field: FieldInfo) -> bool:
    """Whether the field takes a list (also: optionally)."""
    choices = (field.annotation, *get_args(field.annotation))
    return any(choice in (list, tuple) or get_origin(choice) in (list, tuple) for choice in choices)


def keys(model: Model) -> list[str]:
    """Every key that may be written, the ``_file`` form of secrets included."""
    names: list[str] = []
    for name, field in model.model_fields.items():
        names.append(name)
        if is_secret(field):
            names.append(f"{name}_file")
    return names


def nearest(word: str, known: list[str]) -> str:
    """What was probably meant, or nothing."""
    found = get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return found[0] if found else ""


def choices(word: str, known: list[str]) -> str:
    """The remedy for a word that is none of ``known``."""
    meant = nearest(word, known)
    if meant:
        return f"did you mean `{meant}`? write `{meant}`"
    return "write one of " + ", ".join(f"`{one}`" for one in known)


def _is_tag(field: FieldInfo) -> bool:
    return field.is_required() and get_origin(field.annotation) is Literal


def _leaves(annotation: Any) -> Iterator[Any]:
    arguments = get_args(annotation)
    if not arguments or get_origin(annotation) is Literal:
        yield annotation
    for argument in arguments:
        yield from _leaves(argument)


def models_of(field: FieldInfo) -> Iterator[Model]:
    """The models that a field may hold."""
    for leaf in _leaves(field.annotation):
        if isinstance(leaf, type) and issubclass(leaf, BaseModel):
            yield leaf
