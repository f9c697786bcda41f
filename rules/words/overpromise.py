"""`overpromise`: a bare time of repair, certainty about the future, "never again"."""

from __future__ import annotations

from collections.abc import Iterator

from rules.words import framed
from rules.words.finding import Finding
from rules.words.frames import Hit
from rules.words.scene import Scene

FUTURE = frozenset(("will", "shall"))
LONGEST_SUBJECT = 6  # words


def check(scene: Scene) -> Iterator[Finding]:
    return framed.run("overpromise", scene, _rewrite)


def _rewrite(scene: Scene, hit: Hit) -> str | None:
    """``Payments will work at 3 pm`` is ``we expect payments to work at 3 pm``."""
    if not hit.frame.name.startswith("bare time"):
        return None
    tokens = hit.sentence.tokens
    first, last = hit.sentence.clause(hit.first, hit.last)
    given = scene.reading.given
    whole = given[tokens[first].start : tokens[last - 1].end]
    places = [number for number in range(first, last) if tokens[number].word in FUTURE]
    if places and 0 < places[0] - first <= LONGEST_SUBJECT and tokens[places[0] + 1 : places[0] + 2]:
        verb = places[0] + 1
        rest = given[tokens[verb].start : tokens[last - 1].end]
        subject = " ".join(token.word for token in tokens[first : places[0]])
        return (
            f"we expect to {rest}"
            if subject in ("we", "i")
            else f"we expect {_small(scene, hit, first, places[0])} to {rest}"
        )
    if tokens[first].word in ("back", "fixed", "resolved", "restored", "up", "done"):
        return f"we expect it to be {whole[0].lower()}{whole[1:]}"
    return None


def _small(scene: Scene, hit: Hit, first: int, last: int) -> str:
    """The subject as it stands within a sentence."""
    token = hit.sentence.tokens[first]
    end = hit.sentence.tokens[last - 1]
    shown = scene.reading.given[token.start : end.end].partition("'")[0].partition("’")[0]
    return shown if shown[:2].isupper() else shown[:1].lower() + shown[1:]
