"""The ticker: groups that are due are decided; a stop or a jump of the clock is written down."""

from __future__ import annotations

from daemon.core.clock import SECOND, Clock, Instant
from daemon.service.timers import GAP, TimerDesk

BEAT = 15 * SECOND
"""How often the daemon writes down that it lives: the precision of a gap."""

LONGEST_SLEEP = 1.0
"""Seconds; timers are at most this late."""


class Ticker:
    """``step`` decides what is due; also notices gaps and keeps the heartbeat."""

    def __init__(self, desk: TimerDesk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock
        self._seen: Instant = clock.now()
        self._beat: Instant = 0

    async def step(self) -> bool:
        """True when some group was due."""
        await self._watch()
        now = self._clock.now()
        if now - self._beat >= BEAT or now < self._beat:
            await self._desk.heartbeat()
            self._beat = now
        return await self._desk.tick() > 0

    async def _watch(self) -> None:
        """A suspended machine or a clock that was set is a gap, however the process saw it."""
        now = self._clock.now()
        if abs(now - self._seen) >= GAP:
            await self._desk.gap(self._seen)  # raises while nothing can be written: the next turn tells it
        self._seen = now
