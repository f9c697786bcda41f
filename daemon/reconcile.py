"""What to do with ``unknown``: the channel's policy after its quarantine (reliability 3.3, 3.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from daemon.core.clock import MINUTE, SECOND, Clock, Instant
from daemon.core.delivery import IN_HAND, Delivery, DeliveryState
from daemon.core.ports import Channel, NotThere, Ref
from daemon.core.retry import scheduled
from daemon.core.store import Store
from daemon.outbox import thread_of
from daemon.service.deliveries import READS_NEEDED, DeliveryDesk

LAG = 15 * SECOND
"""Between two read-backs: longer than a provider's list lags behind its posts."""

PATIENCE = 10 * MINUTE
"""A channel that cannot be read back for this long leaves the doubt to a person."""

MOST_RESENDS = 1  # automatic resends out of a doubt, ever (reliability 3.3 rule 6)


class Reconciler:
    """``step`` frees what dead workers hold, and settles doubts whose quarantine is over."""

    def __init__(
        self, channels: Mapping[str, Channel], desk: DeliveryDesk, store: Store, clock: Clock
    ) -> None:
        self._channels = channels
        self._desk = desk
        self._store = store
        self._clock = clock
        self._watched: dict[tuple[int, int, Instant], float] = {}  # doubt -> monotonic end of its rest

    async def step(self) -> bool:
        """True when a row moved."""
        now = self._clock.now()
        worked = await self._take_over(now)
        page = await self._store.deliveries(100, states={DeliveryState.unknown})
        for row in self._rested(page.items, now):
            mine = await self._take(row, now)
            if mine is not None:
                await self._desk.settle_doubt(mine, await self._answer(mine, now))
                worked = True
        return worked

    def _rested(self, rows: list[Delivery], now: Instant) -> list[Delivery]:
        """Those whose quarantine is over by both clocks: one that is set forward brings no answer sooner."""
        monotonic = self._clock.monotonic()
        self._watched = {
            doubt: self._watched.get(doubt, monotonic + max(doubt[2] - now, 0) / SECOND)
            for doubt in map(_doubt, rows)
        }
        return [row for row in rows if row.not_before <= now and self._watched[_doubt(row)] <= monotonic]

    async def _take(self, row: Delivery, now: Instant) -> Delivery | None:
        """The doubt as ours to settle; None when another node was first (a look may cost money)."""
        if self._store.exclusive:
            return row
        mine = replace(row, token=row.token + 1, not_before=now + LAG)
        return mine if await self._desk.settle_doubt(row, mine) else None

    async def _take_over(self, now: Instant) -> bool:
        """Free what workers that are gone left in hand; on any store, and whoever they were."""
        ended: list[Delivery] = []
        before: int | None = None
        while True:
            page = await self._store.deliveries(500, before, states=IN_HAND)
            ended += [row for row in page.items if row.lease_until is not None and row.lease_until <= now]
            before = page.next
            if before is None:
                break
        if not ended:
            return False
        quarantine = {
            name: int(channel.capabilities.late_apply * SECOND) for name, channel in self._channels.items()
        }
        return await self._desk.take_over(ended, quarantine) > 0

    async def _answer(self, row: Delivery, now: Instant) -> Delivery:
        channel = self._channels.get(row.channel)
        if channel is None:
            return replace(row, state=DeliveryState.held, detail="the channel is no longer configured")
        match channel.capabilities.on_doubt:
            case "resend" if channel.capabilities.idempotency == "native":
                # The other side knows a repeat: as often as it takes, or as its schedule says.
                wait = scheduled(channel.capabilities.schedule, row.attempts, row.key) or 0
                return resend(row, now + wait)
            case "resend":
                return resend_once(row, now)
            case "read_back":
                return await self._read_back(row, channel, now)
            case _:
                return replace(row, state=DeliveryState.held)

    async def _read_back(self, row: Delivery, channel: Channel, now: Instant) -> Delivery:
        since = row.attempted_at if row.attempted_at is not None else row.created_at
        parent = await thread_of(self._store, channel, row)
        found = await channel.find(msgspec.json.decode(row.payload), row.key, since, parent)
        if isinstance(found, Ref):
            return replace(
                row, state=DeliveryState.sent, ref=msgspec.json.encode(found), reason="", detail=""
            )
        if isinstance(found, NotThere):
            reads = row.reads + 1
            if reads >= READS_NEEDED:
                return resend_once(replace(row, reads=reads), now)
            return replace(row, reads=reads, not_before=now + LAG)
        if now - since > PATIENCE:
            return replace(row, state=DeliveryState.held, detail=found.detail)
        return replace(row, not_before=now + LAG, detail=found.detail)


def _doubt(row: Delivery) -> tuple[int, int, Instant]:
    return row.id, row.token, row.not_before


def resend_once(row: Delivery, now: Instant) -> Delivery:
    """Back to the queue, at most once by ourselves; after that only a person may decide."""
    if row.resends >= MOST_RESENDS:
        return replace(row, state=DeliveryState.held)
    return resend(row, now)


def resend(row: Delivery, at: Instant) -> Delivery:
    """Back to the queue with the same key and the same bytes, to leave at ``at`` at the earliest."""
    return replace(row, state=DeliveryState.queued, resends=row.resends + 1, not_before=at)
