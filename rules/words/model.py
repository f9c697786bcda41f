"""The second layer: a linear model per check over sentence embeddings.  It only ever warns.

Its weights are in ``model.json``, made by ``make words-train`` from the
labelled sentences beside it; its reason is the most similar one of them.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rules.words.embedding import missing, vector
from rules.words.finding import Finding, Severity
from rules.words.reading import shown, words_of
from rules.words.scene import Scene

FILE = Path(__file__).parent / "model.json"
ANY = "any"  # the model of all faults together; the check with the highest score gives the name
SHORTEST = 4  # words; fewer are too few to compare
NOTHING: frozenset[str] = frozenset()
EXCUSED = {"overpromise": frozenset(("HEDGE", "TELL"))}  # roles that the vectors hardly tell from a promise
MOST = 60  # sentences that are looked at
SUGGESTION = "read the sentence again as a customer would; say what you know, and what you do"


@dataclass(frozen=True, slots=True)
class Linear:
    """Weights of one check: a sentence whose score is above 0 is like the bad ones."""

    weights: Any
    offset: float

    def score(self, vector: Any) -> float:
        return float(vector @ self.weights) + self.offset


@functools.cache
def available() -> bool:
    return not missing()


@functools.cache
def _file() -> Mapping[str, Any]:
    return dict(json.loads(FILE.read_text(encoding="utf-8")))


@functools.cache
def models() -> Mapping[str, Linear]:
    import numpy as np  # noqa: PLC0415 - only when the second layer is first used

    return {name: Linear(np.array(one["weights"]), one["offset"]) for name, one in _file()["models"].items()}


@functools.cache
def _examples(check: str) -> tuple[tuple[str, ...], Any]:
    import numpy as np  # noqa: PLC0415 - see above

    texts = tuple(_file()["examples"][check])
    return texts, np.array([vector(text) for text in texts])


def nearest(check: str, found: Any) -> str:
    """The labelled bad sentence of that check that is most like this one."""
    texts, vectors = _examples(check)
    return texts[int((vectors @ found).argmax())]


def check(scene: Scene, found: Iterable[Finding]) -> Iterator[Finding]:
    """Warnings for sentences that are like bad ones and that no pattern has found."""
    if not available():
        return
    taken = [one for one in found if one.text and one.check in models()]
    for sentence in scene.reading.sentences[:MOST]:
        text = shown(scene.reading, sentence)
        place = sentence.start, sentence.end
        if len(words_of(sentence)) < SHORTEST or any(
            one.start < place[1] and place[0] < one.end for one in taken
        ):
            continue
        here = vector(text)
        name = like(here)
        if name and not EXCUSED.get(name, NOTHING) & sentence.index.keys():
            why = f'it reads like "{nearest(name, here)}"'
            yield scene.finding(name, Severity.warn, place, why, SUGGESTION)


def like(found: Any) -> str:
    """The check whose bad sentences this one is like; empty when it is like none."""
    scores = {name: one.score(found) for name, one in models().items()}
    general = scores.pop(ANY)
    name = max(scores, key=lambda one: scores[one])
    return name if scores[name] > 0 or general > 0 else ""
