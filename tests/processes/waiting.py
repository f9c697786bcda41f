"""Waiting for what another process does: ask again and again, with an end."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

from daemon.core.clock import SystemClock

T = TypeVar("T")
CLOCK = SystemClock()
PAUSE = 0.02
"""Seconds between two questions; another process cannot wake us."""


async def until(
    question: Callable[[], T | Awaitable[T]], *, within: float = 10.0, what: Callable[[], object] = str
) -> T:
    """The first true answer to ``question``; AssertionError with what was last seen after ``within`` seconds."""
    end = CLOCK.monotonic() + within
    while True:
        answer = question()
        found: T = await answer if inspect.isawaitable(answer) else answer
        if found:
            return found
        assert CLOCK.monotonic() < end, f"not within {within:.0f} s; last seen: {found!r} {what()}"
        await CLOCK.sleep(PAUSE)
