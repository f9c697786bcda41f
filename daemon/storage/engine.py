"""The database's half of a group commit: what the writer needs of SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, Protocol

from daemon.core.clock import Instant
from daemon.storage.batch import Batch, Memory
from daemon.storage.statements import Statement


class Fault(Enum):
    """The three answers to a database error."""

    wait = "wait"  # nothing was stored; the next try may succeed by itself
    broken = "broken"  # what is stored is in doubt: the process must exit and read it again
    content = "content"  # the rows themselves are refused: find the culprit


class Missing(BaseException):
    """A work asked what is not at hand: the engine fetches it, then the work runs again.

    Not an Exception, because a work that catches those must not catch this.
    """

    def __init__(self, statement: Statement, values: Sequence[dict[str, Any]]) -> None:
        super().__init__("questions whose answers must be fetched")
        self.statement = statement
        self.values = values  # one set of parameters for each question


class Engine(Protocol):
    """One database.  Methods are called by the writer alone, one at a time.

    ``begin``, ``fetch`` and ``commit`` raise the driver's own errors, which
    ``fault_of`` judges.
    """

    @property
    def memory(self) -> Memory:
        """Counters and heads, current while a transaction is open."""
        ...

    @property
    def latest(self) -> Instant:
        """The newest instant that any process has committed: no work is older."""
        ...

    async def begin(self) -> int:
        """Open a transaction in which nobody else can write; the number of the batch that it will be."""
        ...

    async def fetch(self, missing: Missing) -> None:
        """Bring what a work lacked, inside the open transaction."""
        ...

    async def commit(self, batch: Batch) -> int:
        """Write the batch and make it durable; the number of rows (zero: no disk was waited for)."""
        ...

    async def roll_back(self) -> None:
        """Leave no transaction open; raises nothing."""
        ...

    async def idle(self) -> None:
        """After each batch and, while there is none, every ``idle_every`` seconds: upkeep.

        Raises the driver's errors only when the database must be opened anew.
        """
        ...

    @property
    def idle_every(self) -> float | None: ...

    def fault_of(self, error: BaseException) -> Fault: ...

    def is_lock(self, error: BaseException) -> bool:
        """Whether somebody else holds the right to write: then what waits is refused too."""
        ...

    def in_plain_words(self, error: BaseException) -> str: ...

    def is_own(self, error: BaseException) -> bool:
        """Whether the error is the database's, and not the work's."""
        ...

    async def close(self) -> None: ...
