"""The rule language, "Time": when things are due, in which order, and what lateness does."""

from __future__ import annotations

import pytest

from daemon.core import journal as j
from daemon.core.clock import MINUTE
from daemon.core.fold import fold_all
from daemon.core.words import Impact, Status
from tests.rules.tale import CHANNELS, CLEAR, DONE, FIRST, HOLDING, NAG, RELAPSE, SOCIAL, Tale, ruled
from tests.rules.world import START

AT_ONCE = "for: 0s"
QUICK = "for: 0s, keep_firing_for: 0s, monitor_for: 10m"


# -- opening and `after` -------------------------------------------------------


def test_an_incident_opens_when_for_has_passed() -> None:
    """`opened_at` is the instant at which `for` has passed, not the one of the first alert."""
    tale = Tale(ruled()).fire(0).forward(5)
    assert tale.state.opened_at == tale.start + MINUTE


def test_made_public_at_three_hours_it_says_first_at_once_and_social_two_hours_later() -> None:
    """`after` counts from the change of plan when a person moves an internal incident."""
    tale = Tale(ruled(plan="internal", route=AT_ONCE)).fire(0).act(180, plan="public").forward(310)
    assert tale.posts("page")[0] == (180, "first")
    assert tale.posts("x") == [(305, "social")]


def test_after_stands_still_while_resolved() -> None:
    """The 20 minutes that the incident was resolved do not count for `after`."""
    late = "{ id: late, after: 60m, ask: lead }"
    tale = Tale(ruled(FIRST, late, RELAPSE, DONE, route=AT_ONCE)).fire(0).clear(30).fire(50).forward(100)
    assert tale.asked() == [(80, "late")]


def test_after_waits_for_its_if() -> None:
    """A step due at once goes out at minute 40 if impact becomes critical then."""
    wide = '{ id: wide, after: 0s, say: short, to: [ x ], if: "impact == critical" }'
    tale = (
        Tale(ruled(FIRST, wide, DONE, route=AT_ONCE)).fire(0).fire(40, "b", severity="critical").forward(90)
    )
    assert tale.posts("x") == [(40, "wide")]


def test_after_waits_for_a_window() -> None:
    """What became due while a window was closed goes out at its edge."""
    social = '{ id: social, after: 30m, say: short, to: [ x ], if: "hours" }'
    tale = Tale(ruled(FIRST, social, DONE, route=AT_ONCE), start=START + 9 * 60 * MINUTE).fire(0)
    tale.forward(24 * 60)
    (minute,) = [at for at, _ in tale.posts("x")]
    instant = tale.start + round(minute * MINUTE)
    assert instant % (24 * 60 * MINUTE) == 11 * 60 * MINUTE


# -- `on` ------------------------------------------------------------------------


def test_an_on_step_looks_at_its_if_once() -> None:
    """An `on` step whose `if` does not hold at the event is skipped; it never speaks later."""
    step = '{ id: s, on: acked, say: short, to: [ x ], if: "impact == critical" }'
    tale = Tale(ruled(FIRST, step, DONE, route=AT_ONCE)).fire(0).act(5, "ack")
    tale.fire(10, "b", severity="critical").forward(20)
    assert tale.posts("x") == []
    assert tale.skipped() == [("s", "its condition did not hold")]


def test_on_with_after_is_void_once_the_status_was_left_even_if_it_returns() -> None:
    """Identified, then monitoring, then identified again: the step due an hour after the first is skipped."""
    late = "{ id: late, on: identified, after: 60m, ask: lead }"
    tale = Tale(ruled(FIRST, HOLDING, late, DONE, route=QUICK)).fire(0)
    tale.act(5, status=Status.identified, text="We found it.").clear(20).fire(25).forward(120)
    assert tale.state.status is Status.identified
    assert tale.asked() == []
    assert tale.skipped() == [("late", "the status was left meanwhile")]


def test_on_with_after_acts_when_the_status_stayed() -> None:
    """Left alone, the same step acts an hour after the event."""
    late = "{ id: late, on: identified, after: 60m, ask: lead }"
    tale = Tale(ruled(FIRST, late, DONE, route=QUICK)).fire(0).act(5, status=Status.identified).forward(120)
    assert tale.asked() == [(65, "late")]


def test_each_event_is_an_occasion_of_its_own() -> None:
    """Impact rises twice within ten minutes: a step ten minutes after the event acts twice."""
    late = "{ id: late, on: impact_raised, after: 10m, ask: lead }"
    tale = Tale(ruled(FIRST, late, DONE, route=AT_ONCE)).fire(0, severity="warning")
    tale.fire(5, "b").fire(12, "c", severity="critical").forward(60)
    assert tale.asked() == [(15, "late"), (22, "late")]


def test_refired_returns_to_the_status_before() -> None:
    """An alert that fires while monitoring brings back what it was: identified here."""
    tale = Tale(ruled(route=QUICK)).fire(0).act(5, status=Status.identified).clear(10).fire(15).forward(16)
    assert tale.state.status is Status.identified
    assert tale.posts("page")[-1] == (15, "relapse")


def test_refired_after_a_person_reopened_into_monitoring() -> None:
    """A person reopens as monitoring and an alert fires: it is investigated, not monitored."""
    tale = Tale(ruled(route=QUICK)).fire(0).clear(5).forward(16)
    tale.act(20, status=Status.monitoring, text="We keep an eye on it.").fire(22, "b").forward(23)
    assert tale.state.status is Status.investigating


@pytest.mark.parametrize("event", ["impact_raised", "components_changed"])
def test_some_events_need_a_first_public_update(event: str) -> None:
    """Raised impact and changed components are no events before the first public update."""
    step = f"{{ id: s, on: {event}, ask: lead }}"
    quiet = Tale(ruled("{ id: tell, after: 0s, say: short, to: [ ops ] }", step, DONE, route=AT_ONCE))
    loud = Tale(ruled(FIRST, step, DONE, route=AT_ONCE))
    for tale, times in ((quiet, 0), (loud, 1)):
        tale.fire(0).fire(5, "b", severity="critical", service="search")
        assert len(tale.asked()) == times


@pytest.mark.parametrize(
    ("act", "event"),
    [
        ({"act": "ack"}, "acked"),
        ({"status": Status.identified}, "identified"),
        ({"status": Status.monitoring}, "monitoring"),
        ({"status": Status.resolved}, "resolved"),
        ({"impact": Impact.critical}, "impact_raised"),
        ({"add": ("search",)}, "components_changed"),
        ({"act": "retract"}, "retracted"),
    ],
)
def test_events_by_whoever(act: dict[str, object], event: str) -> None:
    """What a person brings about is the same event."""
    tale = Tale(ruled(FIRST, f"{{ id: s, on: {event}, ask: lead }}", DONE, route=AT_ONCE)).fire(0)
    tale.act(5, **act)  # type: ignore[arg-type]
    assert tale.asked() == [(5, "s")]


def test_a_promise_that_is_broken_is_an_event_once() -> None:
    """`promise_broken` happens once per promise."""
    step = "{ id: s, on: promise_broken, ask: lead }"
    tale = Tale(ruled(FIRST, step, DONE, route=AT_ONCE)).fire(0).forward(200)
    assert [name for _, name in tale.asked()] == ["s"]


# -- `every` ---------------------------------------------------------------------


def test_unanswered_every_comes_again_each_span_after_it_fired() -> None:
    """A nag nobody answers comes again 25 minutes after it last fired, while nothing is said."""
    tale = Tale(ruled(FIRST.replace(", promise: 30m", ""), NAG, DONE, route=AT_ONCE)).fire(0).forward(80)
    assert tale.asked() == [(25, "nag"), (50, "nag"), (75, "nag")]


@pytest.mark.parametrize(("promised", "nag", "update"), [(20, 15, 20), (90, 85, 90)])
def test_an_open_promise_moves_nag_and_update(promised: int, nag: int, update: int) -> None:
    """A is the promised instant minus the shortest speaking `every`: earlier or later than the cadence."""
    tale = Tale(ruled(route=AT_ONCE)).fire(0)
    tale.act(5, text="We are on it.", promise=tale.start + promised * MINUTE).forward(update)
    assert tale.asked() == [(nag, "nag")]
    assert tale.posts("page")[-1] == (update, "holding")


def test_a_round_before_the_update_itself_is_dropped() -> None:
    """Promised for two minutes from now: the nag that would fall before the update is not made up."""
    tale = Tale(ruled(route=AT_ONCE)).fire(0).act(20, text="Soon.", promise=START + 22 * MINUTE).forward(22)
    assert tale.asked() == []
    assert tale.posts("page")[-1] == (22, "holding")


def test_before_the_first_update_nothing_every_is_due() -> None:
    """While the first text waits for a vote there is neither nag nor holding update."""
    first = FIRST[:-2] + ", approve: { need: one, within: 3h } }"
    tale = Tale(ruled(first, NAG, HOLDING, DONE, route=AT_ONCE)).fire(0).forward(170)
    assert tale.posts("page") == []
    assert tale.asked() == []


def test_what_counted_under_an_internal_plan_does_not_count_on_the_page() -> None:
    """Made public after an hour: no holding update goes round the first one that waits for a vote."""
    first = FIRST[:-2] + ", approve: one }"
    raises = '{ if: "alerts_firing >= 2", plan: public }'
    tale = Tale(ruled(first, NAG, HOLDING, DONE, route=AT_ONCE, plan="internal", raises=raises))
    tale.fire(0).fire(60, "b").forward(85)
    assert tale.posts("page") == []
    tale.act(86, text="We are on it.")
    assert tale.posts("page") == [(86, "person")]


def test_an_every_with_if_fires_when_the_if_turns() -> None:
    """Due at 30 with an `if` that turns at 47: it fires at 47 and goes on from there."""
    holding = HOLDING[:-2] + ', if: "acked" }'
    tale = Tale(ruled(FIRST, holding, DONE, route=AT_ONCE)).fire(0).act(47, "ack").forward(80)
    assert tale.posts("page") == [(0, "first"), (47, "holding"), (77, "holding")]


def test_a_post_on_x_alone_restarts_no_clock() -> None:
    """A person's words on X alone count for nothing: cadence, promise and `unattended` stay as they were."""
    tale = Tale(ruled(route=AT_ONCE)).fire(0)
    before = tale.state.promise
    tale.act(10, text="Words for X.", to=("x",), promise=START + 50 * MINUTE)
    assert tale.state.promise == before
    assert tale.state.unattended == 1
    assert tale.forward(31).posts("page") == [(0, "first"), (30, "holding")]


def test_without_a_page_any_channel_of_the_plan_counts() -> None:
    """In a set without a page the cadence runs on whatever the plan's `to` has."""
    channels = "  mail: { kind: email }\n  ops: { kind: slack, audience: internal }\n"
    tale = Tale(ruled(FIRST, HOLDING, DONE, to="mail, ops", channels=channels, route=AT_ONCE))
    tale.fire(0).forward(61)
    assert tale.posts("mail") == [(0, "first"), (30, "holding"), (60, "holding")]
    assert tale.state.promises_kept == 2


def test_several_pages_each_count() -> None:
    """With two pages an update on either one restarts the cadence."""
    channels = CHANNELS + "  extra: { kind: status_page }\n"
    tale = Tale(ruled(FIRST, HOLDING, DONE, channels=channels, route=AT_ONCE)).fire(0)
    tale.act(10, text="On the second page.", to=("extra",)).forward(41)
    assert tale.posts("extra") == [(10, "person")]
    assert tale.posts("page") == [(0, "first"), (40, "holding")]


# -- order at one instant ----------------------------------------------------------


def test_what_speaks_comes_before_what_asks() -> None:
    """Both due at minute 30: the update is said, and the question for it is not asked."""
    nag = "{ id: nag, every: 30m, ask: comms }"
    tale = Tale(ruled(FIRST, nag, HOLDING, DONE, route=AT_ONCE)).fire(0).forward(45)
    assert tale.posts("page")[-1] == (30, "holding")
    assert tale.asked() == []


def test_resolving_as_the_window_ends_withdraws_the_post() -> None:
    """Status comes before windows that end: the X post is withdrawn at its last instant."""
    tale = Tale(ruled(FIRST, HOLDING, SOCIAL, DONE, route="for: 0s, keep_firing_for: 5m")).fire(0).clear(120)
    tale.forward(125)
    assert tale.state.status is Status.resolved
    assert tale.posts("x") == []
    assert ("social", "resolved") in tale.skipped()


def test_a_set_plan_ends_the_turn_of_the_old_plan() -> None:
    """After an `on` step moved the plan, the old plan's later steps are no longer asked."""
    move, ask = "{ id: mv, on: acked, set: { plan: internal } }", "{ id: q, on: acked, ask: lead }"
    tale = Tale(ruled(FIRST, move, ask, DONE, route=AT_ONCE)).fire(0).act(5, "ack")
    assert tale.asked() == []
    assert tale.posts("ops")[-1] == (5, "tell")


def test_an_after_step_waits_for_the_one_above_it() -> None:
    """`social` is due at 5 and waits until the text above it has left its window at 12."""
    wide = "{ id: wide, after: 2m, say: short, to: [ x ], approve: veto 10m }"
    social = "{ id: social, after: 5m, ask: lead }"
    tale = Tale(ruled(FIRST, wide, social, DONE, route=AT_ONCE)).fire(0).forward(20)
    assert tale.posts("x") == [(12, "wide")]
    assert tale.asked() == [(12, "social")]


def test_nothing_public_before_the_page() -> None:
    """An X step above the first update waits for it; an `on` step before it is skipped."""
    early = "{ id: early, after: 0s, say: short, to: [ x ] }"
    acked = "{ id: acks, on: acked, say: short, to: [ x ] }"
    first = FIRST.replace("0s", "10m")
    tale = Tale(ruled(early, acked, first, DONE, route=AT_ONCE)).fire(0).act(5, "ack").forward(11)
    assert tale.posts("x") == [(10, "early")]
    assert tale.skipped() == [("acks", "the page has no first update yet")]


def test_a_vetoed_first_update_keeps_everything_internal() -> None:
    """After a veto of the first update no other step speaks in public; people are asked each half hour."""
    first = FIRST[:-2] + ", approve: veto 5m }"
    later = "{ id: later, after: 20m, say: holding }"
    tale = Tale(ruled(first, later, HOLDING, CLEAR, DONE, route=QUICK)).fire(0)
    tale.vote(2, "veto", "bo", "first").forward(70).clear(75).forward(76)
    assert tale.posts("page") == tale.posts("mail") == []
    assert tale.asked("nothing said") == [(32, ""), (62, "")]


def test_after_the_veto_a_person_writes() -> None:
    """The person's words are the first update; from then on the cadence runs and nobody is asked again."""
    first = FIRST[:-2] + ", approve: veto 5m }"
    tale = Tale(ruled(first, HOLDING, DONE, route=AT_ONCE)).fire(0).vote(2, "veto", "bo", "first")
    tale.act(10, text="Some payments fail.").forward(45)
    assert tale.posts("page") == [(10, "person"), (40, "holding")]
    assert tale.asked("nothing said") == []


def test_a_veto_where_there_is_no_page_is_no_vetoed_first_update() -> None:
    """Without a page the veto of some later text asks nobody to write a first update."""
    channels = "  mail: { kind: email }\n  ops: { kind: slack, audience: internal }\n"
    tell = "{ id: tell, after: 10m, say: short, to: [ mail ], approve: veto 5m }"
    tale = Tale(ruled(FIRST, tell, DONE, to="mail, ops", channels=channels, route=AT_ONCE)).fire(0)
    tale.vote(12, "veto", "bo", "tell").forward(120)
    assert tale.asked("nothing said") == []


# -- late, collapsed, gaps -----------------------------------------------------------


def test_of_several_only_the_last_speaks_on_a_told_channel() -> None:
    """Two steps on one event: the last speaks where something was said before, the other is collapsed."""
    one, two = "{ id: one, on: acked, say: short }", "{ id: two, on: acked, say: holding }"
    tale = Tale(ruled(FIRST, one, two, DONE, route=AT_ONCE)).fire(0).act(5, "ack")
    assert tale.posts("page") == [(0, "first"), (5, "two")]
    assert tale.skipped() == [("one", "collapsed")]


def test_of_several_the_first_speaks_on_a_new_channel() -> None:
    """On a channel that heard nothing yet the first of them speaks."""
    one, two = (
        "{ id: one, on: acked, say: short, to: [ x ] }",
        "{ id: two, on: acked, say: holding, to: [ x ] }",
    )
    tale = Tale(ruled(FIRST, one, two, DONE, route=AT_ONCE)).fire(0).act(5, "ack")
    assert tale.posts("x") == [(5, "one")]


def test_collapsing_never_makes_an_echo() -> None:
    """The last of two would repeat what the page said before: then the other one speaks."""
    one, two = "{ id: one, on: acked, say: holding }", "{ id: two, on: acked, say: investigating }"
    more = 'texts: { investigating: "Customers cannot pay." }'
    tale = Tale(ruled(FIRST, one, two, DONE, route=AT_ONCE, more=more)).fire(0).act(5, "ack")
    assert tale.posts("page") == [(0, "first"), (5, "one")]


def test_missed_rounds_are_not_made_up_for() -> None:
    """Called three hours late: one holding update, one question less, and the cadence from there."""
    tale = Tale(ruled(FIRST, NAG, HOLDING, DONE, route=AT_ONCE)).fire(0)
    tale.oversleep()
    tale.step([], tale.start + 200 * MINUTE)
    tale.forward(231)
    assert tale.posts("page") == [(0, "first"), (200, "holding"), (230, "holding")]


def test_late_the_end_is_said_and_not_what_led_to_it() -> None:
    """Monitoring and resolved in one late call: no channel hears "monitoring" of a resolved incident."""
    done = "{ id: done, on: resolved, say: resolved, to: [ page ] }"
    tale = Tale(ruled(FIRST, CLEAR, done, route="for: 0s, keep_firing_for: 5m, monitor_for: 10m"))
    tale.fire(0).clear(2)
    tale.oversleep()
    tale.step([], tale.start + 60 * MINUTE)
    assert tale.posts("page") == [(0, "first"), (60, "done")]
    assert tale.posts("mail") == [(0, "first")]
    assert tale.state.resolved_at == tale.start + 17 * MINUTE


def test_a_reopening_that_collapses_counts_each_alert_once() -> None:
    """Two texts collapse as a believed alert comes back with a new one: both fire, as the journal says."""
    more = "{ id: more, on: reopened, say: holding }"
    tale = Tale(ruled(FIRST, RELAPSE, more, DONE, route=AT_ONCE)).fire(0)
    tale.act(5, status=Status.resolved, text="It is over.").fire(10, "b")
    assert tale.state.firing == 2
    assert fold_all(7, tale.journal) == tale.state
    assert tale.clear(20, "a", "b").state.status is Status.resolved


def test_away_from_110_to_150() -> None:
    """Down from 1:50 to 2:30: one holding update at 2:30, and `social` begins its full five minutes."""
    tale = Tale(ruled(route=AT_ONCE)).fire(0).away(110, 150).forward(156)
    assert tale.posts("page")[-2:] == [(90, "holding"), (150, "holding")]
    assert tale.posts("x") == [(155, "social")]


def test_for_does_not_run_in_a_gap() -> None:
    """Half of `for` before a gap of ten minutes, half after it."""
    tale = Tale(ruled()).fire(0).away(0.5, 10.5).forward(10.99)
    assert tale.posts("page") == []
    assert tale.forward(11).posts("page") == [(11, "first")]


def test_keep_firing_and_monitoring_do_not_run_in_a_gap() -> None:
    """Ten minutes away within each span put it off by ten minutes."""
    tale = Tale(ruled(FIRST, CLEAR, DONE)).fire(0).clear(10).away(12, 22).forward(25).away(30, 40).forward(45)
    assert tale.posts("page") == [(1, "first"), (25, "clear"), (45, "done")]


def test_a_veto_window_does_not_run_in_a_gap() -> None:
    """Two minutes of the window before the gap, three after it."""
    tale = Tale(ruled(route=AT_ONCE)).fire(0).away(122, 140).forward(142.99)
    assert tale.posts("x") == []
    assert tale.forward(143).posts("x") == [(143, "social")]


def test_a_gap_takes_no_more_of_a_span_than_it_lasted() -> None:
    """The heartbeat is older than the alert: `for` loses only what lies after the alert."""
    tale = Tale(ruled()).fire(0.8)
    tale.oversleep()
    tale.happen(3, j.Gap(START))
    assert tale.due == START + 4 * MINUTE
    tale = Tale(ruled(route=AT_ONCE)).fire(0).forward(121)
    tale.oversleep()
    tale.happen(130, j.Gap(START))
    assert tale.state.waiting["public/social/a"].until == START + 135 * MINUTE
