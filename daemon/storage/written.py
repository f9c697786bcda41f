"""The writing half of the port, the same for every database: work goes to the one writer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from daemon.core.clock import Instant
from daemon.core.store import Tx
from daemon.storage.answers import Answers
from daemon.storage.writer import Writer

T = TypeVar("T")


class Written(Answers):
    """A store whose class has made ``_writer``."""

    _writer: Writer

    @property
    def failure(self) -> str:
        return self._writer.failure

    async def write(self, work: Callable[[Tx], T], now: Instant, weight: int = 1) -> T:
        return await self._writer.submit(work, now, weight)

    def on_rollback(self, callback: Callable[[frozenset[int]], None]) -> None:
        self._writer.rollback_callbacks.append(callback)

    def on_lost_batch(self, callback: Callable[[int], None]) -> None:
        self._writer.lost_callbacks.append(callback)

    def on_failure(self, callback: Callable[[str], None]) -> None:
        self._writer.failure_callbacks.append(callback)

    def _figures(self) -> dict[str, float]:
        writer = self._writer
        return {
            "queued_weight": writer.queued,
            "estimated_wait_seconds": writer.estimated_wait,
            "commits": writer.commits,
            "rollbacks": writer.rollbacks,
            "undone_works": writer.undone,
        }
