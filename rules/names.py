"""Ids that mean something beyond their block: what ``if``, ``ask`` and texts look up by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rules.declared import Gathered
from rules.expression_types import Vocabulary
from rules.facts import IMPACT_WORDS, STATUS_WORDS
from rules.schema_fields import BAD_ID
from rules.text_facts import FACTS as TEXT_FACTS

CATCH_ALL = "catch_all"  # the route and the plan that are built in
TOLD = "told"

_WORDS = {**dict.fromkeys(IMPACT_WORDS, "an impact"), **dict.fromkeys(STATUS_WORDS, "a status")}
_RESERVED: Mapping[str, Mapping[str, str]] = {
    "channels": {**_WORDS, **dict.fromkeys(("default", "public", "internal"), "a key of texts")},
    "components": {**_WORDS, "matched": "a word of `open`"},
    "windows": {**_WORDS, **dict.fromkeys(TEXT_FACTS, "a fact of texts")},
    "routes": {CATCH_ALL: "the built-in route"},
    "plans": {CATCH_ALL: "the built-in plan"},
    "steps": {"person": "what a person's own update is called"},
}
_APART = (("windows", ("channels", "components")), ("people", ("channels",)))


def vocabulary(gathered: Gathered) -> Vocabulary:
    """The constants of ``if``; notes ids that clash with words or with each other."""
    for block, words in _RESERVED.items():
        for name in _blocks(gathered, block):
            _reserved(gathered, name, words)
    for block, others in _APART:
        for other in others:
            _clashes(gathered, block, other)
    channels, components, windows = (
        frozenset(gathered.known(block)) for block in ("channels", "components", "windows")
    )
    return Vocabulary(channels, components, windows)


def _blocks(gathered: Gathered, block: str) -> Iterable[str]:
    if block != "steps":
        return (block,)
    return [name for name in gathered.ids if name.startswith("steps of ")]


def _reserved(gathered: Gathered, block: str, words: Mapping[str, str]) -> None:
    at_key = block in ("channels", "windows", "plans")
    for key, place in gathered.ids.get(block, {}).items():
        if key in words:
            message = f"{key!r} is {words[key]}"
            gathered.add(place, message, "choose another id", code=BAD_ID, at_key=at_key)


def _clashes(gathered: Gathered, block: str, other: str) -> None:
    for key, place in gathered.ids.get(block, {}).items():
        if key in gathered.ids.get(other, {}):
            document, path = gathered.ids[other][key]
            first = document.problem(path, "", code="")
            message = f"{key!r} is in {other} too ({first.file}:{first.line})"
            gathered.add(place, message, "give one of them another id", code=BAD_ID, at_key=True)
