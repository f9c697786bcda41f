"""Committed data for everybody else: the Reader protocol, for any database that can answer a statement."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from daemon.core.clock import Instant
from daemon.core.delivery import Delivery, DeliveryState
from daemon.core.journal import Recorded
from daemon.core.listing import Page
from daemon.core.store import DeliveryCount, EpisodeRow, GroupRow, Quarantined, RulesVersion
from daemon.core.suppression import Suppression
from daemon.core.verdict import Verdict
from daemon.storage import queries as q
from daemon.storage import rows
from daemon.storage.codec import decode_entry
from daemon.storage.statements import Statement
from daemon.storage.tables import NOTE
from daemon.storage.verify import verify

T = TypeVar("T")
Question = tuple[Statement, Mapping[str, Any]]


class Answers(ABC):
    """Every question of the port, put to ``_rows`` and ``_snapshot``, which a database provides."""

    @abstractmethod
    async def _rows(self, statement: Statement, make: Callable[[rows.Row], T], **values: Any) -> list[T]:
        """The rows of one statement.  Raises Unavailable beyond the time limit."""

    @abstractmethod
    async def _snapshot(self, questions: Sequence[Question]) -> list[list[rows.Row]]:
        """The rows of several statements as of one moment."""

    async def _one(self, statement: Statement, make: Callable[[rows.Row], T], **values: Any) -> T | None:
        found = await self._rows(statement, make, **values)
        return found[0] if found else None

    async def _page(
        self,
        question: tuple[Statement, q.Values],
        make: Callable[[rows.Row], T],
        cursor: Callable[[T], int | None],
        limit: int,
    ) -> Page[T]:
        """The statement asks for one row more than the limit: that is how the next page is known to exist."""
        statement, values = question
        items = await self._rows(statement, make, **values)
        if len(items) <= limit:
            return Page(items, None)
        return Page(items[:limit], cursor(items[limit - 1]))

    async def open_groups(self) -> list[GroupRow]:
        return await self._rows(q.OPEN_GROUPS, rows.group_from_row)

    async def group_by_id(self, group: int) -> GroupRow | None:
        return await self._one(q.GROUP_BY_ID, rows.group_from_row, value=group)

    async def group_by_number(self, number: int) -> GroupRow | None:
        return await self._one(q.GROUP_BY_NUMBER, rows.group_from_row, value=number)

    async def group_by_public_id(self, public_id: str) -> GroupRow | None:
        return await self._one(q.GROUP_BY_PUBLIC_ID, rows.group_from_row, value=public_id)

    async def incidents(
        self, limit: int, before: int | None = None, phases: Collection[str] = ()
    ) -> Page[GroupRow]:
        statement = q.incidents(limit + 1, before, phases, None)
        return await self._page(statement, rows.group_from_row, lambda row: row.number, limit)

    async def history(self, since: Instant, limit: int, before: int | None = None) -> Page[GroupRow]:
        statement = q.incidents(limit + 1, before, (), since)
        return await self._page(statement, rows.group_from_row, lambda row: row.number, limit)

    async def journal(self, group: int, after: int = 0, limit: int | None = None) -> list[Recorded]:
        most = q.EVERYTHING if limit is None else limit
        return await self._rows(q.JOURNAL, _recorded, group=group, after=after, limit=most)

    async def journals(self, groups: Sequence[int]) -> dict[int, list[Recorded]]:
        everything = {"after": 0, "limit": q.EVERYTHING}
        found = await self._snapshot([(q.JOURNAL, {"group": group, **everything}) for group in groups])
        return {group: list(map(_recorded, entries)) for group, entries in zip(groups, found, strict=True)}

    async def due_groups(self, now: Instant, limit: int) -> list[int]:
        return await self._rows(q.DUE, _first, now=now, limit=limit)

    async def earliest_due(self) -> Instant | None:
        return await self._one(q.EARLIEST_DUE, _first)

    async def open_episodes(self, chunk: int = 2_000) -> AsyncIterator[list[EpisodeRow]]:
        after = 0
        while True:
            found = await self._rows(q.OPEN_EPISODES, rows.episode_from_row, after=after, limit=chunk)
            if found:
                yield found
            if len(found) < chunk:
                return
            after = found[-1].id

    async def closed_episodes(self, limit: int) -> list[EpisodeRow]:
        found = await self._rows(q.CLOSED_EPISODES, rows.episode_from_row, limit=limit)
        return found[::-1]

    async def noted(self, name: str) -> bytes | None:
        found = await self._rows(q.NOTED, lambda row: bytes(row[0]), value=NOTE + name)
        return found[0] if found and found[0] else None

    async def alerts(
        self, limit: int, before: int | None = None, *, firing: bool | None = None
    ) -> Page[EpisodeRow]:
        statement = q.alerts(limit + 1, before, firing)
        return await self._page(statement, rows.episode_from_row, lambda row: row.id, limit)

    async def episodes(self, ids: Sequence[int]) -> list[EpisodeRow]:
        found = await self._snapshot([(q.EPISODE, {"value": item}) for item in ids])
        return [rows.episode_from_row(row) for matches in found for row in matches]

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
        statement = q.deliveries(limit + 1, before, group, channel, update, states, edits)
        return await self._page(statement, rows.delivery_from_row, lambda row: row.id, limit)

    async def claimable(self, now: Instant, limit: int, channel: str | None = None) -> list[Delivery]:
        if channel is None:
            return await self._rows(q.CLAIMABLE, rows.delivery_from_row, now=now, limit=limit)
        statement = q.CLAIMABLE_OF_CHANNEL
        return await self._rows(statement, rows.delivery_from_row, now=now, limit=limit, channel=channel)

    async def claimable_edits(self, now: Instant, limit: int, channel: str) -> list[Delivery]:
        values = {"now": now, "limit": limit, "channel": channel}
        return await self._rows(q.CLAIMABLE_EDITS, rows.delivery_from_row, **values)

    async def earliest_claim(self) -> Instant | None:
        return await self._one(q.EARLIEST_CLAIM, _first)

    async def delivery_counts(self) -> list[DeliveryCount]:
        return await self._rows(q.DELIVERY_COUNTS, _count)

    async def rules_versions(self, limit: int = 100) -> list[RulesVersion]:
        return await self._rows(q.RULES, rows.rules_from_row, limit=limit)

    async def rules_by_version(self, version: str) -> RulesVersion | None:
        return await self._one(q.RULES_BY_VERSION, rows.rules_from_row, value=version)

    async def quarantined(self, limit: int, before: int | None = None) -> Page[Quarantined]:
        statement = q.quarantined(limit + 1, before)
        return await self._page(statement, rows.quarantined_from_row, lambda row: row.id, limit)

    async def suppressions(self, limit: int, before: int | None = None) -> Page[Suppression]:
        statement = q.suppressions(limit + 1, before)
        return await self._page(statement, rows.suppression_from_row, lambda row: row.id, limit)

    async def suppression_counts(self) -> dict[str, int]:
        return dict(await self._rows(q.SUPPRESSION_COUNTS, lambda row: (row[0], row[1])))

    async def verify_chain(self, group: int) -> Verdict:
        head, entries = await self._snapshot(
            [(q.HEAD_OF_GROUP, {"group": group}), (q.SEALED, {"group": group})]
        )
        return verify(group, entries, head[0] if head else None)


def _first(row: rows.Row) -> Any:
    return row[0]


def _recorded(row: rows.Row) -> Recorded:
    return Recorded(row[0], row[1], decode_entry(row[2], row[3]))


def _count(row: rows.Row) -> DeliveryCount:
    return DeliveryCount(row[0], DeliveryState(row[1]), row[2], row[3])
