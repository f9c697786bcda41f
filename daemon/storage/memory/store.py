"""The port of daemon/core/store.py over a ledger: every write is a batch of its own and done at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from daemon.core.clock import Instant, Span
from daemon.core.delivery import Delivery
from daemon.core.errors import Unavailable
from daemon.core.store import Learned, Tx
from daemon.storage.memory.ledger import Ledger
from daemon.storage.memory.reading import Reading
from daemon.storage.memory.transaction import Transaction

T = TypeVar("T")


class MemoryStore(Reading):
    """Over a ledger of one's own; ``close`` it, and open another one over the same ledger."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self._commits = 0
        self._closed = False
        self._rollback: list[Callable[[frozenset[int]], None]] = []

    @property
    def committed(self) -> int:
        return self._ledger.committed

    @property
    def failure(self) -> str:
        return ""

    @property
    def secret(self) -> bytes:
        return self._ledger.secret

    @property
    def exclusive(self) -> bool:
        """Nobody else has the ledger."""
        return True

    @property
    def is_current(self) -> bool:
        return True

    async def follow(self, tell: Callable[[Learned], None]) -> None:
        """Nobody else writes."""

    async def claim(
        self, channel: str, now: Instant, limit: int, lease: Span, *, edits: bool = False
    ) -> list[Delivery]:
        del lease  # nobody competes
        return await (self.claimable_edits if edits else self._posts)(now, limit, channel)

    async def _posts(self, now: Instant, limit: int, channel: str) -> list[Delivery]:
        return await self.claimable(now, limit, channel)

    async def write(self, work: Callable[[Tx], T], now: Instant, weight: int = 1) -> T:  # noqa: ARG002 - no batch to fill
        if self._closed:
            raise Unavailable("the store is closing")
        ledger = self._ledger
        tx = Transaction(ledger, now)
        try:
            answer = work(tx)
            tx.make_groups()
        except BaseException:
            ledger.undo()
            for callback in self._rollback:
                callback(frozenset(tx.touched))
            raise
        finally:
            tx.end()
        self._commits += ledger.settled()
        ledger.committed += 1
        return answer

    def on_rollback(self, callback: Callable[[frozenset[int]], None]) -> None:
        self._rollback.append(callback)

    def on_lost_batch(self, callback: Callable[[int], None]) -> None:
        """No batch is ever lost: only works raise."""

    def on_failure(self, callback: Callable[[str], None]) -> None:
        """Memory does not break."""

    def stats(self) -> Mapping[str, float]:
        return {"commits": self._commits, "rollbacks": 0}

    async def close(self) -> None:
        self._closed = True
