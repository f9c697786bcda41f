"""Waiting for work that must not be waited for too long, and that goes on all the same."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from daemon.core.clock import Clock

T = TypeVar("T")

TURN = 0.25
"""Seconds between two looks at what is due; deadlines are this exact."""


class Late(Exception):
    """The deadline has passed; the work is still under way and may yet succeed."""


class Deadlines:
    """One span for all, so that one loop over a queue watches over every request.

    ``on_late_error`` hears of errors in work that nobody waits for any more.
    """

    def __init__(self, clock: Clock, span: float, on_late_error: Callable[[BaseException], None]) -> None:
        self._clock = clock
        self._span = span
        self._on_late_error = on_late_error
        self._queue: deque[tuple[float, asyncio.Future[None]]] = deque()
        self._watcher: asyncio.Task[None] | None = None
        self._late: set[asyncio.Task[Any]] = set()

    async def bound(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of the work.  Raises Late after the span; the work is never cancelled.

        Work that is given up at its deadline would be given up again at every
        repetition; work that goes on makes the repetition cheap.
        """
        task = asyncio.create_task(work)
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task.add_done_callback(lambda _: _wake(woken))
        self._queue.append((self._clock.monotonic() + self._span, woken))
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._watch())
        try:
            await woken
        finally:
            if not task.done():
                self._late.add(task)
                task.add_done_callback(self._ended_late)
        if not task.done():
            raise Late
        return task.result()

    async def close(self) -> None:
        """Wait for work that is under way still; whoever calls this bounds it."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
        if self._late:
            await asyncio.gather(*self._late, return_exceptions=True)

    async def _watch(self) -> None:
        while self._queue:
            due, woken = self._queue[0]
            left = due - self._clock.monotonic()
            if woken.done() or left <= 0:
                self._queue.popleft()
                _wake(woken)
            else:
                await self._clock.sleep(min(left, TURN))
        self._watcher = None

    def _ended_late(self, task: asyncio.Task[Any]) -> None:
        self._late.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_late_error(error)


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)
