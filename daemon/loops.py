"""A loop of the daemon: do one step, say whether there was work, sleep when there was none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from daemon.core.clock import Clock
from daemon.core.errors import Unavailable

LONGEST_BACK_OFF = 30.0  # seconds between tries of a step that keeps failing
SICK_AFTER = 3  # failures in a row that make the daemon unhealthy

Failed = Callable[[str, Exception], None]
"""Told of each unexpected error: the loop's name and the error; counts and logs it."""


class Loop:
    """Runs one step over and over; ``wake`` cuts its sleep short."""

    def __init__(
        self,
        name: str,
        step: Callable[[], Awaitable[bool]],
        clock: Clock,
        failed: Failed,
        *,
        longest: float = 1.0,
        turned: Callable[[str], None] | None = None,
    ) -> None:
        self.name = name
        self.wake = asyncio.Event()
        self.failures = 0
        self.turned_at = clock.monotonic()
        self._step = step
        self._clock = clock
        self._failed = failed
        self._longest = longest
        self._turned = turned
        self._stopping = False

    @property
    def is_sick(self) -> bool:
        return self.failures >= SICK_AFTER

    def stop(self) -> None:
        """Let the step in hand finish, then end."""
        self._stopping = True
        self.wake.set()

    async def run(self) -> None:
        """Turn until stopped.  An unexpected error is counted and the loop goes on after a pause."""
        while not self._stopping:
            self.wake.clear()
            worked = await self._turn()
            self.turned_at = self._clock.monotonic()
            if self._turned is not None:
                self._turned(self.name)
            if not worked and not self._stopping:
                pause = min(self._longest * 2**self.failures, LONGEST_BACK_OFF)
                await self._clock.wait(self.wake, pause if self.failures else self._longest)

    async def _turn(self) -> bool:
        try:
            worked = await self._step()
        except Unavailable:
            return False  # the store said not now; the next turn asks again
        except Exception as error:  # noqa: BLE001 - one fault must not end the loop; it is counted and shown
            self.failures += 1
            self._failed(self.name, error)
            return False
        self.failures = 0
        return worked
