"""Budgets: what automatic texts may take of a channel's hour, and what waits for room."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from daemon.core import journal as j
from daemon.core.clock import HOUR, MINUTE
from daemon.service.budgets import bound, spent_until
from rules.model import Limits, RuleSet
from tests.rules.tale import DONE, FIRST, HOLDING, Tale, ruled
from tests.rules.test_decide_properties import played, quick
from tests.rules.world import START, Happening, happenings, rule_sets

WIDE = "{ id: wide, after: 10m, say: short, to: [ x ] }"
WIDER = "{ id: wider, after: 20m, say: short, to: [ x ] }"


def at(minute: float) -> int:
    return START + int(minute * MINUTE)


def spent(channel: str, minute: float, *steps: str) -> Tale:
    """One post an hour on X and mail; another incident's went to that channel at that minute."""
    tale = Tale(ruled(FIRST, HOLDING, *steps, DONE, limits="{ posts_per_hour: { x: 1, mail: 1 } }"))
    tale.posted[channel] = [at(minute)]
    return tale.fire(0)


def test_the_newest_waits_and_is_said_with_the_facts_of_then() -> None:
    """Two texts find no room on X: the later one is said when there is, once; the page waits for nobody."""
    tale = spent("x", -10, WIDE, WIDER)
    tale.forward(49)
    assert tale.posts("x") == []
    assert tale.skipped() == [("wide", "over budget"), ("wider", "over budget")]
    assert tale.posts("page") == [(1, "first"), (31, "holding")]
    tale.forward(61)
    assert tale.posts("x") == [(50, "wider")]
    assert "50 minutes" in tale.texts("x")[0]
    tale.forward(130)
    assert len(tale.posts("x")) == 1


def test_another_incident_was_faster() -> None:
    """At the instant at which there was to be room there is none: it waits on."""
    tale = spent("x", -10, WIDE).forward(49)
    tale.posted["x"] = [at(10)]
    tale.forward(69)
    assert tale.posts("x") == []
    assert tale.forward(70).posts("x") == [(70, "wide")]


def test_what_waits_on_one_channel_goes_to_the_others() -> None:
    """Mail has no room: page and ops hear the first text at once, and mail the next one at its time."""
    tale = spent("mail", -15).forward(2)
    assert (tale.posts("page"), tale.posts("mail")) == ([(1, "first")], [])
    ((_, said),) = tale.entries("said")
    assert said.left_out == {"mail": "over budget"}
    tale.forward(46)
    assert tale.posts("mail") == [(45, "holding")]


def test_people_and_the_end_are_not_bound() -> None:
    """A person's words go out at once and take the place of what waited; so does "resolved"."""
    tale = spent("x", 0, WIDE)
    tale.act(15, text="We found it.", to=("page", "x"))
    assert tale.posts("x") == [(15, "person")]
    tale.clear(16).forward(600)
    assert tale.posts("x") == [(15, "person"), (31, "done")]


def test_what_waits_ends_with_the_incident() -> None:
    """A channel that was never told hears nothing of an incident that is over."""
    tale = spent("x", -10, WIDE).clear(12).forward(200)
    assert tale.state.ended == "resolved"
    assert tale.posts("x") == []


def test_an_approved_text_that_finds_no_room_is_put_to_people_again() -> None:
    """People see the exact words that go out: after the wait they are other ones."""
    step = "{ id: wide, after: 10m, say: short, to: [ x ], approve: veto 5m }"
    tale = spent("x", -10, step).forward(49)
    assert tale.skipped() == [("wide", "over budget")]
    assert tale.forward(50).waiting() == ["wide"]
    assert tale.forward(56).posts("x") == [(55, "wide")]


@given(rule_sets(), happenings())
@quick
def test_never_more_than_the_hour_allows(rules: RuleSet, story: list[Happening]) -> None:
    """In any hour a channel has at most so many texts of rules; whoever waits has a wake-up or has ended."""
    caps = {"x": 1, "mail": 2}
    world = played(replace(rules, limits=Limits(posts_per_hour=caps)), story)
    for name, cap in caps.items():
        times = [
            one.at for one in world.journal
            if isinstance(one.entry, j.Said) and bound(one.entry) and name in one.entry.posts
        ]  # fmt: skip
        assert all(later - earlier >= HOUR for earlier, later in zip(times, times[cap:], strict=False))
        held = world.state.channels[name].over_budget if name in world.state.channels else None
        if held is not None:
            assert world.state.phase == "open"
            assert world.due is not None


def test_room_is_counted_over_a_sliding_hour() -> None:
    """With two allowed, the third waits until the first is an hour old; a clock set back waits no longer."""
    assert spent_until([at(0)], 2, at(10)) is None
    assert spent_until([at(0), at(10)], 2, at(20)) == at(60)
    assert spent_until([at(0), at(10)], 2, at(60)) is None
    assert spent_until([at(0), at(10), at(60)], 2, at(60)) == at(70)
    assert spent_until([at(900), at(910)], 2, at(20)) == at(80)
