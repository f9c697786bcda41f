"""Committed data for everybody else: a few read-only connections, each question with a time limit.

A reader that stays open would keep the log from being copied and let it grow,
so every question is one statement (or one short transaction) and is cut off.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from daemon.core.clock import Clock
from daemon.core.errors import Unavailable
from daemon.storage import rows
from daemon.storage.answers import Answers, Question
from daemon.storage.sqlite.connection import open_reader
from daemon.storage.sqlite.faults import in_plain_words
from daemon.storage.statements import Statement

T = TypeVar("T")
LIMIT = 5.0
"""Seconds for one question while the daemon serves."""
PATIENCE = 120.0
"""Seconds at start: nobody else waits, and a start that gave up on a slow disk would never end."""
_STEPS = 20_000  # instructions of SQLite's machine between two looks at the clock


class Readers(Answers):
    """A few connections in threads."""

    def __init__(self, path: Path, clock: Clock, count: int = 2, time_limit: float = PATIENCE) -> None:
        self._clock = clock
        self._time_limit = time_limit
        self._all = [open_reader(path) for _ in range(count)]
        self._idle: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        for connection in self._all:
            self._idle.put(connection)
        self._threads = ThreadPoolExecutor(count, "tocsin-read")

    def close_readers(self) -> None:
        """Let running questions end (they have a limit), then close."""
        self._threads.shutdown()
        for connection in self._all:
            connection.close()

    async def _ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        try:
            answer = self._threads.submit(self._run, question)
        except RuntimeError as error:  # the pool is shut down
            raise Unavailable("the store is closed") from error
        return await asyncio.wrap_future(answer)

    def _run(self, question: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._idle.get()
        end = self._clock.monotonic() + self._time_limit
        connection.set_progress_handler(lambda: self._clock.monotonic() > end, _STEPS)
        try:
            return question(connection)
        except sqlite3.Error as error:
            raise Unavailable(in_plain_words(error)) from error
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._idle.put(connection)

    async def _rows(self, statement: Statement, make: Callable[[rows.Row], T], **values: Any) -> list[T]:
        return await self._ask(lambda connection: list(map(make, fetch(connection, statement, **values))))

    async def _snapshot(self, questions: Sequence[Question]) -> list[list[rows.Row]]:
        def ask(connection: sqlite3.Connection) -> list[list[rows.Row]]:
            connection.execute("BEGIN")
            return [fetch(connection, statement, **values) for statement, values in questions]

        return await self._ask(ask)


def fetch(connection: sqlite3.Connection, statement: Statement, **values: Any) -> list[rows.Row]:
    """The rows of a statement that is compiled for every database."""
    query = statement.sqlite
    return connection.execute(query.text, query.bind(**values)).fetchall()
