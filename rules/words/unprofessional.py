"""`unprofessional`: frustration, slang, jokes, shouting, emoji and sarcasm in quotes."""

from __future__ import annotations

from collections.abc import Iterator

import re2  # type: ignore[import-untyped]

from rules.words import framed, jargon
from rules.words.finding import Finding, Severity
from rules.words.reading import Sentence
from rules.words.scene import Scene

MARKS = re2.compile(r"[!?]\s?[!?]+")
EMOJI = re2.compile(
    r"[\x{1F300}-\x{1FAFF}\x{2600}-\x{27BF}\x{1F1E6}-\x{1F1FF}]+|(?:^|\s)[:;]-?[)(DPp](?:\s|$)"
)
SARCASM = re2.compile(r'(?i)\b(?:we|our|their|his|the|a|so-called)\s+"[\p{L}-]+(?:\s[\p{L}-]+)?"')
SHOUTED = 4  # letters of a word in capitals that is no acronym


def check(scene: Scene) -> Iterator[Finding]:
    yield from framed.run("unprofessional", scene)
    reading = scene.reading
    for found in MARKS.finditer(reading.masked):
        yield scene.finding(
            "unprofessional", Severity.error, reading.span(*found.span()), "several ! or ? in a row shout",
            "end the sentence with one full stop", fix=".",
        )  # fmt: skip
    for found in EMOJI.finditer(reading.masked):
        yield scene.finding(
            "unprofessional",
            Severity.warn,
            reading.span(*found.span()),
            "emoji look careless in an outage",
            "leave it out",
        )
    for found in SARCASM.finditer(reading.plain):
        yield scene.finding(
            "unprofessional", Severity.error, reading.span(*found.span()),
            "quotes around a plain word read as sarcasm",
            "leave the quotes out, or say what really happened",
        )  # fmt: skip
    known = {word for name in scene.settings.components for word in name.split()}
    for sentence in reading.sentences:
        yield from _shouting(scene, sentence, known)


def _shouting(scene: Scene, sentence: Sentence, known: set[str]) -> Iterator[Finding]:
    spoken = jargon.words().acronyms
    loud = [
        token
        for token in sentence.tokens
        if _is_loud(token.shown) and token.shown not in known and token.word not in spoken
    ]
    words = [token for token in sentence.tokens if token.word[0].isalpha()]
    capitals = [token for token in words if len(token.shown) > 1 and token.shown.isupper()]
    shouted = len(words) >= 3 and len(capitals) * 2 > len(words)
    small = {
        "NOT",
        "NOW",
        "DO",
        "YES",
        "KNOW",
        "AND",
        "ALL",
        "WE",
        "YOU",
        "NO",
        "STOP",
        "VERY",
        "NEVER",
        "DOWN",
    }
    stressed = [token for token in words if token.shown in small]
    if not (shouted or stressed or loud):
        return
    places = capitals if shouted else stressed or loud
    yield scene.finding(
        "unprofessional",
        Severity.error if shouted or stressed else Severity.warn,
        (places[0].start, places[-1].end),
        "capitals shout",
        "write it in ordinary letters",
        fix=scene.reading.given[places[0].start : places[-1].end].lower()
        if stressed and len(places) == 1
        else None,
    )


def _is_loud(shown: str) -> bool:
    return len(shown) > SHOUTED and shown.isupper() and shown.isalpha()
