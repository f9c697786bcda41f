"""The connections to one relay: few, used again, and never for long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import aiosmtplib

from channels.smtp_wire import Line
from daemon.core.clock import Clock

MOST_MAILS = 100
"""Mails on one connection; relays count them, and a new one may meet another machine behind the name."""

OLDEST = 60.0
"""Seconds that a connection is used."""

RESTS = 5.0
"""Seconds that an unused connection stays open."""

GOING_AWAY = 421


class Pool:
    """At most ``connections`` at once; whoever wants more waits for one."""

    def __init__(self, make: Callable[[], aiosmtplib.SMTP], clock: Clock, connections: int) -> None:
        self._make = make
        self._clock = clock
        self._free = asyncio.Semaphore(connections)
        self._idle: list[Line] = []
        self._sweeper: asyncio.Task[None] | None = None
        self._closed = False

    async def take(self) -> Line:
        """A connection that is ready for a mail; give it back or drop it.

        Raises aiosmtplib's errors and OSError: nothing was sent then.
        """
        await self._free.acquire()
        try:
            while self._idle:
                line = self._idle.pop()  # the newest: the others may rest, and end
                if line.is_open and line.age < OLDEST:
                    return line
                await line.part()
            line = Line(self._make(), self._clock)
            try:
                await line.open()
            except BaseException:
                line.close()
                raise
        except BaseException:
            self._free.release()
            raise
        return line

    async def give_back(self, line: Line, refused: int = 0) -> None:
        """Keep it for the next mail, if it is good for one; ``refused``: the code that the mail got."""
        try:
            worn = line.mails >= MOST_MAILS or line.age >= OLDEST or self._closed
            if refused == GOING_AWAY or not line.is_open:
                line.close()
            elif worn:
                await line.part()
            elif not refused or await line.reset():
                self._keep(line)
            else:
                line.close()
        except BaseException:
            line.close()
            raise
        finally:
            self._free.release()

    def drop(self, line: Line) -> None:
        """It broke, or nobody knows where in a mail it is."""
        line.close()
        self._free.release()

    async def close(self) -> None:
        """Say goodbye on what is idle; what is in use is closed when it comes back."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._sweeper
        await self._part_with(self._idle)

    def _keep(self, line: Line) -> None:
        self._idle.append(line)
        if self._sweeper is None or self._sweeper.done():
            self._sweeper = asyncio.create_task(self._sweep(), name="smtp pool")

    async def _sweep(self) -> None:
        """While there are idle connections, end those that nobody has used between two looks."""
        before: list[Line] = []
        used: dict[Line, int] = {}
        while self._idle:
            await self._clock.sleep(RESTS)
            before = [line for line in self._idle if used.get(line) == line.mails]
            used = {line: line.mails for line in self._idle}
            await self._part_with(before)

    async def _part_with(self, lines: list[Line]) -> None:
        going, self._idle = lines, [line for line in self._idle if line not in lines]
        await asyncio.gather(*(line.part() for line in going))
