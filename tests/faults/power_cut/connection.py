"""What the store needs of ``sqlite3.Connection``, over a simulated disk.

``daemon/storage`` runs on it unchanged.  The one difference: the lock is
exclusive, because a VFS in Python has no shared memory for the index of the log.
That changes no byte that goes to disk.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import apsw

from tests.faults.power_cut.disk import Acknowledged, Disk

FULL = "PRAGMA synchronous = FULL"


@dataclass(frozen=True, slots=True)
class _Many:
    rowcount: int


class SimulatedConnection:
    """``pending`` is what the works of the batch have journalled; COMMIT promises it."""

    def __init__(self, disk: Disk, vfs: str, name: str, synchronous: str) -> None:
        self._disk = disk
        self._connection = apsw.Connection(name, vfs=vfs)
        self._connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
        self._synchronous = synchronous
        self.lowered = 0
        self.pending: set[tuple[int, int]] = set()

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> Any:
        if statement == FULL and self._synchronous != "FULL":
            self.lowered += 1
            statement = f"PRAGMA synchronous = {self._synchronous}"
        cursor = self._connection.execute(statement, values)
        if statement == "COMMIT" and self.pending:
            self._disk.log.append(Acknowledged(frozenset(self.pending)))
            self.pending.clear()
        return cursor

    def executemany(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> _Many:
        before = self._connection.total_changes()
        self._connection.executemany(statement, rows)
        return _Many(self._connection.total_changes() - before)

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def abandon(self) -> None:
        """The power is gone: nothing that closing would write counts any more."""
        length = len(self._disk.log)
        self._connection.close()
        del self._disk.log[length:]
