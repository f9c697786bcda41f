"""Findings about routes: those that no alert can reach, and two that speak about one alert."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from daemon.core.words import Impact
from rules import match, possible
from rules.candidates import Candidates, Matchers
from rules.check_plans import speaks_in_public
from rules.check_steps import OPEN
from rules.declared import Declared, Gathered
from rules.errors import Problem, Severity
from rules.expression import CelCondition
from rules.model import Plan, Route, RuleSet
from rules.schema import RouteBlock

SHADOWED, IMPOSSIBLE, TWO_VOICES, NO_COMPONENTS = "R050", "R051", "R052", "R053"
MOST_SPLIT = 32  # values of a label that are looked at one by one
NEVER, ALWAYS, NO_RISE = "R042", "R045", "R062"


def findings(gathered: Gathered, rules: RuleSet) -> Iterator[Problem]:
    yield from _Routes(gathered, rules).findings()


class _Routes:
    """The routes of the files, each compared with those before it that can matter."""

    def __init__(self, gathered: Gathered, rules: RuleSet) -> None:
        self.rules = rules
        self.declared = gathered.routes
        self.routes = rules.routes[: len(self.declared)]
        self.matchers = [match.parse_all(route.matchers) for route in self.routes]
        self.values = [_all_values(matchers) for matchers in self.matchers]
        self.candidates = Candidates(self.matchers)
        public = {plan.id for plan in rules.plans.values() if _is_public(plan, rules)}
        self.public = [route.plan in public for route in self.routes]
        self.loud = [n for n, route in enumerate(self.routes) if route.go_on and self.public[n]]

    def findings(self) -> Iterator[Problem]:
        found = any(part.matchers for part in self.rules.components.values())
        for number, (one, route) in enumerate(zip(self.declared, self.routes, strict=True)):
            if _impossible(self.values[number]):
                message = f"no alert can fit all matchers of {route.id}"
                yield _about(one, "matchers", message, "loosen one of them", IMPOSSIBLE, "error")
                continue
            if route.components == "matched" and not found:
                message = f"{route.id} opens for matched components, and no component has matchers"
                yield _about(one, "open", message, "add matchers to the components", NO_COMPONENTS, "error")
            yield from self._shadow(number)
            yield from self._two_voices(number)
            yield from _raises(one, route)

    def _shadow(self, number: int) -> Iterator[Problem]:
        """An earlier route that takes all of this one's alerts."""
        route = self.routes[number]
        takers = self._takers(number, self.values[number])
        if not takers:
            return
        names = " and ".join(takers)
        message = f"{names} above take{'s' if len(takers) == 1 else ''} every alert that fits {route.id}"
        remedy = f"put {route.id} above {takers[0]}, or add `continue: true` there"
        yield _about(self.declared[number], "id", message, remedy, SHADOWED, "error")

    def _takers(self, number: int, values: Mapping[str, frozenset[str]], depth: int = 1) -> list[str]:
        """Earlier routes that together take all alerts with these values; one label may be split."""
        for earlier in self.candidates.around(values):
            if earlier >= number:
                break
            if self._takes_all(earlier, number, values):
                return [self.routes[earlier].id]
        for name, several in values.items() if depth else ():
            if 1 < len(several) <= MOST_SPLIT:
                parts = [
                    self._takers(number, {**values, name: frozenset((one,))}, depth - 1)
                    for one in sorted(several)
                ]
                if all(parts):
                    return list(dict.fromkeys(taker for part in parts for taker in part))
        return []

    def _takes_all(self, earlier: int, number: int, values: Mapping[str, frozenset[str]]) -> bool:
        first, route = self.routes[earlier], self.routes[number]
        if first.go_on or (first.components == "matched" and route.components != "matched"):
            return False  # it lets alerts through
        return all(
            matcher in self.matchers[number]
            or (
                matcher.name in values
                and all(matcher.fits_value(value) for value in values[matcher.name])
            )
            for matcher in self.matchers[earlier]
        )  # fmt: skip

    def _two_voices(self, number: int) -> Iterator[Problem]:
        """An earlier route with ``continue`` and this one, both public, for one alert."""
        if not self.public[number]:
            return
        for earlier in self.loud:
            if earlier >= number:
                return
            both = _all_values((*self.matchers[earlier], *self.matchers[number]))
            if not _impossible(both):
                first, route = self.routes[earlier], self.routes[number]
                message = f"{first.id} (continue) and {route.id} may both speak in public about one alert"
                remedy = f"let one of them open internally, or end {first.id}"
                yield _about(self.declared[number], "id", message, remedy, TWO_VOICES)


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


def _is_public(plan: Plan, rules: RuleSet) -> bool:
    return not plan.shadow and any(speaks_in_public(rules, step) for step in plan.steps)


def _all_values(matchers: Matchers) -> dict[str, frozenset[str]]:
    """The only values that labels can have under these matchers, where they are few."""
    found: dict[str, frozenset[str]] = {}
    for matcher in matchers:
        if matcher.only is not None:
            found[matcher.name] = found.get(matcher.name, matcher.only) & matcher.only
    return {
        name: frozenset(
            value for value in values if all(one.fits_value(value) for one in matchers if one.name == name)
        )
        for name, values in found.items()
    }


def _impossible(values: Mapping[str, frozenset[str]]) -> bool:
    return not all(values.values())


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
