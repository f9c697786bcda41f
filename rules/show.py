"""Rule sets and facts as people read them: ``rules show --expanded``, ``rules vars``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rules import durations, text_facts
from rules.facts import IF_FACTS, LABEL_FUNCTION
from rules.model import Approve, Flapping, ImpactByLabel, Plan, Route, RuleSet, Step
from rules.windows import Interval, IntervalWindow

_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


@dataclass(frozen=True, slots=True)
class FactRow:
    """One line of ``tocsin rules vars``."""

    name: str
    type: str
    example: str
    visible: str  # if, texts, if and texts, internal texts
    meaning: str


def fact_table(rules: RuleSet | None = None) -> list[FactRow]:
    """All facts, sorted by name; with a rule set its windows too."""
    rows = {}
    for name, fact in text_facts.FACTS.items():
        visible = "internal texts" if fact.internal else "texts"
        rows[name] = FactRow(name, fact.type, fact.example, visible, fact.meaning)
    for name, seen in (*IF_FACTS.items(), ("label", LABEL_FUNCTION)):
        visible = "if and texts" if name in rows else "if"
        rows[name] = FactRow(name, _say(seen.type), seen.example, visible, seen.meaning)
    for name in rules.windows if rules is not None else ():
        rows[name] = FactRow(name, "true/false", name, "if and texts", "the window is open")
    return [rows[name] for name in sorted(rows)]


def expanded(rules: RuleSet) -> dict[str, Any]:
    """The set with every default filled in, as plain data in the words of the language."""
    return {
        "channels": {
            one.id: {
                "kind": one.kind, "audience": one.audience.value,
                "optional": one.optional, "configured": one.configured,
            }
            for one in rules.channels.values()
        },
        "components": [
            {
                "id": one.id, "name": one.name, "group": one.group, "matchers": list(one.matchers),
                "customers_cannot": one.customers_cannot, "description": one.description,
                "depends_on": list(one.depends_on),
            }
            for one in rules.components.values()
        ],
        "routes": [_route(one) for one in rules.routes],
        "plans": {one.id: _plan(one) for one in rules.plans.values()},
        "windows": {
            key: [_interval(one) for one in window.intervals]
            for key, window in rules.windows.items()
            if isinstance(window, IntervalWindow)
        },
        "people": {one.id: {"channel": one.channel, "mention": one.mention} for one in rules.people.values()},
        "limits": {
            "take_over": durations.show(rules.limits.take_over),
            **_flapping(rules.limits.flapping),
            "posts_per_hour": dict(rules.limits.posts_per_hour),
        },
    }  # fmt: skip


def _route(route: Route) -> dict[str, Any]:
    impact: Any = route.impact
    if isinstance(impact, ImpactByLabel):
        values = {value: found.name for value, found in impact.values.items()}
        impact = {"label": impact.label, "values": values, "else": impact.otherwise.name}
    else:
        impact = impact.name
    components = route.components if route.components == "matched" else list(route.components)
    spans = {
        "for": route.hold_for,
        "keep_firing_for": route.keep_firing_for,
        "monitor_for": route.monitor_for,
        "reopen_within": route.reopen_within,
        "stale_after": route.stale_after,
    }
    return {
        "id": route.id,
        "matchers": list(route.matchers),
        "continue": route.go_on,
        "group_by": list(route.group_by),
        **{key: durations.show(span) for key, span in spans.items()},
        "open": {"components": components, "impact": impact, "plan": route.plan},
        "raise": [
            {"if": line.condition.source} | _changes(line.impact.name if line.impact else "", line.plan)
            for line in route.raises
        ],
        "was": list(route.was),
    }


def _flapping(one: Flapping | None) -> dict[str, Any]:
    if one is None:
        return {}
    return {"flapping": {"opened": one.opened, "within": durations.show(one.within), "plan": one.plan}}


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "to": list(plan.to),
        "ask": plan.ask,
        "shadow": plan.shadow,
        "steps": [_step(step) for step in plan.steps],
    }


def _step(step: Step) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": step.id}
    if step.when == "on":
        shown["on"] = list(step.on)
    if step.when == "after" or step.after:
        shown["after"] = durations.show(step.after)
    if step.when == "every":
        shown["every"] = durations.show(step.every)
    if step.say:
        shown |= {"say": step.say, "to": list(step.to), "approve": _approve(step.approve)}
        shown |= {"promise": durations.show(step.promise)} if step.promise is not None else {}
    elif step.ask:
        shown["ask"] = step.ask
    else:
        shown["set"] = _changes(step.set_impact.name if step.set_impact is not None else "", step.set_plan)
    shown["if"] = step.condition.source if step.condition is not None else True
    extras = {"limit": step.limit, "then": step.then or None, "was": list(step.was) or None}
    return shown | {key: value for key, value in extras.items() if value is not None}


def _approve(approve: Approve | None) -> Any:
    if approve is None:
        return "none"
    if approve.need == "veto":
        return f"veto {durations.show(approve.within)}"
    return {"need": approve.need, "within": durations.show(approve.within), "otherwise": approve.otherwise}


def _changes(impact: str, plan: str) -> dict[str, str]:
    return {key: value for key, value in (("impact", impact), ("plan", plan)) if value}


def _interval(one: Interval) -> dict[str, Any]:
    shown: dict[str, Any] = {"location": one.zone.key}
    if one.times is not None:
        shown["times"] = [{"start_time": _clock(start), "end_time": _clock(end)} for start, end in one.times]
    if one.weekdays is not None:
        shown["weekdays"] = [f"{_DAYS[start]}:{_DAYS[end]}" for start, end in one.weekdays]
    for key in ("days_of_month", "months", "years"):
        ranges = getattr(one, key)
        if ranges is not None:
            shown[key] = [f"{start}:{end}" for start, end in ranges]
    return shown


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _say(kind: str) -> str:
    words = {"bool": "true/false", "int": "number", "impact": "word", "status": "word"}
    if kind.startswith("list:"):
        return f"list of {kind[5:]} ids"
    return words.get(kind, kind)
