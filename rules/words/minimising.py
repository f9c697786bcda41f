"""`minimising`: the problem, or the number of those who have it, is played down."""

from __future__ import annotations

from collections.abc import Iterator

from rules.words import framed
from rules.words.finding import Finding
from rules.words.frames import Hit
from rules.words.scene import Scene

DROPPED = frozenset(
    [
        "just",
        "only",
        "merely",
        "simply",
        "tiny",
        "minor",
        "slight",
        "small",
        "little",
        "trivial",
        "brief",
        "mere",
        "very",
        "somewhat",
    ]
)
PLAIN = {"glitch": "problem", "hiccup": "problem", "blip": "problem", "wobble": "problem", "hitch": "problem"}


def check(scene: Scene) -> Iterator[Finding]:
    return framed.run("minimising", scene, _rewrite)


def _rewrite(scene: Scene, hit: Hit) -> str | None:
    """The clause without its downtoners."""
    if hit.frame.name != "downtoner and trouble":
        return None
    first, last = hit.sentence.clause(hit.first, hit.last)
    words = [scene.reading.given[token.start : token.end] for token in hit.sentence.tokens[first:last]]
    kept = [PLAIN.get(word.lower(), word) for word in words if word.lower() not in DROPPED]
    if len(kept) == len(words) or len(kept) < 2 or len(set(hit.sentence.tokens[first:last])) != len(words):
        return None
    text = " ".join(kept)
    return (
        text.replace("a issue", "an issue").replace("A issue", "An issue").replace("an problem", "a problem")
    )
