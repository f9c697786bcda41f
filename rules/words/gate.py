"""The wording gate: a text and what is known about it, to findings.  Pure, bounded, never an exception."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from rules.words import (
    blame,
    framed,
    incomplete,
    jargon,
    leak,
    length,
    minimising,
    overpromise,
    repeat,
    speculation,
    tone,
    unprofessional,
    vague,
)
from rules.words.finding import CHECKS, Finding, Severity
from rules.words.language import refused
from rules.words.reading import read
from rules.words.scene import Scene
from rules.words.settings import LONGEST, Settings

Check = Callable[[Scene], Iterable[Finding]]
CHECK: Mapping[str, Check] = {
    "blame": blame.check,
    "overpromise": overpromise.check,
    "jargon": jargon.check,
    "minimising": minimising.check,
    "speculation": speculation.check,
    "unprofessional": unprofessional.check,
    "vague": vague.check,
    "incomplete": incomplete.check,
    "leak": leak.check,
    "length": length.check,
    "repeat": repeat.check,
    "tone": tone.check,
}
AMONG_COLLEAGUES = frozenset(("jargon", "leak", "incomplete"))  # not looked for in internal texts
WITHOUT_LANGUAGE = ("leak", "length")  # what can be said of a text in any language
RANK = {Severity.error: 0, Severity.warn: 1}


def check(text: str, settings: Settings | None = None) -> tuple[Finding, ...]:
    """What the gate has to say about a text, by place; empty when it is good.

    Any text gets an answer: one that is too long, empty or in another language
    gets a finding that says so.
    """
    settings = settings or Settings()
    scene = Scene(read(text[:LONGEST]), settings)
    found = list(refused(scene, len(text)))
    stopped = any(one.severity is Severity.error for one in found)
    if not stopped:
        for sentence in scene.reading.sentences:
            framed.mark(sentence)
    for name in WITHOUT_LANGUAGE if stopped else CHECKS:
        found += CHECK[name](scene)
    if not stopped and settings.model:
        found += _second_layer(scene, found)
    return _tidy(found, settings)


def _second_layer(scene: Scene, found: list[Finding]) -> Iterable[Finding]:
    from rules.words import model  # noqa: PLC0415 - numpy and the embeddings load on first use

    return model.check(scene, found)


def _tidy(found: Iterable[Finding], settings: Settings) -> tuple[Finding, ...]:
    """Severities as set, waived ones away, one finding for one place of a check."""
    kept: dict[str, list[Finding]] = {}
    for one in sorted(found, key=lambda one: (RANK[one.severity], one.start, -one.end)):
        internal = settings.audience == "internal" and one.check in AMONG_COLLEAGUES
        capped = None if internal else _capped(one, settings.severities.get(one.check))
        if capped is None or _waived(capped, settings):
            continue
        known = kept.setdefault(one.check, [])
        if capped.text and any(_same_place(capped, other) for other in known):
            continue
        known.append(capped)
    order = {name: number for number, name in enumerate(CHECKS)}
    everything = [one for known in kept.values() for one in known]
    return tuple(sorted(everything, key=lambda one: (one.start, one.end, order[one.check])))


def _same_place(one: Finding, other: Finding) -> bool:
    return one.start < other.end and other.start < one.end


def _capped(one: Finding, limit: Severity | None) -> Finding | None:
    if limit is None or limit is one.severity or limit is Severity.error:
        return one
    if limit is Severity.off:
        return None
    return Finding(one.check, limit, one.start, one.end, one.text, one.why, one.suggestion, one.fix)


def _waived(one: Finding, settings: Settings) -> bool:
    for waiver in settings.waivers:
        if waiver.check != one.check or not one.text:
            continue
        if settings.today is not None and waiver.until < settings.today:
            continue
        waived, found = waiver.text.casefold(), one.text.casefold()
        if waived in found or found in waived:
            return True
    return False
