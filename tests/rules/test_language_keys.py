"""The rule language, "Keys": one test per line of the two tables, on loaded files."""

from __future__ import annotations

import pytest

from daemon.core import journal as j
from daemon.core.words import Impact, Status
from tests.rules.files import MINIMAL, changed, errors_of, load_text
from tests.rules.tale import CLEAR, DONE, FIRST, HOLDING, RELAPSE, Tale, ruled

AT_ONCE = "for: 0s"


# -- files -----------------------------------------------------------------


def test_on_is_a_word_and_a_time_is_no_number() -> None:
    """Only true and false are booleans, so `on:` is a key; 17:00 unquoted is a text, not 61,200."""
    rules = ruled(FIRST, DONE)
    assert rules.plans["public"].steps[1].on == ("resolved",)
    window = "windows:\n  late: [ { times: [ { start_time: 09:00, end_time: 17:00 } ] } ]\n"
    assert "late" in load_text(MINIMAL + window).windows


@pytest.mark.parametrize("bad", ["Major", "9lives", "a-b", "impact", "matches", "in"])
def test_ids_are_small_words_and_no_facts(bad: str) -> None:
    """An id is a lower-case word and neither a fact nor a word of the expressions; "matches" is free."""
    errors = errors_of(changed("id: first", f"id: {bad}"))
    assert bool(errors) is (bad != "matches")


def test_durations_are_those_of_prometheus() -> None:
    """`1h30m` and `1d` are durations; a bare number is none."""
    rules = load_text(changed("every: 30m", "every: 1h30m"))
    assert rules.plans["public"].steps[1].every == 90 * 60_000
    assert load_text(changed("every: 30m", "every: 1d")).plans["public"].steps[1].every == 24 * 3_600_000
    assert errors_of(changed("every: 30m", "every: 30"))


# -- routes ------------------------------------------------------------------


@pytest.mark.parametrize(("clears", "opens"), [(0.99, False), (1, False), (1.01, True)])
def test_for_must_have_passed_with_an_alert_firing(clears: float, *, opens: bool) -> None:
    """An alert that clears before `for` has passed, or at that very instant, makes no incident."""
    tale = Tale(ruled()).fire(0).clear(clears).forward(2)
    assert bool(tale.entries("opened")) is opens
    assert bool(tale.posts("page")) is opens


def test_for_that_was_not_reached_starts_anew() -> None:
    """A group that ended while pending is over: nobody ever heard of it."""
    tale = Tale(ruled()).fire(0).clear(0.5).forward(60)
    assert tale.state.ended == "never_opened"
    assert not tale.entries("said")
    assert not tale.entries("asked")


def test_keep_firing_for_says_and_changes_nothing() -> None:
    """After the last alert clears the group counts as firing so long: status stays, nothing is said."""
    tale = Tale(ruled(FIRST, CLEAR, DONE)).fire(0).clear(10).forward(14.99)
    assert tale.state.status is Status.investigating
    assert tale.posts("page") == [(1, "first")]
    assert tale.forward(15).posts("page")[-1] == (15, "clear")


def test_the_last_alert_counts_not_the_first() -> None:
    """`keep_firing_for` begins when the last alert of the group clears."""
    tale = Tale(ruled(FIRST, CLEAR, DONE)).fire(0).fire(2, "b").clear(10, "a").clear(20, "b").forward(30)
    assert (25, "clear") in tale.posts("page")


def test_monitor_for_comes_between() -> None:
    """Status is monitoring for `monitor_for`, then resolved."""
    tale = Tale(ruled()).fire(0).clear(10).forward(24.99)
    assert tale.state.status is Status.monitoring
    assert tale.forward(25).state.status is Status.resolved


def test_without_monitor_for_it_resolves_straight_away() -> None:
    """0s: no monitoring at all, and its event does not happen."""
    tale = Tale(ruled(FIRST, CLEAR, DONE, route="for: 0s, keep_firing_for: 5m")).fire(0).clear(10).forward(15)
    assert tale.posts("page") == [(0, "first"), (15, "done")]


@pytest.mark.parametrize(("again", "same"), [(39.99, True), (40, True), (40.01, False)])
def test_reopen_within_is_half_an_hour_by_default(again: float, *, same: bool) -> None:
    """It fires again within 30 minutes after resolved: the same incident; later it has ended."""
    tale = Tale(ruled(FIRST, RELAPSE, DONE, route=AT_ONCE)).fire(0).clear(10)
    if same:
        tale.fire(again, "b")
        assert tale.posts("page")[-1] == (again, "relapse")
        assert tale.state.phase == "open"
    else:
        assert tale.forward(again).state.ended == "resolved"


def test_stale_asks_once_per_silence_and_closes_nothing() -> None:
    """No word of the monitor for `stale_after` while firing: a person is asked, never closed by itself."""
    tale = Tale(ruled(FIRST, HOLDING, DONE, route="for: 0s, stale_after: 1h")).fire(0).forward(150)
    assert tale.asked("stale") == [(60, "")]
    tale.happen(160, j.Heard()).forward(300)
    assert tale.asked("stale") == [(60, ""), (220, "")]
    assert tale.state.phase == "open"


def test_raise_lifts_impact_and_moves_the_plan() -> None:
    """A `raise` line has an `if`, then impact and/or plan."""
    raises = '{ if: "alerts_firing >= 2", impact: critical, plan: public }'
    tale = Tale(ruled(route=AT_ONCE, plan="internal", raises=raises)).fire(0).fire(180, "b")
    assert tale.state.impact is Impact.critical
    assert tale.state.plan == "public"
    assert tale.posts("page") == [(180, "first")]


def test_impact_is_a_map_over_one_label() -> None:
    """The value of the label chooses the impact; `else` takes the rest."""
    for severity, impact in (
        ("critical", Impact.critical),
        ("page", Impact.major),
        ("warning", Impact.minor),
    ):
        assert Tale(ruled(route=AT_ONCE)).fire(0, severity=severity).state.impact is impact


# -- steps -------------------------------------------------------------------


def test_an_after_step_acts_once_per_incident() -> None:
    """The limit of an `after` step is 1: through resolving and reopening too."""
    tale = Tale(ruled(FIRST, RELAPSE, DONE, route=AT_ONCE)).fire(0).clear(5).fire(10).forward(60)
    assert [step for _, step in tale.posts("page")] == ["first", "done", "relapse"]


def test_beyond_its_limit_a_step_asks_the_plans_ask() -> None:
    """A step with `limit: 2` speaks twice; each later occasion is a question to the plan's `ask`."""
    tale = Tale(ruled(FIRST, HOLDING[:-2] + ", limit: 2 }", DONE, route=AT_ONCE)).fire(0).forward(150)
    assert tale.posts("page") == [(0, "first"), (30, "holding"), (60, "holding")]
    assert tale.asked("limit") == [(90, "holding"), (120, "holding"), (150, "holding")]
    assert {entry.whom for _, entry in tale.entries("asked")} == {"comms"}


def test_a_question_beyond_its_limit_changes_its_addressee() -> None:
    """A nag to the lead with `limit: 2` goes to the plan's `ask` from the third on."""
    nag = "{ id: nag, every: 10m, ask: lead, limit: 2 }"
    tale = Tale(ruled(FIRST, nag, DONE, route=AT_ONCE)).fire(0).forward(45)
    assert [entry.whom for _, entry in tale.entries("asked")] == ["lead", "lead", "comms", "comms"]


def test_an_on_step_of_resolved_counts_from_when_it_was_due() -> None:
    """`on` + `after` is that long after the event, also when the event was noticed late."""
    review = "{ id: review, on: resolved, after: 24h, ask: lead }"
    tale = Tale(ruled(FIRST, DONE, review, route="for: 0s, keep_firing_for: 5m")).fire(0).clear(5)
    tale.oversleep()
    tale.step([], tale.start + 130 * 60_000)
    assert tale.posts("page")[-1] == (130, "done")
    assert tale.forward(2_000).asked() == [(24 * 60 + 10, "review")]


def test_told_is_every_public_channel_told() -> None:
    """`to: told` reaches the public channels that were told about this incident, and no other."""
    tale = Tale(ruled(FIRST, "{ id: done, on: resolved, say: resolved, to: [ told ] }", route=AT_ONCE))
    tale.fire(0).clear(5)
    assert tale.posts("page")[-1] == tale.posts("mail")[-1] == (5, "done")
    assert tale.posts("x") == []
    assert (5, "done") not in tale.posts("ops")


def test_set_raises_impact_and_never_lowers_it() -> None:
    """`set` raises impact; where it is as high already the occasion is skipped."""
    steps = (FIRST, "{ id: longest, after: 4h, set: { impact: major } }", DONE)
    low = Tale(ruled(*steps, route=AT_ONCE)).fire(0, severity="warning").forward(241)
    high = Tale(ruled(*steps, route=AT_ONCE)).fire(0, severity="critical").forward(241)
    assert low.state.impact is Impact.major
    assert high.state.impact is Impact.critical
    assert high.skipped() == [("longest", "already so")]


def test_approve_defaults_to_skip_after_thirty_minutes() -> None:
    """`one` without more: nobody answers in 30 minutes, the text is skipped and the plan's ask is told."""
    step = "{ id: s, after: 5m, say: short, to: [ x ], approve: one }"
    tale = Tale(ruled(FIRST, step, DONE, route=AT_ONCE)).fire(0).forward(60)
    assert tale.posts("x") == []
    assert tale.skipped() == [("s", "no approval in time")]
    assert tale.asked("approval ran out") == [(35, "")]
