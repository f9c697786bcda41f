"""`incomplete`: a part that the phase asks for is missing."""

from __future__ import annotations

from collections.abc import Iterator

from rules.words.finding import Finding, Severity
from rules.words.parts import Told, told
from rules.words.scene import Scene

SENTENCE = {
    "affected": "We are aware that customers cannot ... (what they cannot do, and who).",
    "doing": "Our team is investigating.",
    "next_update": "We will post the next update by ... (a time with its zone).",
    "changed": "Since the last update we have ... (what changed, or what you now know).",
    "confirmed": "... works normally again since ... (time).",
    "cause": "The cause was ... .",
    "prevention": "To keep this from happening again, we have ... .",
    "apology": "We are sorry for the disruption.",
    "thanks": "Thank you for your patience.",
}
WHY = {
    "affected": "a first update says what is affected",
    "doing": "a first update says what you are doing",
    "next_update": "it does not say when you write again",
    "changed": "an update says where things stand or what changed",
    "confirmed": "a resolution confirms that all works again",
    "cause": "a resolution names the cause, if you know it",
    "prevention": "a resolution says what keeps this from happening again",
    "apology": "a resolution apologises",
    "thanks": "a resolution thanks customers for their patience",
}


def check(scene: Scene) -> Iterator[Finding]:
    phase = scene.settings.phase
    if phase is None:
        return
    tells = told(scene)
    missing = {"initial": _initial, "progress": _progress, "resolution": _resolution}[phase](tells)
    for part, severity in missing:
        if phase == "resolution" and scene.settings.automatic and part in scene.settings.automatic_may_omit:
            continue
        yield scene.missing("incomplete", severity, WHY[part], SENTENCE[part])


def _initial(tells: Told) -> Iterator[tuple[str, Severity]]:
    if tells.facts == 0:
        yield "affected", Severity.error
    elif "affected" not in tells.parts:
        yield "affected", Severity.warn
    if "doing" not in tells.parts:
        yield "doing", Severity.warn
    if "next_update" not in tells.parts:
        yield "next_update", Severity.warn


def _progress(tells: Told) -> Iterator[tuple[str, Severity]]:
    if not tells.parts & {"changed", "doing", "affected"} or tells.facts == 0:
        yield "changed", Severity.warn
    if not tells.parts & {"timeline", "next_update"}:
        yield "next_update", Severity.warn


def _resolution(tells: Told) -> Iterator[tuple[str, Severity]]:
    for part in ("confirmed", "apology"):
        if part not in tells.parts:
            yield part, Severity.error
    for part in ("cause", "prevention", "thanks"):
        if part not in tells.parts:
            yield part, Severity.warn
