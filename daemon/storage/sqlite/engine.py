"""SQLite's half of a group commit: statements in the event loop, COMMIT in a thread."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from daemon.core.errors import Conflict
from daemon.storage import statements as sql
from daemon.storage.batch import Batch, Memory, move_to_row
from daemon.storage.engine import Fault, Missing
from daemon.storage.rows import Row
from daemon.storage.sqlite import faults
from daemon.storage.sqlite.checkpoint import Checkpointer

_COUNTERS = {
    "group": "SELECT max(max(coalesce((SELECT max(id) FROM groups), 0)),"
    " coalesce((SELECT max(group_id) FROM journal), 0))",
    "episode": "SELECT max(id) FROM episodes",
    "delivery": "SELECT max(id) FROM deliveries",
    "number": "SELECT max(number) FROM groups",
}


class SqliteEngine:
    """Nothing else touches its connection."""

    idle_every: float | None = None
    latest = 0  # nobody else has a clock

    def __init__(self, connection: sqlite3.Connection, lock_wait: float) -> None:
        self._connection = connection
        self._lock_wait = lock_wait
        self._checkpointer = Checkpointer(connection)
        self._thread = ThreadPoolExecutor(1, "tocsin-commit")
        self._number = 0
        counters = {
            name: int(connection.execute(question).fetchone()[0] or 0) for name, question in _COUNTERS.items()
        }
        self.memory = Memory(self._ask, counters)

    def _ask(self, statement: sql.Statement, **values: Any) -> list[Row]:
        query = statement.sqlite
        return self._connection.execute(query.text, query.bind(**values)).fetchall()

    async def fetch(self, missing: Missing) -> None:
        raise AssertionError("a file is always at hand") from missing

    async def begin(self) -> int:
        self._number += 1
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not faults.is_lock(error):
                raise
            await self._in_thread(self._begin_patiently)
        return self._number

    def _begin_patiently(self) -> None:
        """In the thread, so that a foreign lock stops the writer and not the event loop."""
        self._connection.execute(f"PRAGMA busy_timeout = {int(self._lock_wait * 1000)}")
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        finally:
            self._connection.execute("PRAGMA busy_timeout = 0")

    async def commit(self, batch: Batch) -> int:
        rows = self._flush(batch)
        if not rows:
            self._connection.execute("COMMIT")  # nothing was written: no disk is waited for
            return 0
        await self._in_thread(self._connection.execute, "COMMIT")
        self._checkpointer.wrote(rows)
        return rows

    def _flush(self, batch: Batch) -> int:
        """Run the statements, one ``executemany`` per table."""
        rows = 0
        for statement, values in (
            (sql.INSERT_JOURNAL, batch.journal),
            (sql.INSERT_EPISODE, batch.episodes),
            (sql.UPDATE_EPISODE, batch.episode_changes),
            (sql.UPSERT_GROUP, batch.group_rows()),
            (sql.INSERT_DELIVERY, list(batch.deliveries.values())),
            (sql.INSERT_QUARANTINE, batch.quarantine),
            (sql.UPSERT_BOUNCE, list(batch.bounces.values())),
            (sql.UPSERT_SUPPRESSION, list(batch.suppressions.values())),
            (sql.INSERT_RULES, batch.rules),
            (sql.UPSERT_NOTE, batch.notes),
            (sql.TRIM_QUARANTINE, batch.trims),
        ):
            if values:
                self._connection.executemany(statement, values)
                rows += len(values)
        return rows + self._move(batch)

    def _move(self, batch: Batch) -> int:
        if not batch.moves:
            return 0
        cursor = self._connection.executemany(sql.UPDATE_DELIVERY, map(move_to_row, batch.moves.values()))
        if cursor.rowcount != len(batch.moves):
            raise Conflict("a delivery was changed by somebody else; read it again")
        return len(batch.moves)

    async def roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    async def idle(self) -> None:
        """A checkpoint when one is due; an fsync that fails in it must end the process."""
        if self._checkpointer.is_due:
            await self._in_thread(self._checkpointer.run)

    def fault_of(self, error: BaseException) -> Fault:
        return faults.fault_of(error)

    def is_lock(self, error: BaseException) -> bool:
        return faults.is_lock(error)

    def in_plain_words(self, error: BaseException) -> str:
        return faults.in_plain_words(error)

    def is_own(self, error: BaseException) -> bool:
        return isinstance(error, sqlite3.Error)

    async def close(self) -> None:
        """End the thread; the connection is the opener's again."""
        self._thread.shutdown()

    async def _in_thread(self, function: Callable[..., object], *arguments: object) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)
