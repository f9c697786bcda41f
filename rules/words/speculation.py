"""`speculation`: a cause is guessed at, or named in the first update."""

from __future__ import annotations

from collections.abc import Iterator

from rules.words import framed
from rules.words.finding import Finding
from rules.words.scene import Scene


def check(scene: Scene) -> Iterator[Finding]:
    return framed.run("speculation", scene)
