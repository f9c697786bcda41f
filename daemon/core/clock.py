"""Time as a parameter: the one place where the machine's clocks are read.

An instant is an ``int``: milliseconds since 1970-01-01T00:00Z.  A span is an
``int`` of milliseconds.  Integers make decisions exact, hashable and the same
on every machine.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from datetime import UTC, datetime
from typing import Protocol

Instant = int
Span = int

SECOND: Span = 1_000
MINUTE: Span = 60 * SECOND
HOUR: Span = 60 * MINUTE
DAY: Span = 24 * HOUR


class Clock(Protocol):
    """What the shell may know of time; the core gets instants as arguments."""

    def now(self) -> Instant:
        """Wall clock, milliseconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; for deadlines and leases of this process."""
        ...

    async def sleep(self, seconds: float) -> None: ...

    async def wait(self, event: asyncio.Event, seconds: float | None) -> bool:
        """Wait until the event is set (True) or that much time has passed (False)."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> Instant:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def wait(self, event: asyncio.Event, seconds: float | None) -> bool:
        try:
            async with asyncio.timeout(None if seconds is None else max(seconds, 0)):
                await event.wait()
        except TimeoutError:
            return False
        return True


class ServerClock(SystemClock):
    """The time of a server, carried on by this machine's monotonic clock.

    Several daemons on one database agree about the time by it, however wrong
    their own wall clocks are.  Until ``set`` is called it shows the machine's.
    """

    def __init__(self) -> None:
        self._origin = super().now() - int(self.monotonic() * 1000)

    def now(self) -> Instant:
        return self._origin + int(self.monotonic() * 1000)

    def set(self, server: Instant, asked_at: float) -> None:
        """The server showed that instant at some moment between ``asked_at`` (monotonic) and now.

        A time that this allows stays as it is: an answer that was long on its way tells little.
        """
        monotonic = int(self.monotonic() * 1000)
        latest = server + monotonic - int(asked_at * 1000)
        self._origin = min(max(self.now(), server), latest) - monotonic


class ScaledClock(SystemClock):
    """A clock that runs ``speed`` times as fast; the demo alone uses it.

    From one reading to the next it goes on by at most ``longest``: where the
    machine stalls, time stands still and does not jump over what was due.
    """

    def __init__(self, speed: float, start: Instant | None = None, longest: Span = 5 * SECOND) -> None:
        self.speed = speed
        self._origin = self._read = time.monotonic()
        self._passed = 0.0
        self._longest = longest / SECOND
        self._start = super().now() if start is None else start

    def now(self) -> Instant:
        return self._start + int((self.monotonic() - self._origin) * 1000)

    def monotonic(self) -> float:
        before, self._read = self._read, time.monotonic()
        self._passed += min((self._read - before) * self.speed, self._longest)
        return self._origin + self._passed

    def change_speed(self, speed: float) -> None:
        """Go on from here at another speed; sleeps under way keep their old length."""
        self.monotonic()
        self.speed = speed

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / self.speed)

    async def wait(self, event: asyncio.Event, seconds: float | None) -> bool:
        return await super().wait(event, None if seconds is None else seconds / self.speed)


class WorkClock(SystemClock):
    """The instants of another clock, the spans of this machine.

    For deadlines of real work (a body on its way, a transaction), which takes
    as long as ever while the demo's time runs fast.
    """

    def __init__(self, instants: Clock) -> None:
        self._instants = instants

    def now(self) -> Instant:
        return self._instants.now()


class FakeClock:
    """A clock that stands still until it is told to go on; tests and tools drive it."""

    def __init__(self, start: Instant = 1_798_797_600_000) -> None:
        self._now = start  # the monotonic one; the wall clock is ahead of it by what it was set
        self._set: Span = 0
        self._sleepers: list[tuple[Instant, int, asyncio.Future[None]]] = []
        self._tie = itertools.count()

    def now(self) -> Instant:
        return self._now + self._set

    def monotonic(self) -> float:
        return self._now / 1000

    def set_by(self, span: Span) -> None:
        """Set the wall clock forward or back; no time passes."""
        self._set += span

    def advance(self, span: Span) -> None:
        """Move on and wake whoever slept no longer than this."""
        self._now += span
        while self._sleepers and self._sleepers[0][0] <= self._now:
            future = heapq.heappop(self._sleepers)[2]
            if not future.done():
                future.set_result(None)

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + int(seconds * 1000), next(self._tie), future))
        await future

    async def wait(self, event: asyncio.Event, seconds: float | None) -> bool:
        if seconds is None:
            await event.wait()
            return True
        waiting = asyncio.ensure_future(event.wait())
        sleeping = asyncio.ensure_future(self.sleep(seconds))
        try:
            await asyncio.wait({waiting, sleeping}, return_when=asyncio.FIRST_COMPLETED)
            return waiting.done()
        finally:
            waiting.cancel()
            sleeping.cancel()


def from_datetime(moment: datetime) -> Instant:
    """The instant of an aware date and time."""
    return int(moment.timestamp() * 1000)


def to_datetime(instant: Instant) -> datetime:
    """The aware UTC date and time of an instant; out-of-range instants are clamped."""
    clamped = min(max(instant, -62_135_596_800_000), 253_402_300_799_000)
    return datetime.fromtimestamp(clamped / 1000, UTC)


def to_iso(instant: Instant) -> str:
    """RFC 3339 with milliseconds and Z, as Statuspage writes it."""
    return to_datetime(instant).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ceil_minute(instant: Instant) -> Instant:
    """The instant rounded up to the minute: what "next update by" shows."""
    return -(-instant // MINUTE) * MINUTE
