"""The rule files that we ship: they load, they route a stranger's alerts, and what they say reads well."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import rules
from channels.room import rooms
from daemon.core.clock import HOUR, MINUTE
from daemon.core.words import Audience, Impact, Status
from rules.check import check
from rules.check_tests import beside
from rules.check_texts import Room
from rules.load import ConfiguredChannel, load
from rules.model import RuleSet, Site

PACKS = Path(rules.__file__).parent / "packs"
NAMES = sorted(file.stem for file in PACKS.glob("*.yaml") if not file.name.endswith(".test.yaml"))
SITE = Site("Example", "https://status.example.com", "UTC")
START = 1_799_056_800_000  # 2027-01-04T10:00:00Z


def pack(name: str) -> RuleSet:
    return load([PACKS / f"{name}.yaml"], site=SITE, configured=None)


@pytest.fixture(scope="module", params=NAMES)
def shipped(request: pytest.FixtureRequest) -> RuleSet:
    """Each of our packs, loaded."""
    return pack(request.param)


@pytest.mark.parametrize("name", NAMES)
def test_check_finds_nothing(name: str) -> None:
    """A reader who runs `tocsin rules check` on what we ship sees no finding, lengths and tests included."""
    file = PACKS / f"{name}.yaml"
    rooms_by_kind = {kind: Room(*room) for kind, room in rooms().items()}
    found = check([file], site=SITE, rooms=rooms_by_kind, tests=beside([file]))
    assert [str(problem) for problem in found] == []


@pytest.mark.parametrize("name", NAMES)
def test_each_pack_has_its_page(name: str) -> None:
    """docs/packs names every route and plan of it, and the overview names the pack."""
    docs = PACKS.parents[1] / "docs" / "packs"
    page = (docs / f"{name}.md").read_text("utf-8")
    ruleset = pack(name)
    assert f"({name}.md)" in (docs / "README.md").read_text("utf-8")
    for word in (f"rules/packs/{name}.yaml", *(route.id for route in ruleset.routes), *ruleset.plans):
        assert word in page, word


def test_every_step_has_words(shipped: RuleSet) -> None:
    """Each text that a plan says renders on each channel it is for, in each status, clean and short."""
    for plan in shipped.plans.values():
        for step in (one for one in plan.steps if one.say):
            channels = [one for one in shipped.channels.values() if one.id in step.to or "told" in step.to]
            assert channels, step.id
            for channel in channels:
                for status in Status:
                    for components in ((), tuple(shipped.components)):
                        facts = {
                            "impact": Impact.major, "status": status, "components": components,
                            "labels": {"alertname": "Secret"}, "title": "Checkout: partial outage",
                            "now": START + 45 * MINUTE, "started_at": START, "opened_at": START,
                            "next_update_at": START + HOUR, "last_update_at": START, "public_id": "abc",
                            "alerts_firing": 2, "alerts_total": 2, "step": step.id,
                        }  # fmt: skip
                        text = shipped.texts.render(step.say, channel, facts)
                        assert not re.search(r"  | [.,]|\{\{|None", text), text
                        if channel.audience is Audience.public:
                            assert "Secret" not in text
                            assert len(re.findall(r"[.!?:](?= [A-Z]|$)", text)) <= 4, text
                            assert channel.kind not in {"x", "sms"} or len(text) <= 280


@pytest.mark.parametrize(
    ("labels", "route", "plan", "component", "impact"),
    [
        ({"alertname": "A", "severity": "critical"}, "serious", "public", "", Impact.major),
        ({"alertname": "A", "severity": "page", "service": "other"}, "serious", "public", "", Impact.major),
        ({"alertname": "A", "severity": "critical", "service": "checkout"},
         "services", "public", "checkout", Impact.major),
        ({"severity": "warning", "service": "checkout"}, "rest", "internal", "", Impact.none),
        ({"alertname": "Watchdog", "severity": "none"}, "heartbeat", "quiet", "", Impact.none),
        ({}, "rest", "internal", "", Impact.none),
    ],
)  # fmt: skip
def test_starter_takes_any_alert(
    labels: dict[str, str], route: str, plan: str, component: str, impact: Impact
) -> None:
    """A stranger's alerts go where the comments of the starter pack say, unedited."""
    (taken,) = pack("starter").router(labels)
    assert (taken.route.id, taken.route.plan, taken.component, taken.impact) == (
        route, plan, component, impact,
    )  # fmt: skip


def test_starter_groups_serious_alerts_into_one_incident() -> None:
    """Thirty critical alerts about no known component are one incident, not thirty."""
    starter = pack("starter")
    keys = {starter.router({"alertname": f"A{n}", "severity": "critical"})[0].key for n in range(30)}
    assert len(keys) == 1


def test_starter_keeps_the_promised_timeline() -> None:
    """First update at once, a nag at 25 minutes, a holding update at 30, X after two hours with a veto."""
    steps = {step.id: step for step in pack("starter").plans["public"].steps}
    assert (steps["first"].when, steps["first"].after, steps["first"].promise) == ("after", 0, 30 * MINUTE)
    assert (steps["nag"].every, steps["nag"].ask) == (25 * MINUTE, "oncall")
    assert (steps["holding"].every, steps["holding"].promise) == (30 * MINUTE, 30 * MINUTE)
    social = steps["social"]
    assert (social.after, social.to) == (2 * HOUR, ("x",))
    assert social.approve is not None
    assert (social.approve.need, social.approve.within) == ("veto", 5 * MINUTE)
    assert social.condition is not None
    holds = [social.condition.holds({"impact": impact}) for impact in Impact]
    assert holds == [False, False, True, True]
    assert [steps[name].on for name in ("clear", "relapse", "done", "sorry")] == [
        ("monitoring",), ("refired", "reopened"), ("resolved",), ("retracted",),
    ]  # fmt: skip


def test_starter_needs_a_page_alone() -> None:
    """With nothing but the built-in page configured the starter pack still loads and speaks there."""
    page = {"page": ConfiguredChannel("status_page")}
    alone = load([PACKS / "starter.yaml"], site=SITE, configured=page)
    assert [channel.id for channel in alone.channels.values() if channel.configured] == ["page"]
    assert any("ops" in notice for notice in alone.notices)


def test_shop_speaks_two_languages_by_channel() -> None:
    """The example's short text differs by channel and its components join to a sentence."""
    shop = pack("shop")
    facts = {"components": ("checkout", "search"), "now": START, "public_id": "abc"}
    x = shop.texts.render("short", shop.channels["x"], facts)
    sms = shop.texts.render("short", shop.channels["sms"], facts)
    assert x == (
        "Customers cannot pay for their orders or find products."
        " Updates: https://status.example.com/incidents/abc"
    )
    assert sms == "Checkout and Search: outage. https://status.example.com/incidents/abc"
