"""The outbox: claim, attempt, record; one worker per channel, so that none waits for another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from daemon.core.clock import SECOND, Clock, Instant, Span
from daemon.core.delivery import Delivery, DeliveryState
from daemon.core.errors import Unavailable
from daemon.core.ports import Channel, Outcome, Reason, Ref, Rejected, Scope, Unknown
from daemon.core.store import Store
from daemon.service.deliveries import PARKED, DeliveryDesk

DEADLINE = 30.0
"""Seconds within which one attempt ends; every channel's own time-outs are shorter."""

LEASE: Span = int((DEADLINE + 30 + 5) * SECOND)
"""Attempt, watchdog and abort: after that no worker can still be about to send (reliability 3.3)."""

CLAIM: Span = 10 * SECOND
"""From claim to intent; a row whose worker died in between is free again after it."""

SIDE_BY_SIDE = 8  # recipients of one per-recipient channel written to at once

Heard = Callable[[Channel, Delivery, Outcome, float], None]
"""Told of each attempt: channel, row, outcome, seconds it took."""


class Outbox:
    """One channel's worker: ``step`` sends what may be sent now."""

    def __init__(
        self, channel: Channel, desk: DeliveryDesk, store: Store, clock: Clock, heard: Heard
    ) -> None:
        self.channel = channel
        self.parked_until: Instant = 0
        self._desk = desk
        self._store = store
        self._clock = clock
        self._heard = heard

    async def step(self) -> bool:
        """True when there was something to send."""
        now = self._clock.now()
        if now < self.parked_until:
            return False
        limit = SIDE_BY_SIDE if self.channel.capabilities.per_recipient else 1
        rows = await self._store.claim(self.channel.name, now, limit, CLAIM)
        if not rows:
            return False
        ours = await self._desk.attempt(rows, LEASE)
        await asyncio.gather(*(self._deliver(row) for row in ours))
        return bool(ours)

    async def _deliver(self, row: Delivery) -> None:
        parent = await thread_of(self._store, self.channel, row)
        started = self._clock.monotonic()
        outcome = await self._send(row, parent)
        took = self._clock.monotonic() - started
        if isinstance(outcome, Rejected) and outcome.scope is Scope.destination:
            self.parked_until = self._clock.now() + PARKED
        await asyncio.shield(self._record(row, outcome))
        self._heard(self.channel, row, outcome, took)

    async def _send(self, row: Delivery, parent: Ref | None) -> Outcome:
        payload = msgspec.json.decode(row.payload)
        try:
            async with asyncio.timeout(DEADLINE):
                return await self.channel.send(payload, parent, row.key)
        except TimeoutError:
            return Unknown(Reason.timeout, f"no end within {DEADLINE:.0f} s")
        except Exception as error:  # noqa: BLE001 - a channel's fault must not lose the row: in doubt, counted
            return Unknown(Reason.other, type(error).__name__)

    async def _record(self, row: Delivery, outcome: Outcome) -> None:
        """Write the outcome down, however long the store is away: the row stays ``attempted`` till then."""
        while True:
            try:
                await self._desk.record(row, outcome, self.channel.capabilities)
            except Unavailable:
                await self._clock.sleep(0.5)
            else:
                return


async def thread_of(store: Store, channel: Channel, row: Delivery) -> Ref | None:
    """The newest post before this one in the same thread that is known to be there."""
    if not channel.capabilities.threads:
        return None
    page = await store.deliveries(
        50, row.id, group=row.group, channel=row.channel, states={DeliveryState.sent}
    )
    for before in page.items:
        if before.recipient == row.recipient and before.ref is not None:
            return msgspec.json.decode(before.ref, type=Ref)
    return None
