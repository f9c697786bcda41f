"""Frames: patterns over words and roles, with guards that excuse them.

A pattern is a row of elements: a word, ``several|words``, a ``ROLE``, ``~3``
for up to three words between (never over a sign), ``&9`` for up to nine words
and signs, ``^`` for the sentence's
start, ``$`` for its end; ``?`` behind an element makes it optional.  All
positions are followed at once, so the time is linear in the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rules.words.finding import Severity
from rules.words.reading import BREAKS, Sentence

ROW = tuple["Element", ...]


@dataclass(frozen=True, slots=True)
class Element:
    words: frozenset[str] = frozenset()
    roles: tuple[str, ...] = ()
    gap: int = 0
    over_signs: bool = False
    optional: bool = False
    edge: str = ""


def _needed(pattern: ROW) -> frozenset[str]:
    """One of these occurs wherever the pattern fits: the words and roles of its last sure element."""
    sure = [one for one in pattern if not (one.gap or one.edge or one.optional)]
    return frozenset((*sure[-1].words, *sure[-1].roles))


class Rows:
    """Patterns, found by the words and roles that they can begin with."""

    __slots__ = ("anywhere", "heads", "needs", "patterns")

    def __init__(self, patterns: Iterable[ROW] = ()) -> None:
        self.patterns = tuple(patterns)
        self.heads: dict[str, list[int]] = {}
        self.needs = [_needed(pattern) for pattern in self.patterns]
        self.anywhere: list[int] = []  # those that begin with a gap, an edge or an optional element
        for number, pattern in enumerate(self.patterns):
            head = pattern[0]
            if head.edge or head.gap or head.optional:
                self.anywhere.append(number)
            else:
                for key in (*head.words, *head.roles):
                    self.heads.setdefault(key, []).append(number)

    def __bool__(self) -> bool:
        return bool(self.patterns)

    def likely(self, sentence: Sentence) -> list[int]:
        """The patterns whose first element occurs, in their order."""
        keys = self.heads.keys() & sentence.index.keys()
        found = sorted({*self.anywhere, *(number for key in keys for number in self.heads[key])})
        return [number for number in found if not self.needs[number].isdisjoint(sentence.index)]


@dataclass(frozen=True, slots=True)
class Frame:
    """``match`` finds it; ``unless`` excuses it in the clause, ``unless_sentence`` in the whole sentence."""

    name: str
    match: Rows
    unless: Rows
    unless_sentence: Rows
    severity: Severity = Severity.error
    phases: tuple[str, ...] = ()
    why: str = ""
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A frame found: from token ``first`` up to, not with, token ``last``."""

    frame: Frame
    sentence: Sentence
    first: int
    last: int

    @property
    def start(self) -> int:
        return self.sentence.tokens[self.first].start

    @property
    def end(self) -> int:
        return self.sentence.tokens[self.last - 1].end


def row(pattern: str) -> ROW:
    """A pattern, taken apart."""
    return tuple(_element(part) for part in pattern.split())


def rows(patterns: Iterable[str] | None) -> Rows:
    return Rows(row(one) for one in patterns or ())


@dataclass(frozen=True, slots=True)
class FrameSet:
    """The frames of one check; ``heads`` finds those that a sentence can have."""

    frames: tuple[Frame, ...]
    heads: Mapping[str, tuple[int, ...]]
    always: tuple[int, ...]

    def likely(self, sentence: Sentence) -> list[int]:
        keys = self.heads.keys() & sentence.index.keys()
        return sorted({*self.always, *(number for key in keys for number in self.heads[key])})


def _element(part: str) -> Element:
    if part in ("^", "$"):
        return Element(edge=part)
    if part[0] in "~&" and len(part) > 1:
        return Element(gap=int(part[1:]), over_signs=part[0] == "&")
    optional = part.endswith("?") and len(part) > 1
    names = part.removesuffix("?").split("|") if optional else part.split("|")
    return Element(
        frozenset(one for one in names if not _is_role(one)),
        tuple(one for one in names if _is_role(one)),
        optional=optional,
    )


def _is_role(name: str) -> bool:
    return len(name) > 1 and name.replace("_", "").isalpha() and name.isupper()


def frames(block: Mapping[str, Any]) -> FrameSet:
    """The frames of a check's file; ``why`` and ``suggestion`` of the file stand in for a frame's own."""
    made = tuple(
        Frame(
            one["name"],
            rows(one["match"]),
            rows(one.get("unless")),
            rows(one.get("unless_sentence")),
            Severity(one.get("severity", "error")),
            tuple(one.get("phases", ())),
            one.get("why") or block["why"],
            one.get("suggestion") or block.get("suggestion", ""),
        )
        for one in block.get("frames", ())
    )
    heads: dict[str, list[int]] = {}
    for number, frame in enumerate(made):
        for key in frame.match.heads:
            heads.setdefault(key, []).append(number)
    always = tuple(number for number, frame in enumerate(made) if frame.match.anywhere)
    return FrameSet(made, {key: tuple(numbers) for key, numbers in heads.items()}, always)


def ends(pattern: ROW, sentence: Sentence, start: int, stop: int | None = None) -> int:
    """Where the pattern, begun at token ``start``, ends first; -1 when it does not fit."""
    tokens, roles = sentence.tokens, sentence.roles
    limit = len(tokens) if stop is None else stop
    at = {start}
    for element in pattern:
        following: set[int] = set(at) if element.optional else set()
        for place in at:
            if element.gap:
                following.update(_gap(tokens, place, element, limit))
            elif element.edge:
                if (element.edge == "^" and place == 0) or (element.edge == "$" and _at_end(tokens, place)):
                    following.add(place)
            elif place < limit:
                if tokens[place].word in element.words:
                    following.add(place + 1)
                for role in element.roles:
                    following.update(end for end in roles[place].get(role, ()) if end <= limit)
        if not following:
            return -1
        at = following
    return min(at)


def _gap(tokens: list[Any], place: int, element: Element, limit: int) -> Iterator[int]:
    yield place
    for number in range(place, min(place + element.gap, limit)):
        if tokens[number].word in BREAKS and not element.over_signs:
            return
        yield number + 1


def _at_end(tokens: list[Any], place: int) -> bool:
    return all(token.word in BREAKS for token in tokens[place:])


def anywhere(
    patterns: Rows, sentence: Sentence, first: int = 0, last: int | None = None
) -> tuple[int, int] | None:
    """The first place where one of the patterns fits between two tokens."""
    stop = len(sentence.tokens) if last is None else last
    for number in patterns.likely(sentence):
        pattern = patterns.patterns[number]
        for start in _starts(pattern, sentence, first, stop):
            end = ends(pattern, sentence, start, stop)
            if end >= 0:
                return start, max(end, start + 1)
    return None


def _starts(pattern: ROW, sentence: Sentence, first: int, stop: int) -> Iterable[int]:
    head = pattern[0]
    if head.edge == "^":
        return (0,) if first == 0 else ()
    if head.optional or head.gap:
        return range(first, stop)
    index = sentence.index
    keys = index.keys() & {*head.words, *head.roles}
    places = {place for key in keys for place in index[key]}
    return sorted(place for place in places if first <= place < stop)


def find(known: FrameSet, sentence: Sentence, phase: str | None) -> Iterator[Hit]:
    """The frames that a sentence has and that nothing excuses, each once."""
    for number in known.likely(sentence):
        frame = known.frames[number]
        if frame.phases and phase not in frame.phases:
            continue
        found = _first(frame, sentence)
        if found is not None:
            yield Hit(frame, sentence, *found)


def _first(frame: Frame, sentence: Sentence) -> tuple[int, int] | None:
    for number in frame.match.likely(sentence):
        pattern = frame.match.patterns[number]
        for start in _starts(pattern, sentence, 0, len(sentence.tokens)):
            end = ends(pattern, sentence, start)
            if end < 0:
                continue
            end = max(end, start + 1)
            if anywhere(frame.unless, sentence, *sentence.clause(start, end)):
                continue
            return None if anywhere(frame.unless_sentence, sentence) else (start, end)
    return None


def everywhere(patterns: Rows, sentence: Sentence) -> list[tuple[int, int]]:
    """All places where one of the patterns fits."""
    found = []
    for number in patterns.likely(sentence):
        pattern = patterns.patterns[number]
        for start in _starts(pattern, sentence, 0, len(sentence.tokens)):
            end = ends(pattern, sentence, start)
            if end > start:
                found.append((start, end))
    return found
