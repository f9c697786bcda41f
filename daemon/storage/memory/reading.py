"""The questions of the port, answered from a ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from typing import TypeVar

from daemon.core.clock import Instant
from daemon.core.delivery import FINAL, IN_HAND, OPENS_THE_WAY, Delivery, DeliveryState
from daemon.core.journal import Recorded
from daemon.core.listing import Page
from daemon.core.store import DeliveryCount, EpisodeRow, GroupRow, Quarantined, RulesVersion
from daemon.core.suppression import Suppression
from daemon.core.verdict import Verdict
from daemon.storage.memory.ledger import Ledger, delivery_copy, episode_copy
from daemon.storage.verify import verify

T = TypeVar("T")


class Reading:
    """``Reader`` of daemon/core/store.py; rows that are handed out are the caller's own."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def _groups(self, wanted: Callable[[GroupRow], bool]) -> list[GroupRow]:
        rows = [self._ledger.group(group) for group, row in self._ledger.groups.items() if wanted(row)]
        return sorted((row for row in rows if row is not None), key=lambda row: row.id)

    async def open_groups(self) -> list[GroupRow]:
        return self._groups(lambda row: row.phase != "ended")

    async def group_by_id(self, group: int) -> GroupRow | None:
        return self._ledger.group(group)

    async def group_by_number(self, number: int) -> GroupRow | None:
        return next(iter(self._groups(lambda row: row.number == number)), None)

    async def group_by_public_id(self, public_id: str) -> GroupRow | None:
        return next(iter(self._groups(lambda row: row.public_id == public_id)), None)

    async def incidents(
        self, limit: int, before: int | None = None, phases: Collection[str] = ()
    ) -> Page[GroupRow]:
        found = self._groups(lambda row: row.number is not None and (not phases or row.phase in phases))
        return _page(found, lambda row: row.number or 0, limit, before)

    async def history(self, since: Instant, limit: int, before: int | None = None) -> Page[GroupRow]:
        found = self._groups(lambda row: row.number is not None and (row.opened_at or 0) >= since)
        return _page(found, lambda row: row.number or 0, limit, before)

    async def journal(self, group: int, after: int = 0, limit: int | None = None) -> list[Recorded]:
        entries = self._ledger.journals.get(group, [])[after:]
        return entries if limit is None else entries[:limit]

    async def journals(self, groups: Sequence[int]) -> dict[int, list[Recorded]]:
        return {group: await self.journal(group) for group in groups}

    async def due_groups(self, now: Instant, limit: int) -> list[int]:
        due = sorted((due, group) for group, due in self._ledger.due.items() if due <= now)
        return [group for _, group in due[:limit]]

    async def earliest_due(self) -> Instant | None:
        return min(self._ledger.due.values(), default=None)

    async def open_episodes(self, chunk: int = 2_000) -> AsyncIterator[list[EpisodeRow]]:
        rows = self._episodes(lambda row: row.firing)
        for start in range(0, len(rows), chunk):
            yield rows[start : start + chunk]

    async def closed_episodes(self, limit: int) -> list[EpisodeRow]:
        return self._episodes(lambda row: not row.firing)[-limit:]

    def _episodes(self, wanted: Callable[[EpisodeRow], bool]) -> list[EpisodeRow]:
        episodes = self._ledger.episodes
        return [episode_copy(episodes[number]) for number in sorted(episodes) if wanted(episodes[number])]

    async def noted(self, name: str) -> bytes | None:
        return self._ledger.notes.get(name) or None

    async def alerts(
        self, limit: int, before: int | None = None, *, firing: bool | None = None
    ) -> Page[EpisodeRow]:
        found = self._episodes(lambda row: firing is None or row.firing is firing)
        return _page(found, lambda row: row.id, limit, before)

    async def episodes(self, ids: Sequence[int]) -> list[EpisodeRow]:
        found = (self._ledger.episodes.get(number) for number in ids)
        return [episode_copy(row) for row in found if row is not None]

    async def deliveries(
        self,
        limit: int,
        before: int | None = None,
        *,
        group: int | None = None,
        channel: str | None = None,
        update: str | None = None,
        states: Collection[DeliveryState] = (),
        edits: bool | None = None,
    ) -> Page[Delivery]:
        live = states and not any(state in OPENS_THE_WAY for state in states)
        rows = (self._ledger.moving if live else self._ledger.deliveries).values()
        found = [
            row
            for row in rows
            if (not states or row.state in states)
            and (group is None or row.group == group)
            and (channel is None or row.channel == channel)
            and (update is None or row.update == update)
            and (edits is None or (row.edits is not None) is edits)
        ]
        page = _page(found, lambda row: row.id, limit, before)
        return Page([delivery_copy(row) for row in page.items], page.next)

    async def claimable(self, now: Instant, limit: int, channel: str | None = None) -> list[Delivery]:
        ready = [
            row
            for row in self._ledger.moving.values()
            if row.state is DeliveryState.queued
            and row.edits is None
            and row.not_before <= now
            and (channel is None or row.channel == channel)
            and not self._is_kept_back(row)
        ]
        return _oldest(ready, limit)

    async def claimable_edits(self, now: Instant, limit: int, channel: str) -> list[Delivery]:
        """Due, their post's fate settled, and no other edit of it in hand."""
        moving, deliveries = self._ledger.moving.values(), self._ledger.deliveries
        in_hand = {(row.channel, row.group, row.edits) for row in moving if row.state in IN_HAND}
        ready = [
            row
            for row in moving
            if row.edits is not None
            and (row.channel, row.state) == (channel, DeliveryState.queued)
            and row.not_before <= now
            and row.edits in deliveries
            and deliveries[row.edits].state in FINAL
            and (row.channel, row.group, row.edits) not in in_hand
        ]
        return _oldest(ready, limit)

    def _is_kept_back(self, row: Delivery) -> bool:
        """Behind a predecessor to the same recipient, or behind a first post in doubt."""
        first = self._ledger.deliveries.get(row.waits_for) if row.waits_for is not None else None
        if first is not None and first.state is DeliveryState.held:
            return True
        thread = (row.group, row.channel, row.recipient)
        return any(
            (other.group, other.channel, other.recipient) == thread
            and other.edits is None
            and other.sequence < row.sequence
            and other.state not in OPENS_THE_WAY
            for other in self._ledger.moving.values()
        )

    async def earliest_claim(self) -> Instant | None:
        queued = (row for row in self._ledger.moving.values() if row.state is DeliveryState.queued)
        return min((row.not_before for row in queued), default=None)

    async def delivery_counts(self) -> list[DeliveryCount]:
        counts: dict[tuple[str, DeliveryState], list[Instant]] = {}
        for row in (one for one in self._ledger.moving.values() if one.edits is None):
            counts.setdefault((row.channel, row.state), []).append(row.created_at)
        return [
            DeliveryCount(channel, state, len(made), min(made))
            for (channel, state), made in sorted(counts.items())
        ]

    async def rules_versions(self, limit: int = 100) -> list[RulesVersion]:
        return list(reversed(self._ledger.rules.values()))[:limit]

    async def rules_by_version(self, version: str) -> RulesVersion | None:
        return self._ledger.rules.get(version)

    async def quarantined(self, limit: int, before: int | None = None) -> Page[Quarantined]:
        return _page(self._ledger.quarantine.values(), lambda one: one.id, limit, before)

    async def suppressions(self, limit: int, before: int | None = None) -> Page[Suppression]:
        rows = [row for row in self._ledger.suppressions.values() if row.lifted_at is None]
        return _page(rows, lambda row: row.id, limit, before)

    async def suppression_counts(self) -> dict[str, int]:
        rows = self._ledger.suppressions.values()
        return dict(Counter(row.channel for row in rows if row.lifted_at is None))

    async def verify_chain(self, group: int) -> Verdict:
        row = self._ledger.group(group)
        return verify(group, self._ledger.sealed(group), (row.sequence, row.head) if row else None)


def _oldest(rows: list[Delivery], limit: int) -> list[Delivery]:
    rows.sort(key=lambda row: (row.not_before, row.id))
    return [delivery_copy(row) for row in rows[:limit]]


def _page(rows: Iterable[T], cursor: Callable[[T], int], limit: int, before: int | None) -> Page[T]:
    """Descending, below the cursor."""
    found = sorted((row for row in rows if before is None or cursor(row) < before), key=cursor, reverse=True)
    return Page(found[:limit], cursor(found[limit - 1]) if len(found) > limit else None)
