"""What an ``if`` can answer at all: it is tried in every world that it can tell apart.

Only conditions whose worlds can be counted are judged; for the others (arithmetic,
``size``, parts of labels) nothing is claimed.  ``check`` finds contradictions with
this, and ``explain`` what would have changed an answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import combinations, product
from math import prod
from typing import Any

from daemon.core.words import Impact, Status
from rules.expression import CelCondition
from rules.expression_syntax import Node
from rules.facts import IF_FACTS
from rules.model import ConditionError

MOST_WORLDS = 4_096
OTHER = "\x00other"  # a label's value that no file names
LABELS = "labels"

Worlds = Mapping[str, tuple[Any, ...]]
"""The values worth trying of each fact; label facts are called ``label:NAME``."""


def answers(condition: CelCondition, statuses: frozenset[Status] = frozenset(Status)) -> frozenset[bool]:
    """Which of true and false it can be while the status is one of these; both where that is not known."""
    return _answers(condition.source, condition, statuses)


@lru_cache(maxsize=4_096)
def _answers(source: str, condition: CelCondition, statuses: frozenset[Status]) -> frozenset[bool]:
    del source  # equal conditions of different plans are judged once
    values = domains(condition)
    if values is None:
        return frozenset((True, False))
    if "status" in values:
        values = {**values, "status": tuple(sorted(statuses))}
    found = set()
    for facts in worlds(values):
        found.add(_holds(condition, facts))
        if len(found) == 2:
            break
    return frozenset(found)


def domains(condition: CelCondition) -> Worlds | None:
    """The values that make a difference, by fact; None when they cannot be counted."""
    try:
        found = _Domains()
        found.look(condition.tree)
    except _UncountableError:
        return None
    values = {
        **{name: tuple(sorted(numbers)) for name, numbers in found.numbers.items()},
        **{name: tuple(_subsets(sorted(ids))) for name, ids in found.members.items()},
        **{f"label:{name}": ("", OTHER, *sorted(texts)) for name, texts in found.labels.items()},
    }
    for name in condition.names - {LABELS}:
        kind = IF_FACTS[name].type if name in IF_FACTS else "bool"
        if kind in _WORDS:
            values[name] = tuple(_WORDS[kind])
        elif kind == "bool":
            values[name] = (False, True)
        elif name not in values:
            return None
    return values if prod(len(each) for each in values.values()) <= MOST_WORLDS else None


def worlds(values: Worlds) -> Iterator[dict[str, Any]]:
    """Every combination, as facts that a condition can look at."""
    names = list(values)
    for chosen in product(*values.values()):
        yield facts_of(dict(zip(names, chosen, strict=True)))


def facts_of(world: Mapping[str, Any]) -> dict[str, Any]:
    """A world as facts: labels together again."""
    facts = {name: value for name, value in world.items() if not name.startswith("label:")}
    facts[LABELS] = {name[6:]: value for name, value in world.items() if name.startswith("label:")}
    return facts


def _holds(condition: CelCondition, facts: Mapping[str, Any]) -> bool:
    try:
        return condition.holds(facts)
    except ConditionError:
        return False  # as in a decision


_WORDS: Mapping[str, type[Impact | Status]] = {"impact": Impact, "status": Status}
_MIRRORED = {"==", "!=", "<", "<=", ">", ">="}


class _UncountableError(Exception):
    """The expression looks at something whose values cannot be listed."""


class _Domains:
    """Collects what each fact is compared with."""

    def __init__(self) -> None:
        self.numbers: dict[str, set[int]] = {}
        self.members: dict[str, set[str]] = {}
        self.labels: dict[str, set[str]] = {}

    def look(self, node: Node) -> None:
        if node.kind == "binary" and node.text == "in":
            self._membership(*node.children)
        elif node.kind == "binary" and node.text in _MIRRORED:
            self._comparison(*node.children)
        elif node.kind in ("unary", "choice") or (node.kind == "binary" and node.text in ("&&", "||")):
            if node.text == "-":
                raise _UncountableError
            for child in node.children:
                self.look(child)
        elif node.kind not in ("name", "bool"):
            raise _UncountableError

    def _comparison(self, left: Node, right: Node) -> None:
        for one, other in ((left, right), (right, left)):
            if _is_number(one):
                if other.kind != "int":
                    raise _UncountableError
                value = int(other.text, 0 if other.text[:2] == "0x" else 10)
                near = {0, max(value - 1, 0), value, value + 1}
                self.numbers.setdefault(one.text, set()).update(near)
                return
            if _is_label(one):
                self._label(one).update([_quoted(other)] if other.kind == "text" else self._other(other))
                return
        if not all(child.kind in ("name", "bool") and not _is_list(child) for child in (left, right)):
            for child in (left, right):  # (a && b) == c
                self.look(child)

    def _membership(self, item: Node, holder: Node) -> None:
        if _is_list(holder) and item.kind == "name":
            self.members.setdefault(holder.text, set()).add(item.text)
        elif _is_label(item) and holder.kind == "list" and all(one.kind == "text" for one in holder.children):
            self._label(item).update(_quoted(one) for one in holder.children)
        elif not (item.kind == "name" and item.text in _WORDS and holder.kind == "list"):
            raise _UncountableError

    def _label(self, node: Node) -> set[str]:
        return self.labels.setdefault(_quoted(node.children[0]), set())

    @staticmethod
    def _other(node: Node) -> list[str]:
        del node
        raise _UncountableError


def _is_number(node: Node) -> bool:
    return node.kind == "name" and node.text in IF_FACTS and IF_FACTS[node.text].type == "int"


def _is_list(node: Node) -> bool:
    return node.kind == "name" and node.text in IF_FACTS and IF_FACTS[node.text].type.startswith("list:")


def _is_label(node: Node) -> bool:
    return node.kind == "call" and node.text == "label"


def _quoted(node: Node) -> str:
    if "\\" in node.text:
        raise _UncountableError
    return node.text[1:-1]


def _subsets(ids: list[str]) -> Iterator[tuple[str, ...]]:
    for size in range(len(ids) + 1):
        yield from combinations(ids, size)
