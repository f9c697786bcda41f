"""Gauges that are read rather than counted: open incidents, overdue updates, the outbox."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from daemon.core.clock import MINUTE, Clock, Instant
from daemon.core.delivery import DeliveryState
from daemon.core.group import Group
from daemon.core.promise import broken_at
from daemon.metrics import Metrics
from daemon.outbox import Outbox
from daemon.service.desk import Desk

LONGEST_SILENCE = 60 * MINUTE
"""A public incident without a word for this long is overdue even without a promise (product, manners)."""


def is_overdue(state: Group, now: Instant) -> bool:
    """Whether customers wait for a word: a promise has passed, or an hour of silence."""
    if state.phase != "open" or state.shadow or not state.page_told or state.last_counting is None:
        return False
    if state.promise is not None:
        return now >= broken_at(state.promise)
    return now - state.last_counting >= LONGEST_SILENCE


class Figures:
    """``step`` sets all gauges anew."""

    def __init__(
        self, desk: Desk, metrics: Metrics, workers: Callable[[], list[Outbox]], clock: Clock
    ) -> None:
        self._desk = desk
        self._metrics = metrics
        self._workers = workers
        self._clock = clock

    async def step(self) -> bool:
        """False: gauges are set by the clock, never in a hurry."""
        now = self._clock.now()
        states = self._desk.memory.states.values()
        open_ones = [state for state in states if state.phase == "open"]
        self._metrics.incidents_open(Counter(state.impact for state in open_ones))
        self._metrics.updates_overdue(sum(is_overdue(state, now) for state in open_ones))
        rows: dict[DeliveryState, tuple[int, Instant | None]] = {}
        for row in await self._desk.store.delivery_counts():
            count, oldest = rows.get(row.state, (0, None))
            rows[row.state] = (count + row.count, min(oldest or row.oldest, row.oldest))
        self._metrics.outbox(rows, now)
        self._metrics.suppressed(await self._desk.store.suppression_counts())
        stats = self._desk.store.stats()
        self._metrics.database_size(stats.get("database_bytes", 0), stats.get("wal_bytes", 0))
        for worker in self._workers():
            destination = worker.destination
            self._metrics.channel_parked(worker.channel.name, parked=destination.parked)
            self._metrics.channel_down(worker.channel.name, down=destination.is_down() is True)
        return False
