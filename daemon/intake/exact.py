"""JSON read exactly: what two parsers could understand differently is refused.

The ordinary readers take duplicate keys and NaN in silence.  This one is some
five times slower than msgspec and is asked only when a body is not what the
fast reader expects.
"""

from __future__ import annotations

import json
from typing import Any

from daemon.core.errors import BadInput

MOST_VALUES = 4_000_000
"""Values in one body; 64 MiB of real alerts have half of that, 64 MiB of ``[]`` would need gigabytes."""

_NAMES = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}


class _Flaw:
    """Stands in the tree where something is wrong, so that its place can be named."""

    def __init__(self, what: str) -> None:
        self.what = what


def kind(value: object) -> str:
    """What JSON calls the value, with its article."""
    return _NAMES.get(type(value), "a number")


def read(body: bytes) -> Any:
    """The value of a JSON text in UTF-8.

    Raises BadInput, naming the place, for what is not JSON, not UTF-8, has
    NaN, Infinity, the same key twice, or is nested beyond the recursion limit.
    """
    text = _text(body)
    flaws: list[_Flaw] = []

    def flaw(what: str) -> _Flaw:
        flaws.append(_Flaw(what))
        return flaws[-1]

    def as_object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Flaw:
        found = dict(pairs)
        return found if len(found) == len(pairs) else flaw(f"the key {_twice(pairs)} appears twice")

    try:
        tree = json.loads(
            text,
            object_pairs_hook=as_object,
            parse_constant=lambda name: flaw(f"{name} is not JSON"),
            parse_int=_number,
        )
    except json.JSONDecodeError as error:
        raise BadInput(f"not JSON: line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise BadInput("nested too deeply: no monitor needs hundreds of levels") from error
    if flaws:
        raise BadInput(_place(tree))
    return tree


def _text(body: bytes) -> str:
    if body.count(b",") + body.count(b"[") + body.count(b"{") > MOST_VALUES:
        raise BadInput(f"more than {MOST_VALUES:,} values in one body")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"not UTF-8: byte {error.start} is {body[error.start]:#04x}") from error
    if not text.strip():
        raise BadInput("the body is empty; JSON is expected")
    return text


def _number(digits: str) -> float:
    """An integer, as long as it has a size that anything here could mean (int() refuses 5,000 digits)."""
    return int(digits) if len(digits) <= 20 else float(digits)


def _twice(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return json.dumps(key[:80])
        seen.add(key)
    raise AssertionError("no key appears twice")


def _place(tree: object) -> str:
    """Path and description of the first flaw.  A flaw can hide inside another, never the other way."""
    todo: list[tuple[str, object]] = [("", tree)]
    while todo:
        path, value = todo.pop()
        if isinstance(value, _Flaw):
            return f"{path.lstrip('.') or 'top'}: {value.what}"
        if isinstance(value, dict):
            todo += [(f"{path}.{key[:80]}", item) for key, item in reversed(value.items())]
        elif isinstance(value, list):
            todo += [(f"{path}[{index}]", item) for index, item in reversed([*enumerate(value)])]
    raise AssertionError("flaws were counted and none is in the tree")
