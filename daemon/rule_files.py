"""Rule files to the rule book: at start, and all-or-nothing at a reload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from channels.registry import kind_of
from config.settings import Settings
from daemon.core.clock import Clock
from daemon.core.store import Store
from daemon.metrics import Metrics
from daemon.service.desk import Desk
from rules.errors import LoadError
from rules.load import ConfiguredChannel, load, load_sources
from rules.model import RuleSet, Site

log = structlog.get_logger("tocsin.rules")


def site_of(settings: Settings) -> Site:
    return Site(settings.page.name, settings.page.url, settings.page.time_zone)


def configured_channels(settings: Settings) -> Mapping[str, ConfiguredChannel]:
    return {
        one.name: ConfiguredChannel(kind=kind_of(one), audience=one.audience) for one in settings.channels
    }


def load_current(settings: Settings, files: Sequence[Path]) -> RuleSet:
    """The rule set of the configured files.  Raises LoadError."""
    return load(files, site=site_of(settings), configured=configured_channels(settings))


def load_stored(settings: Settings, sources: Sequence[tuple[str, str]]) -> RuleSet:
    """A version that some incident keeps, bound to today's channels.  Raises LoadError."""
    return load_sources(sources, site=site_of(settings), configured=configured_channels(settings))


class RuleReload:
    """All or nothing: on an error the old rules stay, and the answer says why."""

    def __init__(
        self,
        desk: Desk,
        store: Store,
        settings: Settings,
        files: Sequence[Path],
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._desk = desk
        self._store = store
        self._settings = settings
        self._files = files
        self._metrics = metrics
        self._clock = clock

    async def __call__(self, who: str) -> list[str]:
        """Load the files again for ``who``; what is wrong with them, one line each, empty when in force."""
        try:
            rules = load_current(self._settings, self._files)
        except LoadError as error:
            self._metrics.rules_refused()
            problems = [str(problem) for problem in error.problems]
            log.warning("rules not reloaded: the old ones stay", who=who, problems=problems)
            return problems
        await self.keep(rules, who)
        self._desk.book.replace(rules)
        self._desk.page_version += 1
        lost = self._desk.book.lost_routes(route for route, _ in self._desk.memory.live)
        if lost:
            log.warning("open incidents keep routes that the new rules lack", routes=lost)
        log.info("rules in force", who=who, version=rules.version[:12], notices=list(rules.notices))
        return []

    async def keep(self, rules: RuleSet, who: str) -> None:
        """Store a version, so that its incidents can keep it through restarts."""
        now = self._clock.now()
        await self._store.write(lambda tx: tx.rules_version(rules.version, now, who, rules.sources), now, 1)
        self._metrics.rules_loaded(now)
