"""Routes in their order, and the built-in catch-all where the files have none."""

from __future__ import annotations

from daemon.core.words import Impact
from rules import schema
from rules.build import refer
from rules.build_plans import condition
from rules.declared import Declared, Gathered
from rules.expression import Vocabulary
from rules.model import ImpactByLabel, Raise, Route
from rules.names import CATCH_ALL

ORDER = "R018"


def routes(gathered: Gathered, vocabulary: Vocabulary) -> tuple[Route, ...]:
    _only_last(gathered)
    return tuple(_route(gathered, one, vocabulary) for one in gathered.routes)


def built_in() -> Route:
    """Takes what no route wants: nothing is dropped."""
    return Route(CATCH_ALL, CATCH_ALL, (), Impact.none, group_by=("alertname",))


def takes_all(route: Route) -> bool:
    """Whether no alert gets past it."""
    return not route.matchers and route.components != "matched"


def _only_last(gathered: Gathered) -> None:
    """A route without matchers would hide all that follow."""
    for one in gathered.routes[:-1]:
        if not one.block.matchers:
            message = f"the route {one.id} has no matchers, so those after it see nothing"
            gathered.add(one.at(), message, "put it last, or add matchers", code=ORDER, subject=one.id)


def _route(gathered: Gathered, one: Declared[schema.RouteBlock], vocabulary: Vocabulary) -> Route:
    block = one.block
    plans = gathered.known("plans")
    refer(gathered, one.at("open", "plan"), block.open.plan, plans, "plan")
    if block.open.components != "matched":
        for number, name in enumerate(block.open.components):
            refer(
                gathered,
                one.at("open", "components", number),
                name,
                gathered.known("components"),
                "component",
            )
    raises = []
    for number, line in enumerate(block.raises):
        made = condition(gathered, one.at("raise", number, "if"), line.condition, vocabulary)
        if line.plan is not None:
            refer(gathered, one.at("raise", number, "plan"), line.plan, plans, "plan")
        if made is not None:
            raises.append(Raise(made, line.impact, line.plan or ""))
    return Route(
        id=one.id,
        plan=block.open.plan,
        components="matched" if block.open.components == "matched" else tuple(block.open.components),
        impact=_impact(block.open.impact),
        matchers=tuple(block.matchers),
        go_on=block.go_on,
        group_by=tuple(block.group_by),
        hold_for=block.hold_for,
        keep_firing_for=block.keep_firing_for,
        monitor_for=block.monitor_for,
        reopen_within=block.reopen_within,
        stale_after=block.stale_after,
        raises=tuple(raises),
        was=tuple(block.was),
    )


def _impact(written: Impact | schema.ImpactMap) -> Impact | ImpactByLabel:
    if isinstance(written, schema.ImpactMap):
        return ImpactByLabel(written.label, dict(written.values), written.otherwise)
    return written
