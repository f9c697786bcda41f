"""`repeat`: the same as the last public update, apart from times and stock phrases."""

from __future__ import annotations

from collections.abc import Iterator

from rules.words.finding import Finding, Severity
from rules.words.reading import Reading, read, words_of
from rules.words.scene import Scene

SHINGLE = 3  # words
SAME = 0.8  # of the shingles
IDLE = frozenset(
    [
        "a",
        "an",
        "the",
        "and",
        "or",
        "but",
        "still",
        "again",
        "now",
        "currently",
        "also",
        "please",
        "we",
        "our",
        "at",
        "by",
        "in",
        "on",
        "to",
        "of",
        "is",
        "are",
        "be",
    ]
)


def check(scene: Scene) -> Iterator[Finding]:
    earlier = scene.settings.earlier
    if not earlier.strip():
        return
    new, old = _shingles(scene.reading), _shingles(read(earlier[:20_000]))
    if new and len(new & old) / len(new) >= SAME:
        same = scene.reading.given.strip() == earlier.strip()
        yield scene.finding(
            "repeat", Severity.error if same else Severity.warn, (0, len(scene.reading.given)),
            "it says the same as the last update",
            "say what changed: what works again, what you found, what you try next, how long it takes",
        )  # fmt: skip


def _shingles(reading: Reading) -> set[tuple[str, ...]]:
    words = [
        word
        for sentence in reading.sentences
        for word in words_of(sentence)
        if word not in IDLE and not word[0].isdigit()
    ]
    size = min(SHINGLE, len(words))
    return {tuple(words[place : place + size]) for place in range(len(words) - size + 1)} if size else set()
