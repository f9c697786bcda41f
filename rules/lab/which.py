"""Which routes take an alert with these labels, and why the ones above did not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rules import match
from rules.match import Matcher
from rules.model import Route, RuleSet, Taken


@dataclass(frozen=True, slots=True)
class Look:
    """One route's answer to an alert; ``taken`` is what the router made of it."""

    route: Route
    why: str
    taken: Taken | None = None

    @property
    def components(self) -> tuple[str, ...]:
        """What the incident would open with."""
        if self.route.components == "matched":
            return (self.taken.component,) if self.taken is not None and self.taken.component else ()
        return self.route.components


def look(rules: RuleSet, labels: Mapping[str, str]) -> list[Look]:
    """Each route that looks at the alert, in order, down to the last that takes it."""
    return list(_looks(rules, labels))


def _looks(rules: RuleSet, labels: Mapping[str, str]) -> Iterator[Look]:
    takes = {taken.route.id: taken for taken in rules.router(labels)}
    for route in rules.routes:
        taken = takes.pop(route.id, None)
        if taken is None:
            yield Look(route, _why_not(route, labels))
        elif takes or route.go_on:
            yield Look(route, "takes it, and the routes below see it too (continue)", taken)
        else:
            yield Look(route, _why(route), taken)
        if not takes and taken is not None:
            return


def _why(route: Route) -> str:
    if route.matchers:
        return "takes it: all its matchers fit"
    return "takes it: it has no matchers"


def _why_not(route: Route, labels: Mapping[str, str]) -> str:
    wrong = [one for one in match.parse_all(route.matchers) if not one.fits(labels)]
    if wrong:
        return "; ".join(_misfit(one, labels) for one in wrong)
    return "its matchers fit, but the alert is about no component, and it opens for `components: matched`"


def _misfit(matcher: Matcher, labels: Mapping[str, str]) -> str:
    value = labels.get(matcher.name)
    if value is None:
        return f"{matcher} does not fit: there is no label {matcher.name}"
    return f'{matcher} does not fit {matcher.name}="{value}"'
