"""`vague`: says nothing that was not known: no part of the service, no symptom, no action, no number."""

from __future__ import annotations

from collections.abc import Iterator

from rules.words.finding import Finding, Severity
from rules.words.parts import told
from rules.words.scene import Scene

FEW = 1  # facts; so many may be a stray word


def check(scene: Scene) -> Iterator[Finding]:
    if scene.settings.phase == "resolution":
        return
    tells = told(scene)
    if tells.facts > FEW or (tells.facts == FEW and tells.parts & {"timeline", "confirmed"}):
        return
    yield scene.finding(
        "vague",
        Severity.error if tells.facts == 0 and scene.settings.phase == "initial" else Severity.warn,
        (0, len(scene.reading.given)),
        "it says nothing that customers do not know",
        "say what is affected, what changed, what you do now, or when you write again",
    )
