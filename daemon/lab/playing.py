"""Plays many tests: one after the other, or side by side in processes where that pays.

Tests share nothing, so it does not matter which process plays which.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from daemon.lab.testing import Chosen, Outcome, Suite, play_one

PAYS = 60
"""With fewer tests a second process costs more than it saves."""

CHUNK = 25  # tests that a process takes at a time

_shared: list[tuple[Suite, Chosen, Callable[[], float]]] = []  # what forked processes find


def in_order(suite: Suite, chosen: Chosen, seconds: Callable[[], float]) -> list[Outcome]:
    """All of them in this process."""
    outcomes: list[Outcome] = []

    async def play() -> None:  # no result: asyncio would write it out at its end, to no one
        for file, scenario in chosen:
            outcomes.append(await play_one(suite, file, scenario, seconds))

    asyncio.run(play())
    return outcomes


def side_by_side(suite: Suite, chosen: Chosen, seconds: Callable[[], float], jobs: int) -> list[Outcome]:
    """In so many processes, if that pays and the system can fork."""
    if jobs < 2 or len(chosen) < PAYS or "fork" not in multiprocessing.get_all_start_methods():
        return in_order(suite, chosen, seconds)
    _shared[:] = [(suite, chosen, seconds)]
    gc.collect()
    gc.freeze()  # what is shared stays shared
    try:
        with ProcessPoolExecutor(jobs, multiprocessing.get_context("fork")) as pool:
            parts = pool.map(_part, range(0, len(chosen), CHUNK))
            return [outcome for part in parts for outcome in part]
    finally:
        gc.unfreeze()
        _shared.clear()


def _part(start: int) -> list[Outcome]:
    suite, chosen, seconds = _shared[0]
    return in_order(suite, chosen[start : start + CHUNK], seconds)
