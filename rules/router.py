"""Which routes take an alert: first match wins, unless the route says ``continue``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from daemon.core.words import Impact
from rules import match
from rules.match import Matcher
from rules.model import Component, ImpactByLabel, Route, Taken

COMPONENT = "component"  # the computed label in `group_by`
REMEMBERED = 10_000  # label sets whose answer is kept


class Router:
    """Labels to takes; never empty, because ``fallback`` takes what no route wants.

    Answers are remembered by the values of those labels alone that the rules
    mention; the oldest leaves when the memory is full.
    """

    def __init__(self, routes: Sequence[Route], components: Mapping[str, Component], fallback: Route) -> None:
        self._routes = [(route, match.parse_all(route.matchers)) for route in routes]
        self._components = [
            (component.id, match.parse_all(component.matchers))
            for component in components.values()
            if component.matchers
        ]
        self._fallback = fallback
        self._names = tuple(sorted(self._mentioned()))
        self._remembered: dict[tuple[str | None, ...], tuple[Taken, ...]] = {}

    def __call__(self, labels: Mapping[str, str]) -> tuple[Taken, ...]:
        seen = tuple(map(labels.get, self._names))
        takes = self._remembered.get(seen)
        if takes is None:
            takes = self.decide(labels)
            if len(self._remembered) >= REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[seen] = takes
        return takes

    def decide(self, labels: Mapping[str, str]) -> tuple[Taken, ...]:
        """The same without the memory."""
        component = self.component(labels)
        takes = []
        for route, matchers in self._routes:
            if route.components == "matched" and not component:
                continue
            if not _fit(matchers, labels):
                continue
            takes.append(_take(route, labels, component))
            if not route.go_on:
                break
        return tuple(takes) or (_take(self._fallback, labels, component),)

    def component(self, labels: Mapping[str, str]) -> str:
        """The first component whose matchers fit; one without matchers never does."""
        for component, matchers in self._components:
            if _fit(matchers, labels):
                return component
        return ""

    def _mentioned(self) -> set[str]:
        names = {matcher.name for matchers in self._matchers() for matcher in matchers}
        for route in [*(route for route, _ in self._routes), self._fallback]:
            names.update(name for name in route.group_by if name != COMPONENT)
            if isinstance(route.impact, ImpactByLabel):
                names.add(route.impact.label)
        return names

    def _matchers(self) -> Iterator[tuple[Matcher, ...]]:
        yield from (matchers for _, matchers in self._routes)
        yield from (matchers for _, matchers in self._components)


def _fit(matchers: tuple[Matcher, ...], labels: Mapping[str, str]) -> bool:
    return all(matcher.fits(labels) for matcher in matchers)


def _take(route: Route, labels: Mapping[str, str], component: str) -> Taken:
    key = tuple((name, component if name == COMPONENT else labels.get(name, "")) for name in route.group_by)
    impact = route.impact if isinstance(route.impact, Impact) else route.impact.of(labels)
    about = component if route.components == "matched" or component in route.components else ""
    return Taken(route, key, about, impact)
