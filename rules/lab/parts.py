"""An ``if`` taken apart: each part with its value, and what would have turned the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

from daemon.core.words import Impact, Status
from rules import possible
from rules.expression import CelCondition, Vocabulary
from rules.expression_syntax import Node
from rules.model import ConditionError, RuleSet

MOST_CHANGED = 2  # facts that are changed together in search of another answer
MOST_CHANGES = 4  # answers that are shown
MOST_TRIED = 2_000


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of an expression; ``value`` is None where it failed.  ``depth`` is how far it is inside."""

    text: str
    value: bool | None
    depth: int


def parts(condition: CelCondition, rules: RuleSet, facts: Mapping[str, Any]) -> tuple[Part, ...]:
    """The expression and what it is made of by && || and !, each with its value."""
    names = Vocabulary(frozenset(rules.channels), frozenset(rules.components), frozenset(rules.windows))
    return tuple(_parts(condition.tree, names, facts, 0))


def _parts(node: Node, names: Vocabulary, facts: Mapping[str, Any], depth: int) -> Iterator[Part]:
    text = written(node)
    yield Part(text, _value(CelCondition(text, node, names), facts), depth)
    if node.text in ("&&", "||", "!"):
        for child in node.children:
            yield from _parts(child, names, facts, depth + 1)


def _value(condition: CelCondition, facts: Mapping[str, Any]) -> bool | None:
    try:
        return condition.holds(facts)
    except ConditionError:
        return None


def written(node: Node) -> str:
    """The expression as CEL, with every bracket that its shape needs."""
    if node.kind in ("name", "int", "double", "bool", "text"):
        return node.text
    if node.kind == "list":
        return f"[{', '.join(map(written, node.children))}]"
    if node.kind == "call":
        return _call(node)
    inner = [written(one) if _is_tight(one, node) else f"({written(one)})" for one in node.children]
    if node.kind == "unary":
        return node.text + inner[0]
    if node.kind == "choice":
        return f"{inner[0]} ? {inner[1]} : {inner[2]}"
    return f"{inner[0]} {node.text} {inner[1]}"


def _is_tight(child: Node, parent: Node) -> bool:
    """Whether it needs no brackets there."""
    if child.kind in ("binary", "choice"):
        chained = child.text == parent.text and parent.text in ("&&", "||")
        looser = parent.text in ("&&", "||") and child.text not in ("&&", "||", "?")
        return chained or looser or (parent.text == "||" and child.text == "&&")
    return child.kind != "unary" or parent.kind != "unary"


def _call(node: Node) -> str:
    given = [written(one) for one in node.children]
    if node.text in ("label", "size"):
        return f"{node.text}({', '.join(given)})"
    return f"{given[0]}.{node.text}({', '.join(given[1:])})"  # a test of a label


def changes(condition: CelCondition, facts: Mapping[str, Any]) -> tuple[str, ...]:
    """The fewest facts with other values that give the other answer; empty when none were found."""
    values = possible.domains(condition)
    now = _value(condition, facts)
    if values is None or now is None:
        return ()
    tried = 0
    for size in range(1, MOST_CHANGED + 1):
        found: list[str] = []
        for names in combinations(sorted(values), size):
            for chosen in product(*(_others(name, values[name], facts) for name in names)):
                tried += 1
                if tried > MOST_TRIED:
                    return tuple(found)
                if _value(condition, _with(facts, dict(zip(names, chosen, strict=True)))) is (not now):
                    found.append(" and ".join(map(_shown, names, chosen)))
                    break
        if found:
            return tuple(found[:MOST_CHANGES])
    return ()


def _others(name: str, values: tuple[Any, ...], facts: Mapping[str, Any]) -> list[Any]:
    """The other values of a fact, the nearest first."""
    own = _own(name, facts)
    others = [value for value in values if value not in (own, possible.OTHER)]
    if isinstance(own, int):
        others.sort(key=lambda value: abs(int(value) - int(own)))
    return others


def _own(name: str, facts: Mapping[str, Any]) -> Any:
    if name.startswith("label:"):
        return facts[possible.LABELS].get(name[6:], "")
    return facts[name]


def _with(facts: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    labels = {**facts[possible.LABELS]}
    labels |= {name[6:]: value for name, value in changed.items() if name.startswith("label:")}
    return {**facts, **changed, possible.LABELS: labels}


def _shown(name: str, value: Any) -> str:
    if name.startswith("label:"):
        return f'label("{name[6:]}") == "{value}"'
    return f"{name} == {shown(value)}"


def shown(value: Any) -> str:
    """A fact's value in the words of the language."""
    if isinstance(value, Impact | Status):
        return value.name
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(str, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name}={text}' for name, text in sorted(value.items()))}}}"
    return str(value)
