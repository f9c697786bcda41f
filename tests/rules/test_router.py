"""Which routes take an alert, and that remembering changes nothing."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.words import Impact
from rules import match
from rules.candidates import Candidates
from rules.model import Component, ImpactByLabel, Route
from rules.router import REMEMBERED, Router
from tests.rules.files import SHOP, changed, load_text

SHOP_RULES = load_text(SHOP)
COMPONENTS = {
    "shop": Component("shop", "Shop", matchers=('service="shop"',)),
    "any": Component("any", "Any", matchers=('service=~".+"',)),
    "bare": Component("bare", "Bare"),
}
LAST = Route("last", "p", (), Impact.none, group_by=("alertname",))


def router(*routes: Route) -> Router:
    return Router((*routes, LAST), COMPONENTS, LAST)


def test_first_match_wins() -> None:
    """A route above hides those below; what no route wants goes to the last."""
    first = Route("first", "p", ("bare",), Impact.major, matchers=('a="1"',))
    second = Route("second", "p", (), Impact.minor, matchers=('a=~"1|2"',))
    found = router(first, second)
    assert [take.route.id for take in found({"a": "1"})] == ["first"]
    assert [take.route.id for take in found({"a": "2"})] == ["second"]
    assert [take.route.id for take in found({})] == ["last"]


def test_continue_lets_later_routes_see_it() -> None:
    """Every route that takes the alert has a group of its own."""
    first = Route("first", "p", (), Impact.major, matchers=('a="1"',), go_on=True, group_by=("a",))
    takes = router(first)({"a": "1", "alertname": "Down"})
    assert [(take.route.id, take.key) for take in takes] == [
        ("first", (("a", "1"),)),
        ("last", (("alertname", "Down"),)),
    ]


def test_matched_falls_through_without_a_component() -> None:
    """An alert about no component goes to the next route; one without matchers is never meant."""
    matched = Route("matched", "p", "matched", Impact.minor, group_by=("component", "region"))
    (take,) = router(matched)({"service": "shop"})
    assert (take.route.id, take.component, take.key) == (
        "matched",
        "shop",
        (("component", "shop"), ("region", "")),
    )
    (take,) = router(matched)({"alertname": "x"})
    assert (take.route.id, take.component) == ("last", "")


def test_the_component_is_the_first_that_fits() -> None:
    """Order of the file decides; an alert's own label named component does not."""
    found = router()
    assert found.component({"service": "shop"}) == "shop"
    assert found.component({"service": "mail", "component": "shop"}) == "any"


def test_a_list_of_components_is_about_those_alone() -> None:
    """An alert of another component keeps its group but says nothing about that one."""
    listed = Route("listed", "p", ("shop",), Impact.minor, group_by=("component",))
    (take,) = router(listed)({"service": "mail"})
    assert (take.component, take.key) == ("", (("component", "any"),))


def test_impact_by_label() -> None:
    """A value that is not listed, or no label, has the impact of else."""
    impact = ImpactByLabel("severity", {"page": Impact.critical}, Impact.minor)
    found = router(Route("all", "p", (), impact, matchers=('a="1"',)))
    assert found({"a": "1", "severity": "page"})[0].impact is Impact.critical
    assert found({"a": "1", "severity": "other"})[0].impact is Impact.minor
    assert found({"a": "1"})[0].impact is Impact.minor


def test_the_built_in_catch_all_takes_the_rest_alone() -> None:
    """Without a last route of its own a set opens internally; what a route took is not taken twice."""
    text = changed("  - id: all\n", "  - id: all\n    matchers: [ 'a=\"1\"' ]\n    continue: true\n")
    rules = load_text(text)
    assert [take.route.id for take in rules.router({"a": "1"})] == ["all"]
    (take,) = rules.router({"alertname": "Other"})
    assert (take.route.id, take.impact, take.key) == ("catch_all", Impact.none, (("alertname", "Other"),))
    plan = rules.plans[take.route.plan]
    assert [(step.say, step.to) for step in plan.steps] == [
        ("internal_note", ("ops",)),
        ("internal_end", ("ops",)),
    ]
    assert rules.routes[-1] is take.route


def test_matched_as_the_last_route_leaves_a_rest() -> None:
    """A last route for matched components alone is followed by the built-in one."""
    rules = load_text(changed("components: []", "components: matched"))
    assert rules.router({"service": "checkout"})[0].route.id == "all"
    assert rules.router({"service": "else"})[0].route.id == "catch_all"


LABELS = st.dictionaries(
    st.sampled_from(["service", "severity", "region", "alertname", "instance"]),
    st.sampled_from(["", "checkout", "search", "suggest", "critical", "page", "warning", "eu", "a", "é\n"]),
)


@given(st.lists(LABELS, min_size=1, max_size=20))
def test_remembering_changes_nothing(all_labels: list[dict[str, str]]) -> None:
    """Asked again and in any order the router says what it says without its memory; never nothing."""
    found = SHOP_RULES.router
    assert isinstance(found, Router)
    for labels in [*all_labels, *reversed(all_labels)]:
        takes = found(labels)
        assert takes == found.decide(labels)
        assert takes


def test_memory_is_bounded() -> None:
    """Endless values of a label that the rules mention push out the oldest answers."""
    found = router(Route("all", "p", (), Impact.minor, group_by=("instance",), matchers=('a=""',)))
    for number in range(REMEMBERED + 100):
        assert found({"instance": str(number)})[0].key == (("instance", str(number)),)
    assert len(found._takes.answers) == REMEMBERED
    assert len(found._wants.answers) == 1


def test_labels_that_no_rule_mentions_cost_no_memory() -> None:
    """Only the labels that matter tell one answer from another."""
    found = router()
    for number in range(100):
        found({"pod": str(number), "alertname": "a"})
    assert len(found._takes.answers) == 1


TEXTS = st.sampled_from(
    [
        'a="1"',
        'a="2"',
        'a=""',
        'a=~"1|2"',
        'a=~"|1"',
        'a=~"1.*"',
        'a!="1"',
        'a!~"1|2"',
        'b="1"',
        'b=~"2|3"',
        'b=~".+"',
    ]
)
ALERTS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["", "1", "2", "3", "12"]))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(TEXTS, max_size=3), max_size=8), st.lists(ALERTS, min_size=1, max_size=5))
def test_filed_routes_are_those_that_fit(routes: list[list[str]], alerts: list[dict[str, str]]) -> None:
    """No route that fits is left out, and all come in their order, whatever they are filed under."""
    matchers = [match.parse_all(texts) for texts in routes]
    candidates = Candidates(matchers)
    for labels in alerts:
        found = candidates.of(labels)
        assert found == sorted(set(found))
        fitting = [n for n, each in enumerate(matchers) if all(one.fits(labels) for one in each)]
        assert set(fitting) <= set(found)
