"""What a text tells: the parts of a good update, found sentence by sentence in free text."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from rules.words.frames import Rows, anywhere, rows
from rules.words.lexicon import document
from rules.words.reading import words_of
from rules.words.scene import Scene

ENOUGH = 3  # facts that make it likely that the text says what is affected


@dataclass(frozen=True, slots=True)
class Told:
    """The parts that a text has, and how many facts of its own."""

    parts: frozenset[str]
    facts: int


@functools.cache
def stock() -> frozenset[str]:
    """Words that tell customers nothing about this incident."""
    return frozenset(document("parts")["stock"].split())


@functools.cache
def patterns() -> Mapping[str, Rows]:
    return {name: rows(listed) for name, listed in document("parts")["parts"].items()}


def told(scene: Scene) -> Told:
    """What the text tells; looked at once for all checks."""
    if "told" not in scene.memo:
        scene.memo["told"] = _told(scene)
    known: Told = scene.memo["told"]
    return known


def _told(scene: Scene) -> Told:
    found: set[str] = set()
    facts: set[str] = set()
    plain = scene.reading.plain
    components = [name.casefold() for name in scene.settings.components]
    for sentence in scene.reading.sentences:
        for name, listed in patterns().items():
            if name not in found and anywhere(listed, sentence):
                found.add(name)
        facts |= {word for word in words_of(sentence) if word not in stock()}
    if len(facts) >= ENOUGH:
        found.add("affected")  # wide on purpose: an error here stops a good text
    if _doubted(scene):
        found.discard("confirmed")
    if "status." in plain or "http" in plain:
        found.add("next_update")
    if any(name in plain.casefold() for name in components):
        facts.add("component")
        found.add("affected")
    return Told(frozenset(found), len(facts))


def _doubted(scene: Scene) -> bool:
    """Whether what looks like a confirmation says "should" or "seems", and no other sentence confirms."""
    doubt = patterns()["doubted"]
    return not any(
        anywhere(patterns()["confirmed"], sentence) and not anywhere(doubt, sentence)
        for sentence in scene.reading.sentences
    )
