"""Time passes: groups that are due are looked at, and gaps are written down."""

from __future__ import annotations

from daemon.core import journal as j
from daemon.core.clock import MINUTE, Instant
from daemon.service.desk import Desk, Work

HEARTBEAT = "heartbeat"
BATCH = 200
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
        looked = 0
        for group in groups:
            # Not in memory: it ended before the last start, and a step of it comes long after the end.
            due = self.desk.memory.due.get(group, work.tx.now)
            if due is not None and due <= work.tx.now:
                work.settle(work.state(group), [])
                looked += 1
        return looked

    async def next_due(self) -> Instant | None:
        return await self.desk.store.earliest_due()

    async def heartbeat(self) -> None:
        """Write down that the daemon lives, so that the next start knows how long it was away."""
        await self.desk.store.write(
            lambda tx: tx.note(HEARTBEAT, str(tx.now).encode()), self.desk.clock.now(), 0
        )

    async def gap(self, since: Instant) -> int:
        """Tell every live group that nothing could be decided from ``since`` until now."""
        now = self.desk.clock.now()
        if now - since < GAP:
            return 0
        groups = sorted({*self.desk.memory.live.values(), *self.desk.memory.opened_by_people})

        def job(work: Work) -> int:
            work.tx.note(
                HEARTBEAT, str(now).encode()
            )  # a start after a crash right here tells it no second time
            for group in groups:
                state = work.state(group)
                if state.created_at < now:
                    work.desk.memory.put_off(group)  # what fell due in the gap is decided after it
                    work.settle(state, [j.Gap(max(since, state.created_at))])
            return len(groups)

        return await self.desk.work(job, weight=max(len(groups), 1))
