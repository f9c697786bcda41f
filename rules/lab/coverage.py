"""Which routes and steps a history reached, and which alerts only the catch-all took.

Fed one group at a time, so that a long history needs no memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from daemon.core import journal as j
from rules.build_routes import takes_all
from rules.model import Plan, RuleSet, Step

MOST_NAMED = 50  # alerts of the catch-all that are listed, the most frequent first
MOST_KEPT = 10_000  # names that are counted


@dataclass(frozen=True, slots=True)
class RouteUse:
    """How many incidents a route had, and how many alerts it would take today."""

    route: str
    incidents: int
    alerts: int


@dataclass(frozen=True, slots=True)
class StepUse:
    """How often a step said, asked or set something, and how often it was skipped and why most often."""

    plan: str
    step: str
    acted: int
    skipped: int
    reason: str = ""


@dataclass(slots=True)
class Coverage:
    """The use of one rule set by a history."""

    rules: RuleSet
    incidents: Counter[str] = field(default_factory=Counter)
    alerts: Counter[str] = field(default_factory=Counter)
    acted: Counter[tuple[str, str]] = field(default_factory=Counter)
    skipped: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    caught: Counter[str] = field(default_factory=Counter)

    def incident(self, route: str, journal: Iterable[j.Recorded]) -> None:
        """One incident with its journal."""
        self.incidents[self._known(route)] += 1
        for recorded in journal:
            entry = recorded.entry
            if isinstance(entry, j.Said | j.Asked | j.StepSet) and entry.step:
                self.acted[entry.plan, entry.step] += 1
            elif isinstance(entry, j.Skipped):
                self.skipped.setdefault((entry.plan, entry.step), Counter())[entry.reason] += 1

    def alert(self, labels: Mapping[str, str]) -> None:
        """One alert, as today's routes would take it."""
        takes = self.rules.router(labels)
        self.alerts.update(taken.route.id for taken in takes)
        if all(takes_all(taken.route) for taken in takes):
            name = labels.get("alertname") or "without alertname"
            if name in self.caught or len(self.caught) < MOST_KEPT:
                self.caught[name] += 1

    def routes(self) -> list[RouteUse]:
        """All routes, in their order."""
        return [
            RouteUse(route.id, self.incidents[route.id], self.alerts[route.id]) for route in self.rules.routes
        ]

    def steps(self) -> list[StepUse]:
        """All steps of all plans, in their order."""
        return [self._use(plan, step) for plan in self.rules.plans.values() for step in plan.steps]

    def catch_all(self) -> list[tuple[str, int]]:
        """Names of alerts that no route with matchers wants, the most frequent first."""
        return self.caught.most_common(MOST_NAMED)

    def _use(self, plan: Plan, step: Step) -> StepUse:
        keys = [(plan.id, name) for name in (step.id, *step.was)]
        reasons: Counter[str] = Counter()
        for key in keys:
            reasons.update(self.skipped.get(key, {}))
        most = reasons.most_common(1)
        acted = sum(self.acted[key] for key in keys)
        return StepUse(plan.id, step.id, acted, reasons.total(), most[0][0] if most else "")

    def _known(self, route: str) -> str:
        """The route's id today; it may have had another one."""
        found = self.rules.route(route)
        return found.id if found is not None else route


def unreached(coverage: Coverage) -> Iterator[str]:
    """Routes and steps that the history never reached, as sentences."""
    for route in coverage.routes():
        if not route.alerts and not route.incidents:
            yield f"no alert came to the route {route.route}"
    for step in coverage.steps():
        if not step.acted:
            why = f": skipped {step.skipped}×, mostly: {step.reason}" if step.skipped else ""
            yield f"the step {step.plan}/{step.step} never acted{why}"
