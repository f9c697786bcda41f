"""Checks that are a file of frames: lexicon, guards and reasons in YAML."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping

from rules.words.finding import Finding
from rules.words.frames import FrameSet, Hit, Rows, everywhere, find, frames, rows
from rules.words.lexicon import Lexicon, document, fill
from rules.words.reading import Sentence
from rules.words.scene import Scene

Rewrite = Callable[[Scene, Hit], str | None]


@functools.cache
def loaded(check: str) -> FrameSet:
    """The frames of one check."""
    return frames(document(check))


@functools.cache
def shared() -> tuple[Lexicon, Mapping[str, Rows]]:
    """All roles of all checks in one lexicon, and the roles that are patterns themselves."""
    lexicon = Lexicon()
    fill(lexicon, document("roles"))
    patterns: dict[str, Rows] = {}
    for check in (*FRAMED, PARTS):
        block = document(check)
        fill(lexicon, block.get("roles", {}))
        for name, listed in block.get("phrases", {}).items():
            patterns[name] = rows(listed)
    return lexicon, patterns


FRAMED = ("blame", "overpromise", "minimising", "speculation", "unprofessional", "tone")
PARTS = "parts"


def mark(sentence: Sentence) -> None:
    """Fill in all roles of a sentence."""
    lexicon, patterns = shared()
    lexicon.mark(sentence)
    for name, known in patterns.items():
        for start, end in everywhere(known, sentence):
            _note(sentence, name, start, end)


def _note(sentence: Sentence, name: str, start: int, end: int) -> None:
    found = sentence.roles[start].setdefault(name, [])
    if end not in found:
        found.append(end)
    places = sentence.index.setdefault(name, [])
    if start not in places:
        places.append(start)


def run(check: str, scene: Scene, rewrite: Rewrite | None = None) -> Iterator[Finding]:
    """The findings of a check's frames, sentence by sentence."""
    known = loaded(check)
    for sentence in scene.reading.sentences:
        for hit in find(known, sentence, scene.settings.phase):
            fix = rewrite(scene, hit) if rewrite else None
            start, end = (hit.start, hit.end)
            if fix is not None:
                start, end = fixed_span(hit)
            yield scene.finding(
                check, hit.frame.severity, (start, end), hit.frame.why, hit.frame.suggestion, fix
            )


def fixed_span(hit: Hit) -> tuple[int, int]:
    """The span that a rewrite replaces: the clause around the hit."""
    first, last = hit.sentence.clause(hit.first, hit.last)
    return hit.sentence.tokens[first].start, hit.sentence.tokens[last - 1].end
