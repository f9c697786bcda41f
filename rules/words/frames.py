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


@dataclass(frozen=True, slots=True)
class Frame:
    """``match`` finds it; ``unless`` excuses it in the clause, ``unless_sentence`` in the whole sentence."""

    name: str
    match: tuple[ROW, ...]
    unless: tuple[ROW, ...] = ()
    unless_sentence: tuple[ROW, ...] = ()
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


def rows(patterns: Iterable[str] | None) -> tuple[ROW, ...]:
    return tuple(row(one) for one in patterns or ())


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


def frames(block: Mapping[str, Any]) -> tuple[Frame, ...]:
    """The frames of a check's file; ``why`` and ``suggestion`` of the file stand in for a frame's own."""
    return tuple(
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
    patterns: Iterable[ROW], sentence: Sentence, first: int = 0, last: int | None = None
) -> tuple[int, int] | None:
    """The first place where one of the patterns fits between two tokens."""
    stop = len(sentence.tokens) if last is None else last
    for pattern in patterns:
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
    places = {place for key in (*head.words, *head.roles) for place in index.get(key, ())}
    return sorted(place for place in places if first <= place < stop)


def find(known: Iterable[Frame], sentence: Sentence, phase: str | None) -> Iterator[Hit]:
    """The frames that a sentence has and that nothing excuses, each once."""
    for frame in known:
        if frame.phases and phase not in frame.phases:
            continue
        found = _first(frame, sentence)
        if found is not None:
            yield Hit(frame, sentence, *found)


def _first(frame: Frame, sentence: Sentence) -> tuple[int, int] | None:
    if frame.unless_sentence and anywhere(frame.unless_sentence, sentence):
        return None
    for pattern in frame.match:
        for start in _starts(pattern, sentence, 0, len(sentence.tokens)):
            end = ends(pattern, sentence, start)
            if end < 0:
                continue
            end = max(end, start + 1)
            if frame.unless and anywhere(frame.unless, sentence, *sentence.clause(start, end)):
                continue
            return start, end
    return None
