"""`rules explain`: facts, parts, approvals and what would have changed it, out of journals of decide."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core import journal as j
from daemon.core.clock import MINUTE
from daemon.core.words import Impact, Status
from rules import possible
from rules.expression import CelCondition, Vocabulary, compile_condition
from rules.expression_syntax import parse
from rules.lab.explain import Moment, explain
from rules.lab.parts import changes, parts, written
from tests.rules.tale import CLEAR, DONE, FIRST, HOLDING, NAG, SOCIAL, Tale, ruled
from tests.rules.world import START, happenings, rule_sets
from tests.rules.world import World as RandomWorld

ENDS = (j.Said, j.Asked, j.StepSet, j.Skipped)
WIDE = """{ id: wide, after: 20m, say: short, to: [ x ],
  if: 'impact == critical || impact == major && hours && label("region") == "eu"' }"""


def told(tale: Tale, step: str, minute: float) -> list[Moment]:
    tale.forward(minute)
    return explain(tale.state.id, tale.journal, tale.rules, START + round(minute * MINUTE), step)


def test_a_step_that_spoke() -> None:
    """Where it spoke, under which facts, and what would have kept it quiet."""
    step = '{ id: social, after: 2h, say: short, to: [ x ], if: "impact >= major && !acked" }'
    tale = Tale(ruled(FIRST, HOLDING, step, DONE)).fire(0)
    (one,) = told(tale, "social", 130)
    assert (one.outcome, one.to, one.at) == ("said", ("x",), START + 121 * MINUTE)
    assert (one.condition, one.holds) == ("impact >= major && !acked", True)
    assert dict(one.facts) == {
        "impact": "major",
        "status": "investigating",
        "alerts_firing": "1",
        "acked": "false",
    }
    assert [(part.text, part.value, part.depth) for part in one.parts] == [
        ("impact >= major && !acked", True, 0), ("impact >= major", True, 1), ("!acked", True, 1),
        ("acked", False, 2),
    ]  # fmt: skip
    assert one.changed_by == ("acked == true", "impact == minor")


def test_a_veto() -> None:
    """Who objected when, and that without it the text would have gone out."""
    tale = Tale(ruled(FIRST, HOLDING, SOCIAL, DONE)).fire(0).vote(122, "veto", "ana", "social")
    (one,) = told(tale, "social", 130)
    assert (one.outcome, one.reason, one.changed_by) == ("skipped", "vetoed by ana", ("no veto",))
    assert one.approval is not None
    assert (one.approval.need, one.approval.since) == ("veto", START + 121 * MINUTE)
    assert one.approval.votes == ((START + 122 * MINUTE, "ana", "veto"),)


def test_a_wait_that_goes_on() -> None:
    """It waits, and who could still change that."""
    tale = Tale(ruled(FIRST, HOLDING, SOCIAL, DONE)).fire(0)
    (one,) = told(tale, "social", 123)
    assert (one.outcome, one.to) == ("waiting", ("x",))
    assert one.changed_by == ("impact == minor",)


def test_a_condition_that_does_not_hold_yet() -> None:
    """Each part with its value; the fewest facts that would turn it, two together where one is not enough."""
    tale = Tale(ruled(FIRST, WIDE, HOLDING, DONE)).fire(0, region="eu")
    (one,) = told(tale, "wide", 30)
    assert (one.outcome, one.reason, one.holds) == ("not yet", "its condition does not hold", False)
    values = {part.text: part.value for part in one.parts}
    assert (values["impact == critical"], values["impact == major"], values["hours"]) == (False, True, False)
    assert one.changed_by == ("hours == true", "impact == critical")
    assert dict(one.facts)["labels"] == "{alertname=a, region=eu, service=checkout, severity=page}"


def test_a_step_that_never_came() -> None:
    """The incident was over before it was due: how far it had come."""
    tale = Tale(ruled(FIRST, HOLDING, CLEAR, SOCIAL, DONE)).fire(0).clear(40)
    (one,) = told(tale, "social", 300)
    assert (one.outcome, one.reason) == ("never", "open for 54m of 2h")
    assert one.changed_by == ("being open for 2h",)


def test_rounds_and_questions_in_their_order() -> None:
    """Each round is an occasion; the next one is named with its instant."""
    tale = Tale(ruled(FIRST, NAG, HOLDING, DONE)).fire(0)
    found = told(tale, "nag", 70)
    assert [(one.outcome, one.at - START) for one in found] == [
        ("asked", 26 * MINUTE), ("asked", 56 * MINUTE), ("not yet", 70 * MINUTE),
    ]  # fmt: skip
    assert found[-1].expected == START + 86 * MINUTE


def test_what_is_expected_is_what_comes() -> None:
    """The future is read off decide: each step acts at the instant that was named, if nothing comes in."""
    tale = Tale(ruled()).fire(0)
    tale.forward(10)
    named = {
        one.step: one.expected
        for one in explain(7, tale.journal, tale.rules, START + 10 * MINUTE)
        if one.expected
    }
    assert set(named) == {"nag", "holding", "social"}
    tale.forward(240)
    for step, instant in named.items():
        acted = [
            one.at for one in tale.journal
            if getattr(one.entry, "step", "") == step and one.at > START + 10 * MINUTE
        ]  # fmt: skip
        assert acted[0] == instant


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        ({"text": "We know."}, "someone posted"),
        ({"status": Status.resolved, "text": "Over."}, "someone posted"),
    ],
)
def test_people_come_first(act: dict[str, Any], reason: str) -> None:
    """A waiting text that a person made needless says so."""
    tale = Tale(ruled(FIRST, HOLDING, SOCIAL, DONE)).fire(0).act(123, **act)
    found = told(tale, "social", 126)
    assert (found[0].outcome, found[0].reason) == ("skipped", reason)
    assert found[0].changed_by == ("no update by a person meanwhile",)


NAMES = Vocabulary(frozenset({"page", "x"}), frozenset({"checkout"}), frozenset({"hours"}))
LEAVES = st.sampled_from(
    ["acked", "hours", "impact >= major", "status < monitoring", "alerts_firing > 3", "unattended == 2",
     "x in told", 'label("a") == "b"', 'label("a").startsWith("b")', "alerts_firing + 1 > 4 * 2", "true"]
)  # fmt: skip
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("!({})".format, inner),
        st.builds("({}) == ({})".format, inner, inner),
        st.builds("({}) ? ({}) : ({})".format, inner, inner, inner),
    ),
    max_leaves=6,
)
FACTS = st.fixed_dictionaries({
    "impact": st.sampled_from(Impact), "status": st.sampled_from(Status), "acked": st.booleans(),
    "hours": st.booleans(), "alerts_firing": st.integers(0, 9), "unattended": st.integers(0, 4),
    "told": st.sampled_from([(), ("x",), ("page", "x")]),
    "labels": st.sampled_from([{}, {"a": "b"}, {"a": "bc"}]),
})  # fmt: skip


def compiled(source: str) -> CelCondition:
    return compile_condition(source, NAMES)


@settings(max_examples=60, deadline=None)
@given(EXPRESSIONS, FACTS)
def test_an_expression_written_again_means_the_same(source: str, facts: dict[str, Any]) -> None:
    """What is shown of a part is CEL with the part's own meaning."""
    again = written(parse(source))
    assert compiled(again).holds(facts) is compiled(source).holds(facts)
    assert written(parse(again)) == again


@settings(max_examples=60, deadline=None)
@given(EXPRESSIONS, FACTS)
def test_named_changes_change_the_answer(source: str, facts: dict[str, Any]) -> None:
    """Each line, applied to the facts, gives the other answer."""
    condition = compiled(source)
    words: dict[str, Any] = {**Impact.__members__, **Status.__members__, "true": True, "false": False}
    for line in changes(condition, facts):
        turned = {**facts, "labels": dict(facts["labels"])}
        for change in line.split(" and "):
            name, _, value = change.partition(" == ")
            if name.startswith("label"):
                turned["labels"][name[7:-2]] = value.strip('"')
            elif value.startswith("["):
                turned[name] = tuple(one for one in value[1:-1].split(", ") if one)
            else:
                turned[name] = words[value] if value in words else int(value)
        assert condition.holds(turned) is not condition.holds(facts)


@settings(max_examples=25, deadline=None)
@given(rule_sets(), happenings())
def test_every_occasion_is_explained_as_it_ended(rules: Any, story: Any) -> None:
    """Random rules and histories: an outcome for each occasion, the journal's own, and no fault."""
    world = RandomWorld(rules).play(story, 240 * MINUTE)
    ended = [one.entry for one in world.journal if isinstance(one.entry, ENDS)]
    ends = {one.occasion: one.kind for one in ended if one.step not in ("", "person") and one.occasion}
    found = explain(7, world.journal, rules, START + 240 * MINUTE)
    assert {one.occasion: one.outcome for one in found if one.occasion in ends} == ends
    assert all(one.reason for one in found if one.outcome in ("skipped", "not yet", "never", "withdrawn"))


@settings(max_examples=80, deadline=None)
@given(EXPRESSIONS, FACTS)
def test_what_check_claims_holds_for_any_facts(source: str, facts: dict[str, Any]) -> None:
    """An answer that is said to be impossible never comes; nothing is claimed of arithmetic."""
    condition = compiled(source)
    assert condition.holds(facts) in possible.answers(condition)
    assert condition.holds(facts) in possible.answers(condition, frozenset({facts["status"]}))
    if "*" in source or "startsWith" in source:
        assert possible.answers(condition) == {True, False}


def test_parts_of_a_failing_expression() -> None:
    """A division by zero has no value, and the rest still has."""
    condition = compiled("acked || 6 / alerts_firing > 1")
    rules = ruled()
    shown = parts(condition, rules, {"acked": False, "alerts_firing": 0})
    assert [part.value for part in shown] == [None, False, None]
