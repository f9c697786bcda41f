"""The outbox's other hand: edits of one channel's posts, beside the posts so that none waits for an edit."""

from __future__ import annotations

import asyncio

import msgspec
import structlog

from daemon.core.clock import Clock
from daemon.core.delivery import Delivery
from daemon.core.destination import EDIT_NEEDS, Destination
from daemon.core.errors import Unavailable
from daemon.core.ports import Outcome, Ref
from daemon.core.store import Store
from daemon.outbox import CLAIM, LEASE, Heard, Outbox, attempt
from daemon.service.edits import EditDesk

log = structlog.get_logger("tocsin.outbox")


class Editor:
    """One channel's edits: ``step`` makes one that may be made now.

    It spends what the posts' rate leaves, and rests when they rest.  Its own
    failures are its own: no post waits for them, and no channel is down by them.
    """

    def __init__(
        self,
        posts: Outbox,
        desk: EditDesk,
        store: Store,
        clock: Clock,
        heard: Heard,
        work_clock: Clock | None = None,
    ) -> None:
        self.channel = posts.channel
        self._posts = posts.destination
        self._own = Destination()
        self._desk = desk
        self._store = store
        self._clock = clock
        self._work_clock = work_clock or clock
        self._heard = heard

    async def step(self) -> bool:
        """True when there was something to edit."""
        now = self._clock.monotonic()
        if not self._posts.spare(now) or self._own.rests(now):
            return False
        rows = await self._store.claim(self.channel.name, self._clock.now(), 1, CLAIM, edits=True)
        if not rows:
            return False
        started = self._work_clock.monotonic()
        for row, ref in await self._desk.attempt(rows, LEASE):
            await self._edit(row, ref, started)
        return True

    def wait(self, now: float) -> float:
        """Seconds until the next edit may be made, if there is one."""
        return max(self._posts.wait(now, EDIT_NEEDS), self._own.wait(now))

    async def _edit(self, row: Delivery, ref: Ref, started: float) -> None:
        self._posts.began(1)
        payload = msgspec.json.decode(row.payload)
        outcome = await attempt(lambda: self.channel.edit(ref, payload), started, self._work_clock)
        took = self._work_clock.monotonic() - started
        self._own.heard(outcome, self._clock.monotonic())
        await asyncio.shield(self._record(row, outcome))
        self._heard(self.channel, row, outcome, took)

    async def _record(self, row: Delivery, outcome: Outcome) -> None:
        """Write the outcome down, however long the store is away: the row stays ``attempted`` till then."""
        while True:
            try:
                kept = await self._desk.record(row, outcome, self.channel.capabilities)
            except Unavailable:
                await self._clock.sleep(0.5)
                continue
            if kept is None:
                log.warning("an edit's outcome came too late", channel=self.channel.name, delivery=row.id)
            return
