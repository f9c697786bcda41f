"""A clock that runs fast, and shows the same in every process that is given the same three numbers."""

from __future__ import annotations

import asyncio
import signal

from daemon.core.clock import MINUTE, SECOND, Instant, ServerClock, SystemClock

LEAP = signal.SIGWINCH
"""A daemon with failpoints leaps at this signal: whoever sends it leaps too, so that all show the same."""


class FastClock(SystemClock):
    """Showed ``start`` when the machine's monotonic clock read ``origin``; no kill or restart stops it."""

    def __init__(self, speed: float, origin: float, start: Instant) -> None:
        self.speed, self.origin, self.start = speed, origin, start
        self.leapt = 0.0  # seconds

    @property
    def options(self) -> list[str]:
        """The arguments by which ``tests.processes.entry`` gets the same clock."""
        return ["--speed", str(self.speed), "--origin", str(self.origin), "--start", str(self.start)]

    def leap(self) -> None:
        """A minute and a second pass at once, for both clocks."""
        self.start += MINUTE + SECOND
        self.leapt += 61

    def now(self) -> Instant:
        return self.start + int((super().monotonic() - self.origin) * self.speed * 1000)

    def monotonic(self) -> float:
        return super().monotonic() * self.speed + self.leapt

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / self.speed)

    async def wait(self, event: asyncio.Event, seconds: float | None) -> bool:
        return await super().wait(event, None if seconds is None else seconds / self.speed)


class FastServerClock(ServerClock):
    """The time of a server that runs fast; until it was asked, a wall clock that is ``skew`` ms wrong."""

    def __init__(self, fast: FastClock, skew: int = 0) -> None:
        self._fast = fast
        self._off = skew

    @property
    def options(self) -> list[str]:
        return [*self._fast.options, "--server", "--skew", str(self._off)]

    def now(self) -> Instant:
        return self._fast.now() + self._off

    def set(self, server: Instant, asked_at: float) -> None:
        earliest = self._fast.start + int((server - self._fast.start) * self._fast.speed)
        latest = earliest + int((self.monotonic() - asked_at) * 1000)
        self._off = min(max(self.now(), earliest), latest) - self._fast.now()

    def monotonic(self) -> float:
        return self._fast.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._fast.sleep(seconds)

    async def wait(self, event: asyncio.Event, seconds: float | None) -> bool:
        return await self._fast.wait(event, seconds)


def fast_clock(speed: float) -> FastClock:
    """One that shows the right time now."""
    machine = SystemClock()
    return FastClock(speed, machine.monotonic(), machine.now())
