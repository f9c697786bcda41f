"""Waiting for what another process does: ask again and again, with an end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from daemon.core.clock import SystemClock

T = TypeVar("T")
CLOCK = SystemClock()
PAUSE = 0.02
"""Seconds between two questions; another process cannot wake us."""


async def until(question: Callable[[], T], *, within: float = 10.0, what: Callable[[], object] = str) -> T:
    """The first true answer; AssertionError with the last answer and ``what()`` after ``within`` seconds."""

    async def ask() -> T:
        return question()

    return await until_heard(ask, within=within, what=what)


async def until_heard(
    question: Callable[[], Awaitable[T]], *, within: float = 10.0, what: Callable[[], object] = str
) -> T:
    """As ``until``, for questions that wait for an answer themselves."""
    end = CLOCK.monotonic() + within
    while True:
        answer = await question()
        if answer:
            return answer
        assert CLOCK.monotonic() < end, f"not within {within:.0f} s; last seen: {answer!r} {what()}"
        await CLOCK.sleep(PAUSE)
