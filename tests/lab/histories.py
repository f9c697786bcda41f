"""Random rule packs as files, and random histories to play under them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from hypothesis import strategies as st

from daemon.core.clock import MINUTE, SECOND, Span
from rules import durations
from rules.model import Raise, RuleSet, Step
from tests.rules.world import rule_sets

HEAD = """
channels:
  page: { kind: status_page }
  mail: { kind: email }
  x: { kind: x }
  ops: { kind: slack, audience: internal }
components:
  - { id: checkout, name: Checkout, matchers: [ 'service="checkout"' ], customers_cannot: "pay" }
  - { id: search, name: Search, matchers: [ 'service="search"' ], customers_cannot: "find products" }
people:
  comms: { channel: ops, mention: "@comms" }
windows:
  hours: [ { times: [ { start_time: "11:00", end_time: "18:00" } ] } ]
texts:
  news: "{{ status }} {{ impact }} {{ time }} {{ next_update }}"
  same: "always the same words"
  bad: "{{ components | join(', ') }} at {{ age }}"
"""
NEVER = 'label("nobody") == "has"'  # in the place of a condition that raises


def as_file(rules: RuleSet) -> str:
    """A generated rule set as the text of a rule file."""
    (route,) = rules.routes
    lines = [HEAD, "routes:"]
    shown = durations.show
    lines.append(
        f"  - {{ id: route, for: {shown(route.hold_for)}, keep_firing_for: {shown(route.keep_firing_for)},"
        f" monitor_for: {shown(route.monitor_for)}, reopen_within: {shown(route.reopen_within)},"
        f" raise: [ {', '.join(map(_raise, route.raises))} ],"
        " open: { components: matched, impact: { label: severity, values: { major: major }, else: minor },"
        " plan: public } }"
    )
    lines.append("plans:")
    for plan in rules.plans.values():
        lines.append(f"  {plan.id}:\n    to: [ {', '.join(plan.to)} ]")
        if plan.ask:
            lines.append(f"    ask: {plan.ask}")
        lines.append("    steps:" if plan.steps else "    steps: []")
        lines += [f"      - {msgspec.json.encode(_step(step)).decode()}" for step in plan.steps]
    return "\n".join(lines) + "\n"


def _raise(line: Raise) -> str:
    parts = [f"if: '{_source(line.condition.source)}'"]
    if line.impact is not None:
        parts.append(f"impact: {line.impact.name}")
    if line.plan:
        parts.append(f"plan: {line.plan}")
    if len(parts) == 1:
        parts.append("impact: critical")
    return f"{{ {', '.join(parts)} }}"


def _source(source: str) -> str:
    return NEVER if "1 / 0" in source else source


def _step(step: Step) -> dict[str, Any]:
    made: dict[str, Any] = {"id": step.id}
    if step.when == "on":
        made["on"] = list(step.on)
    if step.when == "after" or step.after:
        made["after"] = durations.show(step.after)
    if step.when == "every":
        made["every"] = durations.show(step.every)
    if step.say:
        made |= {"say": step.say, "to": list(step.to)}
    if step.ask:
        made["ask"] = step.ask
    if step.set_impact is not None:
        made["set"] = {"impact": step.set_impact.name}
    if step.condition is not None:
        made["if"] = _source(step.condition.source)
    if step.promise is not None:
        made["promise"] = durations.show(step.promise)
    if step.limit is not None and step.when != "after":
        made["limit"] = step.limit
    if step.approve is not None:
        within = durations.show(step.approve.within)
        otherwise = step.approve.otherwise
        veto = step.approve.need == "veto"
        made["approve"] = (
            f"veto {within}"
            if veto
            else {"need": step.approve.need, "within": within, "otherwise": otherwise}
        )
    return made


@dataclass(frozen=True)
class Happening:
    """Something from outside at an instant that is its own."""

    at: Span
    kind: str
    what: Any = None


ACTS: list[dict[str, Any]] = [
    {"ack": True},
    {"update": "words of ana"},
    {"update": "words of ana, promising", "promise": "45m"},
    {"update": "we found it", "status": "identified"},
    {"status": "monitoring"},
    {"resolve": True, "update": "it is over"},
    {"resolve": True},
    {"impact": "critical"},
    {"impact": "none"},
    {"components": {"add": ["search"]}},
    {"components": {"remove": ["checkout"]}},
    {"update": "on the page and on x", "to": ["page", "x"]},
    {"plan": "internal"},
    {"take_over": True},
    {"hand_back": True},
    {"retract": True},
    {"vote": "approve"},
    {"vote": "veto"},
]
ALERTS = {
    "a": {"alertname": "Down", "service": "checkout", "severity": "minor"},
    "b": {"alertname": "Down", "service": "search", "severity": "major"},
    "c": {"alertname": "Slow", "service": "checkout", "severity": "major"},
    "d": {"alertname": "Disk", "service": "backup", "severity": "info"},
}
MOODS = ["down", "down", "up", "up", "unknown", "rejected"]

packs = rule_sets(sane=True).map(as_file)


def _what(draw: st.DrawFn, kind: str) -> Any:
    match kind:
        case "fire" | "clear":
            return draw(st.sampled_from(sorted(ALERTS)))
        case "act":
            return draw(st.sampled_from(ACTS)), draw(st.sampled_from(["ana", "bo"]))
        case "mood":
            return draw(st.sampled_from(["mail", "x", "ops"])), draw(st.sampled_from(MOODS))
        case "pause":
            return draw(st.sampled_from([5, 40])) * MINUTE
        case _:
            return None


@st.composite
def histories(draw: st.DrawFn, *, span: Span) -> list[Happening]:
    """An alert at once, and up to a dozen things after it, each at an instant of its own."""
    kinds = st.sampled_from(
        ["fire", "clear", "clear", "act", "act", "act", "mood", "mood", "away", "reload", "pause"]
    )
    minutes = st.integers(1, span // MINUTE - 1).map(lambda one: one * MINUTE)
    seconds = st.integers(1, span // SECOND - 60).map(lambda one: one * SECOND)
    instants = draw(st.lists(minutes | seconds, min_size=2, max_size=12, unique=True))
    story = [Happening(0, "fire", draw(st.sampled_from(["a", "b", "c"])))]
    for at in sorted(instants):
        kind = draw(kinds)
        story.append(Happening(at, kind, _what(draw, kind)))
    return story
