"""`jargon`: words of the machine room, acronyms, codes and what looks like code."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping

import re2  # type: ignore[import-untyped]

from rules.words import framed
from rules.words.finding import Finding, Severity
from rules.words.lexicon import Lexicon, document
from rules.words.reading import Sentence, Token
from rules.words.scene import Scene

CODE = re2.compile(
    r"`[^`\n]{1,80}`|\b[A-Za-z]+(?:_[A-Za-z0-9]+)+\b|\b[a-z]+[A-Z][A-Za-z]+(?:\(\))?\b|\b[A-Za-z_]+\(\)"
    r"|\b[A-Z][a-z]+(?:[A-Z][a-z]+)+(?:\.[a-z]+)?\b|\b[a-z]+\.[a-z]+\.[A-Z]\w+\b"
)
STATUS = re2.compile(r"(?i)\b(?:HTTP(?:/\d)?\s*)?(?:[45]xx|[45]\d\ds?)\b")
ERROR_NEAR = re2.compile(
    r"(?i)http|error|status|code|response|returns?|responds?|rates?\b"
    r"|\b(?:a|with|sees?|gets?|getting|getting a|gets? a) [45]\d\d\b"
)
ACRONYM = re2.compile(
    r"\b(?:[A-Z]{2,5}s?|[A-Z]{1,3}/[A-Z]{1,3}|[A-Z]{1,2}\d{1,2}|[A-Z][a-z][A-Z]|[A-Z]{2,}[a-z]?[A-Z]*)\b"
)


class Words:
    """The lexicon with its replacements: entry -> plain word or ""."""

    def __init__(self) -> None:
        block = document("jargon")
        self.why, self.suggestion = block["why"], block["suggestion"]
        self.replace: dict[str, str] = {}
        self.lexicon = Lexicon()
        for role in ("words", "soft"):
            for entry in str(block[role]).split(","):
                word, _, plain = (" ".join(part.split()) for part in entry.partition("="))
                if word:
                    self.replace[word] = plain
                    self.lexicon.add(role.upper(), word)
        self.acronyms = frozenset(str(block["acronyms"]).split())
        self.familiar = frozenset(str(block["familiar"]).split())  # names that are written like code
        self.developers = frozenset(str(block["developers"]).replace(",", " ").split())


@functools.cache
def words() -> Words:
    return Words()


def check(scene: Scene) -> Iterator[Finding]:
    known = words()
    plain = _plain_here(scene)
    for sentence in scene.reading.sentences:
        yield from _listed(scene, known, sentence, plain)
    yield from _own(scene, known)
    yield from _shapes(scene, known, plain)


def _plain_here(scene: Scene) -> frozenset[str]:
    """Words that this page's readers know: component names, and API words for developers."""
    named = {word.casefold() for name in scene.settings.components for word in name.replace("-", " ").split()}
    return frozenset(named) | (words().developers if scene.settings.audience == "developers" else frozenset())


def _listed(scene: Scene, known: Words, sentence: Sentence, plain: frozenset[str]) -> Iterator[Finding]:
    tokens = [token.word for token in sentence.tokens]
    hits: list[tuple[list[Token], str]] = []
    for number, word in enumerate(tokens):
        if word in plain:
            continue
        best: tuple[int, str] | None = None
        for rest, role in known.lexicon.phrases.get(word, ()):
            end = number + 1 + len(rest)
            if tuple(tokens[number + 1 : end]) == rest and (best is None or end > best[0]):
                best = end, role
        if best is not None:
            hits.append((sentence.tokens[number : best[0]], best[1]))
    # One half-plain word may pass with a warning; two of them in a sentence are the machine room.
    role = "WORDS" if len(hits) > 1 else "SOFT"
    for found, own in hits:
        yield _found(scene, known, found, "WORDS" if own == "WORDS" else role)


def _found(scene: Scene, known: Words, tokens: list[Token], role: str) -> Finding:
    phrase = " ".join(token.word for token in tokens)
    severity = Severity.error if role == "WORDS" else Severity.warn
    place = tokens[0].start, tokens[-1].end
    return scene.finding(
        "jargon", severity, place, known.why, known.suggestion, _fix(tokens, known.replace[phrase])
    )


def _fix(tokens: list[Token], plain: str) -> str | None:
    if not plain:
        return None
    return (
        plain[0].upper() + plain[1:]
        if tokens[0].shown[:1].isupper() and not plain.startswith("our ")
        else plain
    )


def _own(scene: Scene, known: Words) -> Iterator[Finding]:
    """The house's own words, as its rule files say."""
    settings = scene.settings
    low = scene.reading.plain.casefold()
    own: Mapping[str, str] = {**dict.fromkeys(settings.jargon_add, ""), **settings.jargon_replace}
    for word, plain in own.items():
        start = low.find(word.casefold()) if word else -1
        while start >= 0:
            end = start + len(word)
            if not (low[start - 1 : start].isalnum() or low[end : end + 1].isalnum()):
                place = scene.reading.span(start, end)
                yield scene.finding(
                    "jargon", Severity.error, place, known.why, known.suggestion, plain or None
                )
            start = low.find(word.casefold(), end)


def _shapes(scene: Scene, known: Words, plain: frozenset[str]) -> Iterator[Finding]:
    reading = scene.reading
    for found in CODE.finditer(reading.masked):
        if found.group() not in known.familiar and found.group().casefold() not in plain:
            yield scene.finding(
                "jargon", Severity.error, reading.span(*found.span()), "it looks like code", known.suggestion
            )
    for found in STATUS.finditer(reading.masked):
        near = reading.masked[max(0, found.start() - 24) : found.end() + 16]
        if "xx" in found.group().lower() or ERROR_NEAR.search(near):
            yield scene.finding(
                "jargon", Severity.error, reading.span(*found.span()), "customers do not know error codes",
                'write "errors", or what customers notice',
            )  # fmt: skip
    shouting = sum(word.isupper() and len(word) > 1 for word in reading.masked.split())
    if shouting * 2 > len(reading.masked.split()):
        return  # capitals everywhere are no acronyms
    suppliers = frozenset(framed.shared()[0].words["VENDOR"])
    for found in ACRONYM.finditer(reading.masked):
        word = found.group().casefold()
        spoken = known.acronyms | plain | suppliers
        if reading.masked[found.end() : found.end() + 2].lstrip("-")[:1].isdigit():
            continue  # a flight, a norm; tickets are leaks
        if any(
            part and part not in spoken and part.removesuffix("s") not in spoken for part in word.split("/")
        ):
            yield scene.finding(
                "jargon", Severity.error, reading.span(*found.span()), "customers do not know this acronym",
                "write what it stands for, or what customers notice",
            )  # fmt: skip
