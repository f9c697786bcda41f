"""Rule sets that were live: their versions, what changed between them, and what a history used of them."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from daemon.core.clock import Instant
from daemon.core.errors import NotFound
from daemon.core.store import GroupRow, RulesVersion, Store
from daemon.service.rulebook import RuleBook
from rules.lab.coverage import Coverage
from rules.lab.explain import Moment, explain, steps_of
from rules.model import RuleSet

MOST_VERSIONS = 1_000  # that are looked through for one
CHUNK = 50  # groups or alerts that are read at once; the loop gets its turn between


@dataclass(frozen=True, slots=True)
class Change:
    """One version and how it differs from the one before; ``diff`` is a unified one."""

    version: RulesVersion
    diff: tuple[str, ...]

    @property
    def added(self) -> int:
        return sum(line.startswith("+") and not line.startswith("+++") for line in self.diff)

    @property
    def removed(self) -> int:
        return sum(line.startswith("-") and not line.startswith("---") for line in self.diff)


class RuleHistory:
    """Reads what was stored; changes nothing."""

    def __init__(self, store: Store, book: RuleBook) -> None:
        self._store = store
        self._book = book

    async def changes(self, limit: int, skip: int = 0) -> tuple[list[Change], bool]:
        """Versions with their differences, newest first; and whether there are older ones."""
        found = await self._store.rules_versions(skip + limit + 1)
        shown, more = found[skip : skip + limit], len(found) > skip + limit
        before = [*found[skip + 1 : skip + limit + 1], None]
        return await asyncio.to_thread(
            lambda: [_change(one, earlier) for one, earlier in zip(shown, before, strict=False)]
        ), more

    async def change(self, version: str) -> Change:
        """One version, by the first letters of its name.  Raises NotFound."""
        found = await self._store.rules_versions(MOST_VERSIONS)
        fitting = [number for number, one in enumerate(found) if one.version.startswith(version)]
        if len(fitting) != 1 or not version:
            many = f"{len(fitting)} versions begin" if fitting else "no version begins"
            raise NotFound(f"{many} with {version[:64]!r}; `tocsin rules history` lists them")
        number = fitting[0]
        before = found[number + 1] if number + 1 < len(found) else None
        return await asyncio.to_thread(_change, found[number], before)

    async def explain(self, row: GroupRow, now: Instant, step: str = "") -> list[Moment]:
        """Why the steps of an incident acted or did not.  Raises NotFound for a step that is not there."""
        journal = await self._store.journal(row.id)
        rules = await self._rules(row.rules)
        if step and step not in steps_of(rules):
            raise NotFound(
                f"the rules of this incident have no step {step[:60]!r}; its plan is in `rules show`"
            )
        return await asyncio.to_thread(explain, row.id, journal, rules, now, step)

    async def coverage(self, since: Instant) -> Coverage:
        """What the stored history since then used of the rules in force."""
        coverage = Coverage(self._book.current)
        before: int | None = None
        while True:
            page = await self._store.history(since, CHUNK, before)
            journals = await self._store.journals([row.id for row in page.items])
            for row in page.items:
                coverage.incident(row.route, journals.get(row.id, []))
            if page.next is None:
                break
            before = page.next
        await self._alerts(coverage, since)
        return coverage

    async def _alerts(self, coverage: Coverage, since: Instant) -> None:
        before: int | None = None
        while True:
            page = await self._store.alerts(10 * CHUNK, before)
            for row in page.items:
                if row.starts_at >= since or row.seen_at >= since:
                    coverage.alert(row.labels)
            old = bool(page.items) and all(max(row.starts_at, row.seen_at) < since for row in page.items)
            if page.next is None or old:
                return
            before = page.next

    async def _rules(self, version: str) -> RuleSet:
        """The rule set of a version; the one in force where it cannot be had, as for a decision."""
        if not self._book.knows(version):
            stored = await self._store.rules_by_version(version)
            if stored is not None:
                self._book.remember(version, stored.sources)
        return await asyncio.to_thread(self._book.of, version)


def _change(version: RulesVersion, before: RulesVersion | None) -> Change:
    old = dict(before.sources) if before is not None else {}
    new = dict(version.sources)
    diff: list[str] = []
    for name in dict.fromkeys((*new, *old)):
        diff += _file_diff(name, old.get(name, ""), new.get(name, ""))
    return Change(version, tuple(diff))


def _file_diff(name: str, old: str, new: str) -> Sequence[str]:
    if old == new:
        return ()
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), name, name, lineterm="", n=2)
    return list(lines)
