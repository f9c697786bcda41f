"""The verdict: a story that went well holds every expectation, and each flaw is named by its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from daemon.core.clock import HOUR, MINUTE, SECOND, Instant, to_iso
from daemon.demo.score import Score
from daemon.demo.stand_in import Receipt
from daemon.demo.verdict import judge
from daemon.demo.workspace import RECIPIENTS

START: Instant = 1_798_797_600_000
OPENED = START + 2 * MINUTE
TOLD = (
    *((OPENED + number * 30 * MINUTE, "investigating") for number in range(5)),
    (START + 135 * MINUTE, "monitoring"),
    (START + 145 * MINUTE, "resolved"),
)
UPDATES = tuple({"created_at": to_iso(at), "status": status, "body": f"Words {at}."} for at, status in TOLD)


def post(channel: str, at: Instant, text: str, **more: str) -> Receipt:
    return Receipt(channel, at, text, more.pop("intent", text), **more)


def good() -> Score:
    """What a run of the demo finds when all is well."""
    mails = tuple(
        post(
            "subscribers",
            at,
            f"Title\n\nWords\n{at}.",
            to=who,
            thread="<first@example.com>" if number else "",
        )
        for number, (at, _) in enumerate(TOLD)
        for who in RECIPIENTS
    )
    nags = tuple(post("ops", OPENED + minute * MINUTE, f"@here {minute}") for minute in (25, 55, 85, 115))
    veto = post("ops", OPENED + 2 * HOUR, "@here goes out unless: tocsin veto INC-1 social")
    x = (post("x", OPENED + 125 * MINUTE, "Down."), post("x", START + 145 * MINUTE, "Up."))
    return Score(
        on_page=({"status": "resolved"},),
        standing="none",
        inside={"opened_at": to_iso(OPENED), "promise": {"kept": 5, "broken": 0}},
        undelivered=(),
        received={"subscribers": mails, "ops": (*nags, veto), "x": x},
        duplicates=0,
        unanswered=0,
        first_alert=START,
        speed=60,
        page_is_html=True,
        updates=UPDATES,
    )


def wrong(score: Score) -> list[str]:
    return [check.expected for check in judge(score) if not check.good]


def received(**changes: tuple[Receipt, ...]) -> Callable[[Score], Score]:
    return lambda score: replace(score, received={**score.received, **changes})


def changed(**changes: Any) -> Callable[[Score], Score]:
    return lambda score: replace(score, **changes)


def test_a_good_story_holds_all() -> None:
    """Nothing is complained about when everything was as it should be."""
    assert wrong(good()) == []


BROKEN = {"opened_at": to_iso(OPENED), "promise": {"kept": 4, "broken": 1}}
MAILS, OPS, X = (good().received[name] for name in ("subscribers", "ops", "x"))

OTHER_WORDS = tuple(replace(one, text="Other words") for one in MAILS)
LOOSE = tuple(replace(one, thread="") for one in MAILS)


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        pytest.param(changed(unanswered=1), "acknowledged", id="webhook"),
        pytest.param(changed(on_page=()), "one incident", id="page"),
        pytest.param(changed(on_page=({}, {})), "one incident", id="two incidents"),
        pytest.param(changed(updates=UPDATES[:-1]), "the page tells it", id="no resolution"),
        pytest.param(changed(standing="major"), "green", id="red page"),
        pytest.param(changed(page_is_html=False), "green", id="no page"),
        pytest.param(received(subscribers=MAILS[:-1]), "every update by mail", id="a mail too few"),
        pytest.param(
            received(subscribers=OTHER_WORDS), "same words", id="words"
        ),
        pytest.param(received(subscribers=LOOSE), "thread", id="thread"),
        pytest.param(received(ops=OPS[1:]), "4 times", id="a nag too few"),
        pytest.param(received(ops=OPS[:-1]), "before it went out", id="no veto"),
        pytest.param(received(x=X[:1]), "two posts", id="X without an end"),
        pytest.param(received(x=(X[0], *X)), "two posts", id="X thrice"),
        pytest.param(
            received(x=(replace(X[0], at=OPENED + 2 * HOUR), X[1])), "after its veto window", id="X too early"
        ),
        pytest.param(changed(first_alert=START - 2 * MINUTE), "within a minute", id="slow first update"),
        pytest.param(
            changed(updates=(*UPDATES[:2], *UPDATES[3:])), "no silence was longer", id="a silence"
        ),
        pytest.param(changed(inside=BROKEN), "promise", id="broken"),
        pytest.param(changed(duplicates=1), "twice", id="duplicate"),
        pytest.param(changed(undelivered=({"channel": "x", "state": "held"},)), "stuck", id="held"),
    ],
)  # fmt: skip
def test_each_flaw_is_named(spoil: Callable[[Score], Score], named: str) -> None:
    """A flaw makes the verdict name what did not happen."""
    assert [expected for expected in wrong(spoil(good())) if named in expected]


def test_nothing_at_all_is_judged_without_a_crash() -> None:
    """A daemon that did nothing fails nearly everything, and in words."""
    nothing = Score(
        on_page=(), standing="", inside={}, undelivered=(), received={"subscribers": (), "ops": (), "x": ()},
        duplicates=0, unanswered=7, first_alert=None, speed=60,
    )  # fmt: skip
    assert len(wrong(nothing)) >= 12


def test_lateness_grows_with_the_speed() -> None:
    """At speed 60 a post may not be three minutes late; at 1000 the machine's own time counts."""
    late = received(x=(replace(X[0], at=X[0].at + 3 * MINUTE + 10 * SECOND), X[1]))(good())
    assert wrong(late)
    assert not wrong(replace(late, speed=1000))
