"""Which routes take an alert: first match wins, unless the route says ``continue``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from daemon.core.words import Impact
from rules import match
from rules.candidates import Candidates
from rules.match import Matcher
from rules.model import Component, ImpactByLabel, Route, Taken

COMPONENT = "component"  # the computed label in `group_by`
REMEMBERED = 10_000  # answers kept of each kind

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _Want:
    """One route wants an alert: all but its group."""

    route: Route
    component: str
    impact: Impact


_Wants = tuple[str, tuple[_Want, ...]]  # the computed component, and who wants the alert
_Seen = tuple[str | None, ...]


class Router:
    """Labels to takes; never empty, because ``fallback`` takes what no route wants.

    Answers are remembered by the values of those labels alone that the rules
    mention, step by step: component, who wants the alert, its group.  The first
    two depend on few values, the last often on many (``group_by: [ instance ]``).
    """

    def __init__(self, routes: Sequence[Route], components: Mapping[str, Component], fallback: Route) -> None:
        self._routes = [(route, match.parse_all(route.matchers)) for route in routes]
        self._candidates = Candidates([matchers for _, matchers in self._routes])
        self._components = [
            (component.id, match.parse_all(component.matchers))
            for component in components.values()
            if component.matchers
        ]
        self._fallback = fallback
        judged = self._judged()
        grouped = {name for route in (*routes, fallback) for name in route.group_by if name != COMPONENT}
        self._judged_names = tuple(sorted(judged))
        self._names = tuple(sorted(judged | grouped))
        about = {matcher.name for _, matchers in self._components for matcher in matchers}
        self._component_names = tuple(sorted(about))
        self._found: _Memory[str] = _Memory()
        self._wants: _Memory[_Wants] = _Memory()
        self._takes: _Memory[tuple[Taken, ...]] = _Memory()

    def __call__(self, labels: Mapping[str, str]) -> tuple[Taken, ...]:
        seen: _Seen = tuple(map(labels.get, self._names))
        takes = self._takes.get(seen)
        if takes is None:
            takes = self._takes.keep(seen, self._grouped(self._wanted(labels), labels))
        return takes

    def decide(self, labels: Mapping[str, str]) -> tuple[Taken, ...]:
        """The same without the memory."""
        return self._grouped(self._judge(labels, self.component(labels)), labels)

    def component(self, labels: Mapping[str, str]) -> str:
        """The first component whose matchers fit; one without matchers never does."""
        for component, matchers in self._components:
            if _fit(matchers, labels):
                return component
        return ""

    def _wanted(self, labels: Mapping[str, str]) -> _Wants:
        seen: _Seen = tuple(map(labels.get, self._judged_names))
        return self._wants.get(seen) or self._wants.keep(seen, self._judge(labels, self._known(labels)))

    def _known(self, labels: Mapping[str, str]) -> str:
        """The component, remembered: there may be hundreds, told apart by one label."""
        seen: _Seen = tuple(map(labels.get, self._component_names))
        component = self._found.get(seen)
        return self._found.keep(seen, self.component(labels)) if component is None else component

    def _judge(self, labels: Mapping[str, str], component: str) -> _Wants:
        wants = []
        for number in self._candidates.of(labels):
            route, matchers = self._routes[number]
            if route.components == "matched" and not component:
                continue
            if not _fit(matchers, labels):
                continue
            wants.append(_want(route, labels, component))
            if not route.go_on:
                break
        return component, tuple(wants) or (_want(self._fallback, labels, component),)

    def _grouped(self, wants: _Wants, labels: Mapping[str, str]) -> tuple[Taken, ...]:
        component, found = wants
        return tuple(
            Taken(want.route, _key(want.route, labels, component), want.component, want.impact)
            for want in found
        )

    def _judged(self) -> set[str]:
        """Labels on which it depends who wants an alert, and as what."""
        every = (*self._routes, *self._components)
        names = {matcher.name for _, matchers in every for matcher in matchers}
        for route in (*(route for route, _ in self._routes), self._fallback):
            if isinstance(route.impact, ImpactByLabel):
                names.add(route.impact.label)
        return names


class _Memory(Generic[Answer]):
    """Answers by label values; the oldest leaves when it is full."""

    def __init__(self) -> None:
        self.answers: dict[_Seen, Answer] = {}
        self.get = self.answers.get

    def keep(self, seen: _Seen, answer: Answer) -> Answer:
        if len(self.answers) >= REMEMBERED:
            del self.answers[next(iter(self.answers))]
        self.answers[seen] = answer
        return answer


def _fit(matchers: tuple[Matcher, ...], labels: Mapping[str, str]) -> bool:
    for matcher in matchers:  # noqa: SIM110 - a generator costs as much as a matcher
        if not matcher.fits(labels):
            return False
    return True


def _key(route: Route, labels: Mapping[str, str], component: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, component if name == COMPONENT else labels.get(name, "")) for name in route.group_by)


def _want(route: Route, labels: Mapping[str, str], component: str) -> _Want:
    impact = route.impact if isinstance(route.impact, Impact) else route.impact.of(labels)
    about = component if route.components == "matched" or component in route.components else ""
    return _Want(route, about, impact)
