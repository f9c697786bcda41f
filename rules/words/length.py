"""`length`: more than a channel takes, more sentences than people read, sentences that are too long."""

from __future__ import annotations

from collections.abc import Iterator

from rules.words.finding import Finding, Severity
from rules.words.reading import words_of
from rules.words.scene import Scene

LONG_SENTENCE = 40  # words; over 25 is hard to read, and good updates with lists reach 35


def check(scene: Scene) -> Iterator[Finding]:
    given, limit = scene.reading.given, scene.settings.length
    if limit is not None and len(given) > limit:
        yield scene.finding(
            "length", Severity.error, (limit, len(given)),
            f"the channel takes {limit} characters, and it has {len(given)}",
            "shorten it: what is affected, what you do, when you write again",
        )  # fmt: skip
    sentences = scene.reading.sentences
    most = scene.settings.sentences
    if len(sentences) > most:
        yield scene.finding(
            "length", Severity.warn, (sentences[most].start, sentences[-1].end),
            f"it has {len(sentences)} sentences; people read two or three",
            "leave out what customers do not need now",
        )  # fmt: skip
    for sentence in sentences:
        count = len(words_of(sentence))
        if count > LONG_SENTENCE:
            yield scene.finding(
                "length", Severity.warn, (sentence.start, sentence.end),
                f"this sentence has {count} words", "make two sentences of it",
            )  # fmt: skip
