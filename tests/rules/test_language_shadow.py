"""Plans in shadow: all is decided and journalled, nothing leaves for customers."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from daemon.core import journal as j
from daemon.core.words import Audience
from daemon.service.views import incident_view
from rules.model import Limits, RuleSet
from tests.rules.tale import DONE, FIRST, HOLDING, SOCIAL, Tale, ruled
from tests.rules.test_decide_properties import UNTIL, played, quick
from tests.rules.world import Happening, World, happenings, rule_sets


def shadowed(rules: RuleSet, *, on: bool = True) -> RuleSet:
    return replace(rules, plans={**rules.plans, "public": replace(rules.plans["public"], shadow=on)})


def said(world: World) -> list[tuple[object, ...]]:
    return [
        (at, one.step, one.occasion, one.posts, one.promise, one.counts, one.who) for at, one in world.said()
    ]


@given(rule_sets(sane=True), happenings())
@quick
def test_a_rehearsal_says_what_would_be_said(rules: RuleSet, story: list[Happening]) -> None:
    """In shadow the same texts fall at the same instants, and each of them is marked."""
    story = [one for one in story if not one.what.endswith((" down", " up"))]  # no posts, so none waits
    rules = replace(rules, limits=Limits())  # nothing that leaves, nothing that is spent
    rehearsal = played(shadowed(rules), story)
    assert said(rehearsal) == said(played(shadowed(rules, on=False), story))
    assert all(one.shadow for _, one in rehearsal.said())
    assert rehearsal.state.updates == []


@given(rule_sets(), happenings())
@quick
def test_nothing_leaves_while_in_shadow(rules: RuleSet, story: list[Happening]) -> None:
    """A text is marked exactly while its incident is in shadow, and then the page shows nothing."""
    world = played(rules, story, UNTIL)
    shadow = False
    for one in world.journal:
        if one.entry.kind == "shadowed":
            shadow = one.entry.on  # type: ignore[union-attr]
        elif isinstance(one.entry, j.Said):
            assert one.entry.shadow is shadow
    if world.state.shadow:
        assert incident_view(world.state, rules) is None
        assert all(
            not view.queued
            for view in world.state.channels.values() if view.audience is Audience.public
        )  # fmt: skip


def test_questions_go_to_people_all_the_same() -> None:
    """Nags and approvals are asked; they say that nothing of it reaches customers."""
    tale = Tale(shadowed(ruled())).fire(0).forward(122)
    assert (26, "nag") in tale.asked()
    (_, approval) = next(one for one in tale.entries("asked") if one[1].reason == "approval")
    assert approval.text.endswith("(This plan is in shadow: nothing of it reaches customers.)")
    assert tale.waiting() == ["social"]


def test_a_person_who_names_a_public_channel_ends_the_shadow() -> None:
    """Their words are the first that customers hear, under the first plan that is not in shadow."""
    rules = ruled(FIRST, HOLDING, SOCIAL, DONE)
    loud = replace(rules.plans["public"], id="loud")
    rules = replace(shadowed(rules), plans={**shadowed(rules).plans, "loud": loud})
    tale = Tale(rules).fire(0).forward(10)
    assert (tale.state.shadow, tale.state.page_told) == (True, True)
    tale.act(12, text="We are on it.", to=("page",))
    assert (tale.state.shadow, tale.state.page_told) == (False, True)
    assert tale.state.plan == "loud"
    assert [update.text for update in tale.state.updates] == ["We are on it."]
    tale.forward(43)
    assert [update.by_person for update in tale.state.updates] == [True, False]
    tale.clear(44).forward(60)
    assert tale.posts("page")[-1] == (59, "done")
    assert tale.state.updates[-1].status.name == "resolved"


def test_customers_who_know_hear_the_rest() -> None:
    """An incident that was told in public does not go into the shadow with another plan."""
    rules = ruled(FIRST, HOLDING, DONE)
    quiet = replace(rules.plans["public"], id="quiet", shadow=True)
    tale = Tale(replace(rules, plans={**rules.plans, "quiet": quiet})).fire(0).forward(2)
    tale.act(5, plan="quiet").clear(6).forward(30)
    assert not tale.state.shadow
    assert tale.posts("page")[-1] == (21, "done")
    assert not tale.entries("shadowed")


def test_where_every_public_plan_is_in_shadow_words_stay_there_too() -> None:
    """``decide`` alone never breaks the shadow: there is no plan to move to."""
    tale = Tale(shadowed(ruled())).fire(0).act(3, text="Hello.", to=("page",))
    assert tale.state.shadow
    assert tale.state.updates == []
