"""Which rule sets are alive: the current one, and those that open incidents keep."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from daemon.core.errors import BadConfig
from rules.model import RuleSet

Loader = Callable[[Sequence[tuple[str, str]]], RuleSet]
"""Makes a rule set from stored sources, bound to today's channels."""


class RuleBook:
    """Rule sets by version.  A stored version is loaded again only when something asks for it."""

    def __init__(self, current: RuleSet, load: Loader) -> None:
        self.current = current
        self._load = load
        self._sets: dict[str, RuleSet] = {current.version: current}
        self.lost: dict[str, str] = {}  # version -> why it cannot be had
        self._sources: dict[str, Sequence[tuple[str, str]]] = {}

    def remember(self, version: str, sources: Sequence[tuple[str, str]]) -> None:
        """A stored version that some live group may keep."""
        self._sources[version] = sources

    def knows(self, version: str) -> bool:
        """Whether the version can be had without asking the store."""
        return version in self._sets or version in self._sources

    def replace(self, current: RuleSet) -> None:
        """A successful reload: new incidents follow it, open ones keep theirs."""
        self.current = current
        self._sets[current.version] = current

    def of(self, version: str) -> RuleSet:
        """The rule set of a version.

        One that cannot be had any more (its sources are gone, or today's channels
        no longer fit it) gives way to the current one: an incident under other
        rules is better than one under none.  ``lost`` names such versions.
        """
        known = self._sets.get(version)
        if known is not None:
            return known
        try:
            loaded = self._load(self._sources[version])
        except (KeyError, BadConfig) as error:
            self.lost[version] = str(error)
            loaded = self.current
        self._sets[version] = loaded
        return loaded

    def lost_routes(self, routes: Iterable[str]) -> list[str]:
        """Those routes of live groups that the current set no longer has."""
        return sorted({route for route in routes if route and self.current.route(route) is None})
