"""The rule language, "Meaning": texts that wait for people, promises, and never the same text twice."""

from __future__ import annotations

import pytest

from daemon.core.clock import MINUTE, SECOND
from daemon.core.words import Impact, Status
from tests.rules.tale import CLEAR, DONE, FIRST, HOLDING, RELAPSE, Tale, ruled
from tests.rules.world import START

AT_ONCE = "for: 0s"
QUICK = "for: 0s, keep_firing_for: 0s, monitor_for: 10m"
X_AT_FIVE = "{ id: s, after: 5m, say: short, to: [ x ], approve: veto 5m }"


# -- approvals ---------------------------------------------------------------------------


def test_what_people_saw_is_what_goes_out() -> None:
    """The bytes of the question are the bytes of the post."""
    tale = Tale(ruled(FIRST, X_AT_FIVE, DONE, route=AT_ONCE)).fire(0).forward(11)
    (question,) = [one for _, one in tale.entries("asked") if one.reason == "approval"]
    assert tale.texts("x") == [question.ready]


def test_row_72_two_needs_two_people() -> None:
    """One person twice is one vote."""
    step = "{ id: s, after: 5m, say: short, to: [ x ], approve: two }"
    tale = Tale(ruled(FIRST, step, DONE, route=AT_ONCE)).fire(0)
    tale.vote(6, "approve", "ana", "s").vote(7, "approve", "ana", "s")
    assert tale.posts("x") == []
    assert tale.vote(8, "approve", "bo", "s").posts("x") == [(8, "s")]


def test_otherwise_post() -> None:
    """Nobody answers: it is posted when the time is up."""
    step = "{ id: s, after: 5m, say: short, to: [ x ], approve: { need: one, within: 5m, otherwise: post } }"
    tale = Tale(ruled(FIRST, step, DONE, route=AT_ONCE)).fire(0).forward(30)
    assert tale.posts("x") == [(10, "s")]


@pytest.mark.parametrize(
    "change", [{"status": Status.identified}, {"impact": Impact.minor}, {"add": ("search",)}]
)
def test_a_change_while_waiting_withdraws_and_asks_anew(change: dict[str, object]) -> None:
    """Status, impact or components changed: a new text and a full new window."""
    tale = Tale(ruled(FIRST, X_AT_FIVE, DONE, route=AT_ONCE)).fire(0).act(8, **change).forward(12.99)  # type: ignore[arg-type]
    assert tale.posts("x") == []
    assert [minute for minute, _ in tale.entries("withdrawn")] == [8]
    assert tale.asked("approval") == [(5, ""), (8, "")]
    assert tale.forward(13).posts("x") == [(13, "s")]


def test_an_on_text_whose_status_was_left_is_not_asked_anew() -> None:
    """The text "monitoring" waits for a vote when it fires again: it is skipped, not asked anew."""
    clear = CLEAR[:-2] + ", approve: one }"
    tale = Tale(ruled(FIRST, HOLDING, clear, DONE, route=QUICK)).fire(0).clear(10).fire(12).forward(25)
    assert tale.waiting() == []
    assert tale.asked("approval") == [(10, "")]
    assert tale.skipped() == [("clear", "the status was left meanwhile")]


def test_a_step_never_waits_past_resolved() -> None:
    """A text in its window when the incident resolves is skipped."""
    tale = Tale(ruled(FIRST, X_AT_FIVE, DONE, route=AT_ONCE)).fire(0).clear(7).forward(60)
    assert tale.skipped() == [("s", "resolved")]


def test_a_resolution_that_waits_is_void_when_it_reopens() -> None:
    """The text "resolved" waits for a vote and the incident reopens: it is never said of an open incident."""
    done = "{ id: done, on: resolved, say: resolved, to: [ told ], approve: one }"
    tale = (
        Tale(ruled(FIRST, HOLDING, done, RELAPSE, route=AT_ONCE)).fire(0).clear(5).fire(10, "b").forward(50)
    )
    assert [step for _, step in tale.posts("page")] == ["first", "relapse", "holding"]


@pytest.mark.parametrize("how", ["raise", "person"])
def test_a_change_of_plan_ends_what_waits(how: str) -> None:
    """Moved to another plan by a rule or a person: the old plan's waiting text is skipped."""
    raises = '{ if: "alerts_firing >= 2", plan: internal }' if how == "raise" else ""
    tale = Tale(ruled(FIRST, X_AT_FIVE, DONE, route=AT_ONCE, raises=raises)).fire(0)
    if how == "raise":
        tale.fire(7, "b")
    else:
        tale.act(7, plan="internal")
    assert tale.skipped() == [("s", "plan changed")]
    assert tale.forward(30).posts("x") == []


def test_a_plan_that_a_step_sets_waits_for_the_text_above_it() -> None:
    """A `set` below a text in its window waits for that one, as every `after` step does."""
    move = "{ id: mv, after: 7m, set: { plan: internal } }"
    tale = Tale(ruled(FIRST, X_AT_FIVE, move, DONE, route=AT_ONCE)).fire(0).forward(30)
    assert tale.posts("x") == [(10, "s")]
    assert tale.posts("ops")[-1] == (10, "tell")


def test_row_72_a_vote_that_comes_too_late_changes_nothing() -> None:
    """The occasion has ended: a vote on it is recorded and nothing follows."""
    tale = Tale(ruled(FIRST, X_AT_FIVE, DONE, route=AT_ONCE)).fire(0).forward(11)
    before = len(tale.journal)
    tale.act(12, "veto", "bo", occasion="public/s/a").act(13, "approve", "ana", occasion="public/s/a")
    assert [one.entry.kind for one in tale.journal[before:]] == ["acted", "acted"]


def test_a_veto_at_the_last_instant_wins() -> None:
    """What comes in is taken in before windows end."""
    tale = Tale(ruled(FIRST, X_AT_FIVE, DONE, route=AT_ONCE)).fire(0).forward(9.5)
    tale.act(10, "veto", "bo", occasion="public/s/a").forward(30)
    assert tale.posts("x") == []


# -- promises and repeats -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("late", "kept"),
    [(0, True), (59 * SECOND + 999, True), (MINUTE, False)],
)
def test_a_promise_on_a_full_minute(late: int, *, kept: bool) -> None:
    """Due on a full minute: kept to the end of the minute shown, broken from the next one on."""
    tale = Tale(ruled(FIRST, DONE, route=AT_ONCE), start=START - START % MINUTE).fire(0)
    tale.act((30 * MINUTE + late) / MINUTE, text="News.")
    assert (tale.state.promises_kept, tale.state.promises_broken) == (int(kept), int(not kept))


def test_a_promise_is_broken_once() -> None:
    """However long the silence, and an update after it keeps nothing."""
    tale = Tale(ruled(FIRST, DONE, route=AT_ONCE)).fire(0).forward(300).act(301, text="Late news.")
    assert (tale.state.promises_kept, tale.state.promises_broken) == (0, 1)


def test_a_persons_text_without_a_promise_closes_the_old_one() -> None:
    """It is kept by that text, and none is open from then on."""
    tale = Tale(ruled(FIRST, DONE, route=AT_ONCE)).fire(0).act(10, text="News.").forward(300)
    assert tale.state.promise is None
    assert (tale.state.promises_kept, tale.state.promises_broken) == (1, 0)


def test_the_same_text_is_a_question() -> None:
    """A step that would repeat the channel's last words asks instead, with the words ready."""
    more = 'texts: { holding: "Nothing new." }'
    tale = Tale(ruled(FIRST, HOLDING, DONE, route=AT_ONCE, more=more)).fire(0).forward(95)
    assert tale.posts("page") == [(0, "first"), (30, "holding")]
    assert tale.asked("same text") == [(60, "holding"), (90, "holding")]


def test_the_same_text_is_a_question_after_a_wait_too() -> None:
    """Two texts with the same words wait at once: the second is asked for, not said."""
    one = "{ id: one, on: acked, say: short, to: [ x ], approve: veto 5m }"
    two = "{ id: two, on: acked, say: short, to: [ x ], approve: one }"
    more = 'texts: { short: { default: "Words" } }'
    tale = Tale(ruled(FIRST, one, two, DONE, route=AT_ONCE, more=more)).fire(0).act(2, "ack").forward(8)
    tale.vote(9, "approve", "bo", "two")
    assert tale.posts("x") == [(7, "one")]
    assert tale.asked("same text") == [(9, "two")]
