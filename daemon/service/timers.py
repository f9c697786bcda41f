"""Time passes: groups that are due are looked at, and gaps are written down."""

from __future__ import annotations

from daemon.core import journal as j
from daemon.core.clock import MINUTE, Instant
from daemon.core.delivery import DeliveryState
from daemon.core.store import Tx
from daemon.service.desk import HEARTBEAT, Desk, Work

BATCH = 200
_NEVER: Instant = 1 << 62
GAP = MINUTE
"""A stop, suspension or clock jump of this long or more is a journal entry (rules-language, Time)."""


class TimerDesk:
    """The ticker's use cases."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def tick(self) -> int:
        """Decide for every group that is due; returns how many were."""
        now = self.desk.clock.now()
        groups = await self.desk.store.due_groups(now, BATCH)
        if not groups:
            return 0
        return await self.desk.work(lambda work: self._look(work, groups), weight=len(groups))

    def _look(self, work: Work, groups: list[int]) -> int:
        memory, now = self.desk.memory, work.tx.now
        # Not in memory: it ended before the last start, and a step of it comes long after the end.
        due = [group for group in groups if (memory.due.get(group, now) or _NEVER) <= now]
        memory.prepare(work.tx, due)
        for group in due:
            work.settle(work.state(group), [])
        return len(due)

    async def next_due(self) -> Instant | None:
        return await self.desk.store.earliest_due()

    async def heartbeat(self) -> None:
        """Write down that the daemon lives, so that the next start knows how long it was away."""
        await self.desk.store.write(
            lambda tx: tx.note(HEARTBEAT, str(tx.now).encode()), self.desk.clock.now(), 0
        )

    async def gap(self, since: Instant) -> int:
        """Tell every live group that nothing could be decided from ``since`` until now.

        Not while another process has lived on: then nothing was missed.  A ``since``
        in the future says how far the clock had come before it was set back.
        """
        now = self.desk.clock.now()
        beat = await self.desk.store.noted(HEARTBEAT)
        if since <= now:
            since = max(since, int(beat) if beat else 0)
        if abs(now - since) < GAP:
            return 0
        if since > now:
            self.desk.memory.set_back(now, since)

        def job(work: Work) -> int:
            if now - self.desk.others_alive_at < GAP:
                return 0  # another process that was away as well has said so
            memory = self.desk.memory
            groups = sorted({*memory.live.values(), *memory.opened_by_people})
            memory.prepare(work.tx, groups)
            work.tx.note(HEARTBEAT, str(now).encode())
            for group in groups if since > now else ():
                _release(work.tx, group, since)
            for group in groups:
                state = work.state(group)
                if since <= now and state.created_at >= now:
                    continue
                memory.put_off(group)  # what fell due in the gap is decided after it
                work.settle(state, [j.Gap(max(since, state.created_at))])
            return len(groups)

        return await self.desk.work(job, weight=len(self.desk.memory.live) + 1)


def _release(tx: Tx, group: int, since: Instant) -> None:
    """Deliveries wait for as long as they were meant to, not until the clock has come round again."""
    waiting = {DeliveryState.queued, DeliveryState.unknown}
    for row in (*tx.read_deliveries(group, waiting), *tx.read_deliveries(group, waiting, edits=True)):
        if row.not_before > tx.now:
            row.not_before = max(tx.now, row.not_before - (since - tx.now))
            tx.delivery_changed(row, row.state, row.token)
