"""The rule language, "Meaning", where people act: their words, status, impact, take overs."""

from __future__ import annotations

import pytest

from daemon.core import journal as j
from daemon.core.clock import MINUTE
from daemon.core.words import Impact, Status
from tests.rules.tale import CHANNELS, DONE, FIRST, HOLDING, NAG, SOCIAL, SORRY, Tale, ruled
from tests.rules.world import START

AT_ONCE = "for: 0s"
QUICK = "for: 0s, keep_firing_for: 0s, monitor_for: 10m"
NO_PAGE = "  mail: { kind: email }\n  ops: { kind: slack, audience: internal }\n"
X_AT_FIVE = "{ id: s, after: 5m, say: short, to: [ x ], approve: veto 5m }"
OVER = {"status": Status.resolved, "text": "It is over."}


# -- impact ----------------------------------------------------------------------


def test_impact_is_the_highest_that_any_alert_was_given() -> None:
    """It rises with a worse alert and stays when that one clears."""
    tale = Tale(ruled(route=AT_ONCE)).fire(0, severity="warning").fire(5, "b", severity="critical")
    assert tale.clear(10, "b").state.impact is Impact.critical


def test_lowered_by_a_person_it_rises_with_a_new_alert_only() -> None:
    """What fires already does not raise it again; a new alert that is worse does."""
    tale = Tale(ruled(route=AT_ONCE)).fire(0).act(5, impact=Impact.none)
    tale.happen(6, j.Heard()).forward(40)
    assert tale.state.impact is Impact.none
    assert tale.fire(41, "b", severity="warning").state.impact is Impact.minor


def test_after_a_person_set_it_a_raise_line_acts_as_its_if_turns() -> None:
    """Two alerts raise it; lowered by a person it stays low until the `if` was false in between."""
    raises = '{ if: "alerts_firing >= 2", impact: critical }'
    tale = Tale(ruled(route=AT_ONCE, raises=raises)).fire(0).fire(1, "b")
    assert tale.state.impact is Impact.critical
    tale.act(5, impact=Impact.minor)
    assert tale.fire(6, "c", severity="warning").state.impact is Impact.minor
    tale.clear(7, "b", "c")
    assert tale.fire(8, "d", severity="warning").state.impact is Impact.critical


# -- people win --------------------------------------------------------------------


def test_a_persons_update_restarts_the_cadence_and_keeps_the_promise() -> None:
    """Said at 29: the promise for 30 is kept, nag and holding count from 29."""
    tale = Tale(ruled(route=AT_ONCE)).fire(0).act(29, text="We are restoring a backup.").forward(59)
    assert tale.posts("page") == [(0, "first"), (29, "person"), (59, "holding")]
    assert tale.asked() == [(25, "nag"), (54, "nag")]
    assert (tale.state.promises_kept, tale.state.promises_broken) == (1, 0)


def test_it_withdraws_every_text_that_waits() -> None:
    """A text in its veto window is skipped: someone posted; it never comes back."""
    tale = (
        Tale(ruled(FIRST, X_AT_FIVE, HOLDING, DONE, route=AT_ONCE)).fire(0).act(7, text="News.").forward(60)
    )
    assert tale.skipped() == [("s", "someone posted")]
    assert tale.posts("x") == []


def test_words_on_x_alone_withdraw_nothing() -> None:
    """An update that does not count leaves the waiting text waiting."""
    tale = Tale(ruled(FIRST, X_AT_FIVE, HOLDING, DONE, route=AT_ONCE)).fire(0)
    tale.act(7, text="Only here.", to=("x",))
    assert tale.waiting() == ["s"]


def test_it_goes_where_the_last_update_that_counts_went() -> None:
    """Page and mail only, because that is where the person before them wrote."""
    tale = Tale(ruled(route=AT_ONCE)).fire(0).act(5, text="One.", to=("page", "mail")).act(9, text="Two.")
    assert tale.posts("mail")[-1] == (9, "person")
    assert tale.posts("ops")[-1] == (0, "first")


def test_unless_they_say_otherwise() -> None:
    """`to` decides."""
    tale = Tale(ruled(route=AT_ONCE)).fire(0).act(5, text="One.", to=("page", "x"))
    assert tale.posts("x") == [(5, "person")]
    assert tale.posts("mail") == [(0, "first")]


def test_a_resolving_one_goes_to_told_and_the_step_carries_it_on() -> None:
    """Words that resolve reach what was told; `done` only brings them to ops, in the same words."""
    tale = Tale(ruled(route=AT_ONCE)).fire(0).forward(126).act(130, **OVER)  # type: ignore[arg-type]
    for channel in ("page", "mail", "x"):
        assert tale.posts(channel)[-1] == (130, "person")
    assert tale.posts("ops")[-1] == (130, "done")
    assert {tale.texts(channel)[-1] for channel in ("page", "mail", "x", "ops")} == {"It is over."}


def test_words_that_were_for_x_are_carried_to_the_page_with_their_promise() -> None:
    """Identified, said on X: the step brings those words to the page, and their promise counts."""
    found = "{ id: found, on: identified, say: holding }"
    tale = Tale(ruled(FIRST, found, HOLDING, DONE, route=AT_ONCE)).fire(0)
    tale.act(10, text="Found.", to=("x",), status=Status.identified, promise=START + 90 * MINUTE).forward(91)
    assert tale.posts("page") == [(0, "first"), (10, "found"), (90, "holding")]
    assert tale.texts("page")[1] == "Found. Next update by 11:31 UTC."
    assert (tale.state.promises_kept, tale.state.promises_broken) == (2, 0)


def test_carried_words_are_one_update() -> None:
    """Without a page: the person's mail carried to ops keeps one promise and is one place to go on from."""
    found = "{ id: found, on: identified, say: holding }"
    first = FIRST[:-2] + ", to: [ mail ] }"
    tale = Tale(ruled(first, found, HOLDING, DONE, to="mail, ops", channels=NO_PAGE, route=AT_ONCE)).fire(0)
    tale.act(5, text="Found.", status=Status.identified, promise=START + 60 * MINUTE)
    assert tale.state.promises_kept == 1
    assert tale.act(10, text="More.").posts("mail")[-1] == (10, "person")


def test_a_first_public_update_on_an_internal_plan_moves_it() -> None:
    """It moves to the first public plan; the `after: 0s` step carries the words to what lacks them."""
    tale = Tale(ruled(plan="internal", route=AT_ONCE)).fire(0).act(10, text="Payments fail.", to=("page",))
    assert tale.state.plan == "public"
    assert tale.posts("page") == [(10, "person")]
    assert tale.posts("mail") == [(10, "first")]
    assert tale.texts("mail") == ["Payments fail."]


def test_public_words_on_x_first_go_to_the_page_too() -> None:
    """Nothing public leaves before the page, so the words go there with the same update."""
    tale = Tale(ruled(plan="internal", route=AT_ONCE)).fire(0).act(10, text="Payments fail.", to=("x",))
    assert tale.posts("page") == tale.posts("x") == [(10, "person")]


def test_an_internal_update_on_an_internal_plan_stays_there() -> None:
    """Words without `to` go where the last ones went: nobody outside hears them."""
    tale = Tale(ruled(plan="internal", route=AT_ONCE)).fire(0).act(10, text="Disk is full.")
    assert tale.state.plan == "internal"
    assert tale.posts("ops")[-1] == (10, "person")
    assert tale.posts("page") == tale.posts("mail") == []


def test_two_people_at_once_are_both_heard() -> None:
    """Two updates at the same instant, in one call or in two: neither is lost."""
    for together in (True, False):
        tale = Tale(ruled(route=AT_ONCE)).fire(0)
        acts = [j.Acted("update", who, text=f"Words of {who}.") for who in ("ana", "bo")]
        if together:
            tale.happen(6, *acts)
        else:
            tale.happen(6, acts[0]).happen(6, acts[1])
        assert tale.texts("page")[-2:] == ["Words of ana.", "Words of bo."]


def test_words_after_the_end_reach_whom_was_told_and_change_nothing() -> None:
    """A postscript goes to what was told; the incident stays ended and nothing is due."""
    tale = Tale(ruled(route=AT_ONCE)).fire(0).clear(10).forward(100).act(101, text="What we learnt.")
    assert tale.posts("page")[-1] == tale.posts("mail")[-1] == (101, "person")
    assert (tale.state.phase, tale.due) == ("ended", None)


def test_an_act_after_the_end_makes_no_rule_speak() -> None:
    """Acknowledged when resolved: a step for `acked` says nothing in public after "resolved"."""
    step = "{ id: s, on: acked, say: holding }"
    tale = Tale(ruled(FIRST, step, DONE, route=AT_ONCE)).fire(0).clear(5).act(6, "ack").forward(60)
    assert tale.posts("page") == [(0, "first"), (5, "done")]


def test_nothing_about_an_earlier_event_is_said_after_resolved() -> None:
    """Impact rose at 5, resolved at 7: the step ten minutes after the rise says nothing any more."""
    step = "{ id: s, on: impact_raised, after: 10m, say: holding }"
    tale = Tale(ruled(FIRST, step, DONE, route=AT_ONCE)).fire(0, severity="warning").fire(5, "b")
    tale.clear(7, "a", "b").forward(60)
    assert tale.posts("page") == [(0, "first"), (7, "done")]
    assert ("s", "resolved") in tale.skipped()


# -- status and believed alerts -------------------------------------------------------


def test_a_status_set_while_nothing_fires_stands() -> None:
    """A person's "not fixed yet" stops `monitor_for`, until alerts fire and clear again."""
    tale = Tale(ruled(route=QUICK)).fire(0).clear(5).act(8, status=Status.investigating).forward(300)
    assert tale.state.status is Status.investigating
    tale.fire(301, "b").clear(302, "b")
    assert tale.forward(312).state.status is Status.resolved


def test_monitoring_set_while_nothing_fires_stands_too() -> None:
    """A person who says monitoring means it: no resolution by itself."""
    tale = Tale(ruled(route=QUICK)).fire(0).clear(5).act(8, status=Status.monitoring).forward(300)
    assert tale.state.status is Status.monitoring


def test_a_status_set_while_alerts_fire_does_not_stop_the_recovery() -> None:
    """Identified while it fires; when it clears, monitoring and resolved come as ever."""
    tale = Tale(ruled(route=QUICK)).fire(0).act(5, status=Status.identified).clear(10).forward(20)
    assert tale.state.status is Status.resolved


def test_a_person_who_resolves_while_alerts_fire_is_believed() -> None:
    """Those episodes reopen nothing; a person is asked once if they still fire after `reopen_within`."""
    tale = Tale(ruled(route=AT_ONCE)).fire(0).act(10, **OVER).happen(15, j.Heard()).forward(200)  # type: ignore[arg-type]
    assert tale.state.ended == "resolved"
    assert tale.asked("still_firing") == [(40, "")]
    assert tale.entries("status") == []


def test_believed_alerts_that_clear_are_no_question() -> None:
    """They cleared in time: nobody is asked."""
    tale = Tale(ruled(route=AT_ONCE)).fire(0).act(10, **OVER).clear(20).forward(200)  # type: ignore[arg-type]
    assert tale.asked("still_firing") == []


def test_a_new_episode_does_reopen() -> None:
    """A new alert after the person's "resolved" reopens, and the believed one counts again."""
    tale = Tale(ruled(route=QUICK)).fire(0).act(10, **OVER).fire(15, "b")  # type: ignore[arg-type]
    assert tale.posts("page")[-1] == (15, "relapse")
    assert tale.state.firing == 2
    tale.clear(20, "b").forward(40)
    assert tale.state.status is Status.investigating


def test_a_person_reopens_what_they_resolved() -> None:
    """Back to investigating by hand, with words: the relapse step only carries them."""
    tale = Tale(ruled(route=QUICK)).fire(0).act(10, **OVER)  # type: ignore[arg-type]
    tale.act(12, status=Status.investigating, text="Not over after all.").forward(13)
    assert tale.state.phase == "open"
    assert tale.texts("page")[-1] == "Not over after all."
    assert tale.texts("page").count("Not over after all.") == 1


# -- components, retract ----------------------------------------------------------------


def test_a_removed_component_is_not_put_back() -> None:
    """Alerts about it go on; only a person adds it again."""
    tale = Tale(ruled(route=AT_ONCE)).fire(0).fire(1, "b", service="search").act(2, remove=("search",))
    assert tale.fire(3, "c", service="search").state.components == ("checkout",)
    assert tale.act(4, add=("search",)).state.components == ("checkout", "search")


def test_removing_the_last_component_asks_whether_to_retract() -> None:
    """Once, and nothing closes."""
    tale = Tale(ruled(route=AT_ONCE)).fire(0).act(4, remove=("checkout",)).forward(20)
    assert tale.asked("retract") == [(4, "")]
    assert tale.state.phase == "open"


def test_retract_closes_and_says_so_wherever_it_was_told() -> None:
    """A false alarm is said to page and mail; X was not told and hears nothing; alerts reopen nothing."""
    tale = Tale(ruled(route=AT_ONCE)).fire(0).act(10, "retract").forward(11)
    assert tale.posts("page")[-1] == tale.posts("mail")[-1] == (10, "sorry")
    assert tale.posts("x") == []
    assert tale.state.ended == "retracted"
    assert tale.due is None


def test_retract_after_resolved() -> None:
    """What was resolved can still turn out to be a false alarm."""
    tale = Tale(ruled(FIRST, DONE, SORRY, route=AT_ONCE)).fire(0).clear(5).act(10, "retract")
    assert tale.posts("page") == [(0, "first"), (5, "done"), (10, "sorry")]


# -- take over and pause -----------------------------------------------------------------


def test_take_over_turns_public_texts_into_questions() -> None:
    """The ready text is in the question; nags go on; internal texts go out."""
    inside = "{ id: inside, after: 10m, say: internal_note, to: [ ops ] }"
    tale = (
        Tale(ruled(FIRST, NAG, inside, HOLDING, DONE, route=AT_ONCE)).fire(0).act(5, "take_over").forward(31)
    )
    assert tale.posts("page") == [(0, "first")]
    assert tale.posts("ops")[-1] == (10, "inside")
    assert tale.asked() == [(25, "nag")]
    (question,) = [one for _, one in tale.entries("asked") if one.reason == "taken_over"]
    assert "pay" in question.ready


def test_it_ends_by_hand_back() -> None:
    """From then on the rules speak again."""
    tale = Tale(ruled(route=AT_ONCE)).fire(0).act(5, "take_over").act(20, "hand_back").forward(31)
    assert tale.posts("page")[-1] == (30, "holding")


def test_it_ends_an_hour_after_the_last_act_announced_ten_minutes_before() -> None:
    """Each act of that person begins the hour anew; others' acts do not."""
    tale = (
        Tale(ruled(route=AT_ONCE)).fire(0).act(5, "take_over").act(20, "ack").act(30, "ack", "bo").forward(90)
    )
    assert tale.asked("take_over_ending") == [(70, "")]
    assert [minute for minute, _ in tale.entries("take_over_ended")] == [80]


def test_a_take_over_does_not_outlive_its_hour_while_resolved() -> None:
    """It ran out while the incident was resolved: the relapse is said, not asked."""
    tale = Tale(ruled(route="for: 0s, reopen_within: 3h")).fire(0).act(2, "take_over").clear(5)
    assert tale.fire(100, "b").posts("page")[-1] == (100, "relapse")


def test_a_text_that_waits_when_somebody_takes_over_is_a_question() -> None:
    """The window ends during the take over: nothing goes out, the ready text is asked for."""
    tale = Tale(ruled(FIRST, X_AT_FIVE, HOLDING, DONE, route=AT_ONCE)).fire(0).act(7, "take_over").forward(11)
    assert tale.posts("x") == []
    assert tale.asked("taken_over") == [(10, "s")]


def test_pause_until_ends_by_itself() -> None:
    """`--until T`: questions before T, texts from T on."""
    tale = Tale(ruled(route=AT_ONCE)).fire(0).happen(5, j.Paused("ana", START + 45 * MINUTE)).forward(65)
    assert tale.asked("taken_over") == [(30, "holding")]
    assert tale.posts("page")[-1] == (60, "holding")


def test_hand_back_does_not_end_a_pause() -> None:
    """Paused and taken over: handing back leaves the pause in force."""
    tale = (
        Tale(ruled(route=AT_ONCE)).fire(0).happen(5, j.Paused("bo")).act(6, "take_over").act(7, "hand_back")
    )
    assert tale.forward(31).posts("page") == [(0, "first")]
    assert tale.happen(40, j.Resumed("bo")).forward(61).posts("page")[-1] == (60, "holding")


# -- told, and an incident of a person's own --------------------------------------------------


def test_a_channel_whose_only_post_is_still_queued_gets_neither() -> None:
    """X takes nothing until the end: its post is superseded and "resolved" is not for it."""
    tale = (
        Tale(ruled(FIRST, HOLDING, SOCIAL, DONE, route=AT_ONCE), mute=frozenset({"x"})).fire(0).forward(126)
    )
    assert tale.state.told == ["mail", "page"]
    tale.clear(130)
    assert tale.posts("x") == [(125, "social")]
    assert [one.channels for _, one in tale.entries("superseded")] == [("x",)]


@pytest.mark.parametrize("state", ["attempted", "unknown", "held", "sent"])
def test_told_is_where_it_was_sent_or_may_have_been(state: str) -> None:
    """A post in doubt counts as told."""
    tale = Tale(ruled(FIRST, DONE, route=AT_ONCE), mute=frozenset({"mail"})).fire(0)
    assert tale.state.told == ["page"]
    tale.happen(1, j.DeliveryMoved("mail", tale.entries("said")[0][1].update, state))
    assert tale.state.told == ["mail", "page"]


def _opened_by_person(minutes_of_alert: tuple[float, float] | None = None) -> Tale:
    tale = Tale(ruled(channels=CHANNELS))
    created = j.Created("abcdefghijkl", tale.rules.version, plan="public", who="ana", title="Slow",
                        impact=Impact.minor, components=("checkout",))  # fmt: skip
    tale.happen(0, created, j.Acted("update", "ana", text="Payments are slow."))
    if minutes_of_alert is not None:
        fired = j.Fired(1, tale.start, "checkout", Impact.minor)
        tale.happen(minutes_of_alert[0], j.Alerts(fired=(fired,)))
        tale.happen(minutes_of_alert[1], j.Alerts(cleared=(1,)))
    return tale


def test_an_incident_that_a_person_opens_never_closes_by_itself() -> None:
    """Alerts that joined it clear; it stays open, the cadence goes on."""
    tale = _opened_by_person((5, 10)).forward(300)
    assert tale.state.phase == "open"
    assert tale.state.status is Status.investigating
    assert tale.posts("page")[:3] == [(0, "person"), (30, "holding"), (60, "holding")]


def test_its_first_words_are_the_first_update() -> None:
    """Their words open it; the `after: 0s` step adds nothing of its own."""
    tale = _opened_by_person()
    assert tale.texts("page") == tale.texts("mail") == tale.texts("ops") == ["Payments are slow."]
    assert ("first", "a person said it") in tale.skipped()
