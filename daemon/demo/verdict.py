"""What must have happened for the story to have gone as it should, and what did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from daemon.core.clock import HOUR, MINUTE, Instant, Span, to_datetime
from daemon.demo.score import Score, instant
from daemon.demo.workspace import RECIPIENTS

# The starter pack's times (rules/packs/starter.yaml).
CONFIRMED: Span = 2 * MINUTE
CADENCE: Span = 30 * MINUTE
SOCIAL: Span = 2 * HOUR + 5 * MINUTE
NAGS = 4
LATE: Span = MINUTE
REAL_LATE: Span = 200
"""A timer may be late by a minute of the incident's time and this much of the machine's own."""


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation: what should be, whether it is, what was seen instead."""

    expected: str
    good: bool
    seen: str


def judge(score: Score) -> list[Check]:
    """All expectations, in the order of the story."""
    return [Check(*one) for part in (_page, _mail, _slack, _x, _manners) for one in part(score)]


Found = Iterator[tuple[str, bool, str]]


def _page(score: Score) -> Found:
    yield "every webhook was acknowledged", score.unanswered == 0, f"{score.unanswered} were not"
    count = len(score.on_page)
    yield "the outage is one incident on the page", count == 1, f"{count} incidents"
    words = [one["status"] for one in score.updates]
    wanted = ["investigating"] * 5 + ["monitoring", "resolved"]
    yield (
        "the page tells it: first, four holding, recovery, resolved",
        words == wanted,
        ", ".join(words) or "nothing",
    )
    good = score.standing == "none" and score.page_is_html
    yield "at the end the page is green", good, f"it says {score.standing or 'nothing'!r}"


def _mail(score: Score) -> Found:
    mails = score.received["subscribers"]
    counts = Counter(one.to for one in mails)
    good = bool(score.updates) and all(counts[who] == len(score.updates) for who in RECIPIENTS)
    yield (
        "every subscriber got every update by mail",
        good,
        f"{len(mails)} mails for {len(score.updates)} updates",
    )
    same = all(any(_flat(one["body"]) in _flat(mail.text) for mail in mails) for one in score.updates)
    yield "mail and page say the same words", same and bool(mails), "they differ"
    threads = {mail.thread for mail in mails if mail.thread}
    yield "the mails are one thread", len(threads) == 1, f"{len(threads)} threads"


def _slack(score: Score) -> Found:
    posts = score.received["ops"]
    nags = [one for one in posts if "@here" in one.text and "tocsin veto" not in one.text]
    yield f"people were asked {NAGS} times before we spoke for them", len(nags) == NAGS, f"{len(nags)} times"
    asked = [one for one in posts if "tocsin veto" in one.text]
    yield "people saw the post for X before it went out", len(asked) == 1, f"asked {len(asked)} times"


def _x(score: Score) -> Found:
    posts = score.received["x"]
    shown = ", ".join(_clock(one.at) for one in posts) or "no post"
    yield "X has two posts: the outage after two hours, and its end", len(posts) == 2, shown
    opened = score.inside.get("opened_at")
    good = opened is not None and bool(posts) and 0 <= posts[0].at - instant(opened) - SOCIAL <= _late(score)
    yield "the two-hour post left after its veto window", good, shown


def _manners(score: Score) -> Found:
    first, silence, (kept, broken) = score.time_to_first, score.longest_silence, score.promises
    good = first is not None and first <= CONFIRMED + _late(score)
    yield "the first update came within a minute of confirmation", good, span(first)
    good = silence is not None and silence <= CADENCE + _late(score)
    yield "no silence was longer than half an hour", good, span(silence)
    yield "every promise was kept", broken == 0 and kept >= 5, f"{kept} kept, {broken} broken"
    yield "nothing was said twice", score.duplicates == 0, f"{score.duplicates} duplicates"
    left = Counter(f"{one['channel']} {one['state']}" for one in score.undelivered)
    told = ", ".join(f"{count} {name}" for name, count in left.items())
    yield "nothing is stuck on its way", not left, told


def span(length: Span | None) -> str:
    """Minutes and seconds, for people.

    >>> span(125_000), span(None)
    ('2 min 5 s', 'never')
    """
    if length is None:
        return "never"
    minutes, seconds = divmod(round(length / 1000), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _late(score: Score) -> Span:
    return LATE + int(REAL_LATE * score.speed)


def _flat(text: str) -> str:
    return " ".join(text.split())


def _clock(at: Instant) -> str:
    return f"{to_datetime(at):%H:%M}"
