"""Which of many routes may fit an alert, without asking them all.

Most routes name the values that one of their labels may have.  Filed under such
a label, a route is only looked at for alerts that have one of the values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rules.match import Matcher

Matchers = tuple[Matcher, ...]


class Candidates:
    """Numbers of the routes that may fit; those that are left out cannot."""

    def __init__(self, routes: Sequence[Matchers]) -> None:
        self._filed: dict[str, dict[str, list[int]]] = {}
        self._always: list[int] = []
        apart = _apart(routes)
        for number, matchers in enumerate(routes):
            best = max(_listed(matchers), key=lambda one: apart[one.name], default=None)
            if best is None or best.only is None:
                self._always.append(number)
                continue
            drawer = self._filed.setdefault(best.name, {})
            for value in best.only:
                drawer.setdefault(value, []).append(number)

    def of(self, labels: Mapping[str, str]) -> list[int]:
        """In their order.  A missing label is empty, and may be one of the values."""
        found = list(self._always)
        for name, drawer in self._filed.items():
            found += drawer.get(labels.get(name, ""), ())
        found.sort()
        return found

    def around(self, values: Mapping[str, frozenset[str]]) -> list[int]:
        """The routes that may take every alert whose labels have these values and no others."""
        found = list(self._always)
        for name, drawer in self._filed.items():
            for value in sorted(values.get(name, ()))[:1]:  # who takes them all takes the first
                found += drawer.get(value, ())
        found.sort()
        return found


def _listed(matchers: Matchers) -> Iterable[Matcher]:
    return (one for one in matchers if one.only is not None)


def _apart(routes: Sequence[Matchers]) -> Counter[str]:
    """How many different values the routes name of each label: the more, the better it tells them apart."""
    values: dict[str, set[str]] = {}
    for matchers in routes:
        for one in _listed(matchers):
            values.setdefault(one.name, set()).update(one.only or ())
    return Counter({name: len(found) for name, found in values.items()})
