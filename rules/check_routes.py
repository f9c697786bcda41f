"""Findings about routes: those that no alert can reach, and two that speak about one alert."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from daemon.core.words import Impact
from rules import match, possible
from rules.check_plans import speaks_in_public
from rules.check_steps import OPEN
from rules.declared import Declared, Gathered
from rules.errors import Problem, Severity
from rules.expression import CelCondition
from rules.match import Matcher
from rules.model import Route, RuleSet
from rules.schema import RouteBlock

SHADOWED, IMPOSSIBLE, TWO_VOICES, NO_COMPONENTS = "R050", "R051", "R052", "R053"
NEVER, ALWAYS, NO_RISE = "R042", "R045", "R062"

Matchers = tuple[Matcher, ...]


def findings(gathered: Gathered, rules: RuleSet) -> Iterator[Problem]:
    declared = gathered.routes
    routes = rules.routes[: len(declared)]
    matchers = [match.parse_all(route.matchers) for route in routes]
    for number, (one, route) in enumerate(zip(declared, routes, strict=True)):
        if _impossible(matchers[number]):
            message = f"no alert can fit all matchers of {route.id}"
            yield _about(one, "matchers", message, "loosen one of them", IMPOSSIBLE, "error")
            continue
        if route.components == "matched" and not any(part.matchers for part in rules.components.values()):
            message = f"{route.id} opens for matched components, and no component has matchers"
            yield _about(one, "open", message, "add matchers to the components", NO_COMPONENTS, "error")
        yield from _shadow(one, number, routes, matchers)
        yield from _two_voices(one, number, routes, matchers, rules)
        yield from _raises(one, route)


def _raises(one: Declared[RouteBlock], route: Route) -> Iterator[Problem]:
    """Lines of ``raise`` that never act, or always."""
    for number, line in enumerate(route.raises):
        if not isinstance(line.condition, CelCondition):
            continue
        source, answers = line.condition.source, possible.answers(line.condition, OPEN)
        if answers == {False}:
            message = f"can never act: {source} is never true"
            yield _about(one, ("raise", number, "if"), message, "correct the if", NEVER, "error")
        elif answers == {True}:
            message, remedy = "has an if that is always true", "write it in `open`"
            yield _about(one, ("raise", number, "if"), message, remedy, ALWAYS)
        if line.impact is not None and line.impact <= _least(route) and not line.plan:
            message = f"raises to {line.impact.name}, which {route.id} opens with in any case"
            yield _about(one, ("raise", number, "impact"), message, "raise higher, or remove it", NO_RISE)


def _least(route: Route) -> Impact:
    """The lowest impact that the route opens with."""
    if isinstance(route.impact, Impact):
        return route.impact
    return min((*route.impact.values.values(), route.impact.otherwise))


def _shadow(
    one: Declared[RouteBlock], number: int, routes: Sequence[Route], matchers: Sequence[Matchers]
) -> Iterator[Problem]:
    for earlier in range(number):
        first = routes[earlier]
        falls_through = first.components == "matched" and routes[number].components != "matched"
        if first.go_on or falls_through:
            continue
        if all(_implied(matcher, matchers[number]) for matcher in matchers[earlier]):
            message = f"the route {first.id} above takes every alert that fits {routes[number].id}"
            remedy = f"put {routes[number].id} above {first.id}, or add `continue: true` there"
            yield _about(one, "id", message, remedy, SHADOWED, "error")
            return


def _two_voices(
    one: Declared[RouteBlock],
    number: int,
    routes: Sequence[Route],
    matchers: Sequence[Matchers],
    rules: RuleSet,
) -> Iterator[Problem]:
    """An earlier route with ``continue`` and this one, both public, for one alert."""
    if not _public(routes[number], rules):
        return
    for earlier in range(number):
        first = routes[earlier]
        overlap = not _impossible((*matchers[earlier], *matchers[number]))
        if first.go_on and _public(first, rules) and overlap:
            message = (
                f"{first.id} (continue) and {routes[number].id} may both speak in public about one alert"
            )
            yield _about(
                one, "id", message, f"let one of them open internally, or end {first.id}", TWO_VOICES
            )


def _public(route: Route, rules: RuleSet) -> bool:
    plan = rules.plans.get(route.plan)
    return plan is not None and not plan.shadow and any(speaks_in_public(rules, step) for step in plan.steps)


def _values(name: str, matchers: Matchers) -> frozenset[str] | None:
    """The only values that the label can have under these matchers; None when they are not few."""
    known = [matcher.only for matcher in matchers if matcher.name == name and matcher.only is not None]
    if not known:
        return None
    rest = frozenset.intersection(*known)
    return frozenset(
        value for value in rest if all(one.fits_value(value) for one in matchers if one.name == name)
    )


def _impossible(matchers: Matchers) -> bool:
    return any(_values(name, matchers) == frozenset() for name in {matcher.name for matcher in matchers})


def _implied(matcher: Matcher, others: Matchers) -> bool:
    """Whether whatever fits ``others`` fits ``matcher`` too."""
    if matcher in others:
        return True
    values = _values(matcher.name, others)
    return values is not None and all(matcher.fits_value(value) for value in values)


def _about(
    one: Declared[RouteBlock],
    key: str | tuple[str | int, ...],
    message: str,
    remedy: str,
    code: str,
    severity: Severity = "warning",
) -> Problem:
    document, path = one.at(*((key,) if isinstance(key, str) else key))
    return document.problem(path, message, remedy, code=code, severity=severity, subject=one.id)
