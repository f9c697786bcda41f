"""The outbox: claim, attempt, record; one worker per channel, so that none waits for another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from daemon.core.clock import SECOND, Clock, Span
from daemon.core.delivery import Delivery, DeliveryState
from daemon.core.destination import Destination
from daemon.core.errors import Unavailable
from daemon.core.ports import Channel, Outcome, Reason, Ref, Retry, Unknown
from daemon.core.store import Store
from daemon.service.deliveries import DeliveryDesk

log = structlog.get_logger("tocsin.outbox")

DEADLINE = 30.0
"""Seconds from before the intent is committed within which one attempt ends, whatever the channel does."""

ENOUGH = 10.0
"""Seconds of the deadline that must be left after the commit; with less, nothing is sent."""

LEASE: Span = int((DEADLINE + 30 + 5) * SECOND)
"""Attempt, watchdog and abort: after that no worker can still be about to send (reliability 3.3)."""

CLAIM: Span = 10 * SECOND
"""From claim to intent; a row whose worker died in between is free again after it."""

ROUNDS = 8
"""Rows that one commit takes for each place of a per-recipient channel: a commit costs more than a mail."""

Heard = Callable[[Channel, Delivery, Outcome, float], None]
"""Told of each attempt: channel, row, outcome, seconds it took."""

Parents = dict[tuple[int, str], Ref | None]


class Outbox:
    """One channel's worker: ``step`` sends what may be sent now.

    ``work_clock`` is for the deadline of an attempt; it differs from ``clock`` in
    the demo alone, where time runs faster than the machine.
    """

    def __init__(
        self,
        channel: Channel,
        desk: DeliveryDesk,
        store: Store,
        clock: Clock,
        heard: Heard,
        work_clock: Clock | None = None,
    ) -> None:
        self.channel = channel
        capabilities = channel.capabilities
        self.destination = Destination(
            capabilities.per_minute,
            per_recipient=capabilities.per_recipient,
            edits=capabilities.shows_state,
        )
        self._side = capabilities.side_by_side if capabilities.per_recipient else 1
        self._most = self._side * ROUNDS if capabilities.per_recipient else 1
        self._places = asyncio.Semaphore(self._side)
        self._told: bool | None = None  # whether it is down, as the groups were told last
        self._desk = desk
        self._store = store
        self._clock = clock
        self._work_clock = work_clock or clock
        self._heard = heard

    async def step(self) -> bool:
        """True when there was something to send."""
        await self._tell()
        room = self.destination.room(self._clock.monotonic(), self._most)
        if not room:
            return False
        rows = await self._store.claim(self.channel.name, self._clock.now(), room, CLAIM)
        if not rows:
            return False
        parents = await self._parents(rows)  # before the intent: nothing may wait between it and the call
        started = self._work_clock.monotonic()
        ours = await self._desk.attempt(rows, LEASE)
        if not ours and self.destination.failing:  # what was to be tried waits for people now
            self.destination.put_off(self._clock.monotonic())
            return False
        self.destination.began(len(ours))
        await asyncio.gather(
            *(
                self._deliver(row, parents, started, waits=place >= self._side)
                for place, row in enumerate(ours)
            )
        )
        await self._tell()
        return True

    async def _parents(self, rows: list[Delivery]) -> Parents:
        return {(row.group, row.recipient): await thread_of(self._store, self.channel, row) for row in rows}

    async def _deliver(self, row: Delivery, parents: Parents, started: float, *, waits: bool) -> None:
        async with self._places:
            if waits and self.destination.rests(self._clock.monotonic()):  # since the rows before it failed
                outcome: Outcome = Retry(Reason.other, "the destination rests: nothing was sent")
            else:
                outcome = await self._send(row, parents.get((row.group, row.recipient)), started)
        took = self._work_clock.monotonic() - started
        self.destination.heard(outcome, self._clock.monotonic())
        await asyncio.shield(self._record(row, outcome))
        self._heard(self.channel, row, outcome, took)

    async def _send(self, row: Delivery, parent: Ref | None, started: float) -> Outcome:
        payload = msgspec.json.decode(row.payload)
        return await attempt(lambda: self.channel.send(payload, parent, row.key), started, self._work_clock)

    async def _record(self, row: Delivery, outcome: Outcome) -> None:
        """Write the outcome down, however long the store is away: the row stays ``attempted`` till then."""
        while True:
            rests = self.destination.rests(self._clock.monotonic())
            try:
                kept = await self._desk.record(row, outcome, self.channel.capabilities, rests=rests)
            except Unavailable:
                await self._clock.sleep(0.5)
                continue
            if kept is None:
                log.warning(
                    "an outcome came too late", channel=self.channel.name, delivery=row.id,
                    outcome=type(outcome).__name__.lower(),
                )  # fmt: skip
            return

    async def _tell(self) -> None:
        """Let live incidents know when the destination goes down and when it is back."""
        down = self.destination.is_down()
        if down is not None and down is not self._told:
            await self._desk.turn(self.channel.name, down=down)
            self._told = down


async def attempt(call: Callable[[], Awaitable[Outcome]], started: float, clock: Clock) -> Outcome:
    """The one call.  Nothing waits between the look at the clock and it (reliability 3.3 rule 2)."""
    left = started + DEADLINE - clock.monotonic()
    if left < ENOUGH:
        return Retry(Reason.other, f"{left:.0f} s were left after the commit: nothing was sent")
    try:
        async with asyncio.timeout(left):
            return await call()
    except TimeoutError:
        return Unknown(Reason.timeout, f"no end within {DEADLINE:.0f} s")
    except Exception as error:  # noqa: BLE001 - a channel's fault must not lose the row: in doubt, counted
        return Unknown(Reason.other, type(error).__name__)


async def thread_of(store: Store, channel: Channel, row: Delivery) -> Ref | None:
    """The newest post before this one in the same thread that is known to be there."""
    if not channel.capabilities.threads:
        return None
    page = await store.deliveries(
        50, row.id, group=row.group, channel=row.channel, states={DeliveryState.sent}, edits=False
    )
    for before in page.items:
        if before.recipient == row.recipient and before.ref is not None:
            return msgspec.json.decode(before.ref, type=Ref)
    return None
