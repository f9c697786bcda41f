"""Telling the database from an older copy of itself that somebody put in its place.

The database counts its generations, one every few seconds of a life; the lock
file beside it remembers the newest.  A file that is behind its lock file is a
past of which the world knows the continuation, as a restored backup is
(docs/decisions/0011-restore.md).

The lock file is written after the commit and never flushed: it may only be behind.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from daemon.core.clock import Clock, Instant
from daemon.core.errors import Unavailable
from daemon.core.store import Tx
from daemon.storage.engine import Fault
from daemon.storage.sqlite.faults import fault_of
from daemon.storage.tables import NOTE

EVERY = 5.0
"""Seconds between two generations; a copy that is younger than this is taken for the database itself."""

_NAME = "generation"
_DIGITS = 20  # always as many, so that one write replaces another

Write = Callable[[Callable[[Tx], Any], Instant, int], Awaitable[Any]]


class Generation:
    """The counter of one open database; ``lock`` is the descriptor of its lock file."""

    def __init__(self, connection: sqlite3.Connection, lock: int) -> None:
        self._connection = connection
        self._lock = lock
        self._number = counted(connection)
        self._recorded = recorded(lock)

    @property
    def is_older(self) -> bool:
        """Whether a newer state of this database was seen under this name."""
        return self._number < self._recorded

    async def run(self, write: Write, commits: Callable[[], int], clock: Clock) -> None:
        """Count on while the daemon writes; until cancelled."""
        seen = commits()
        while True:
            await clock.sleep(EVERY)
            if commits() == seen:
                continue
            value = self._next()
            with suppress(Unavailable):  # nothing else could be written either: the next turn tries again
                await write(lambda tx, value=value: tx.note(_NAME, value), clock.now(), 0)  # type: ignore[misc]
                seen = commits()
                self._record()

    def count(self) -> None:
        """The first one of a life, or the last: while nobody else writes.  Raises sqlite3.Error."""
        try:
            self._connection.execute(
                "INSERT INTO meta (name, value) VALUES (?, ?)"
                " ON CONFLICT DO UPDATE SET value = excluded.value",
                (NOTE + _NAME, self._next()),
            )
        except sqlite3.Error as error:
            if fault_of(error) is not Fault.wait:
                raise
            return  # a full disk: the file beside it learns no more than the database
        self._record()

    def _next(self) -> bytes:
        self._number = max(self._number, self._recorded) + 1
        return str(self._number).encode()

    def _record(self) -> None:
        self._recorded = self._number
        with suppress(OSError):  # a full disk; the record stays behind, which is no error
            os.pwrite(self._lock, f"{self._number:0{_DIGITS}}".encode(), 0)


def counted(connection: sqlite3.Connection) -> int:
    """The generation that the database is in; 0 for one that never ran."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (NOTE + _NAME,)).fetchone()
    return int(row[0]) if row else 0


def recorded(lock: int) -> int:
    """The newest generation that was seen; 0 when nothing legible stands there."""
    text = os.pread(lock, _DIGITS + 1, 0)
    return int(text) if len(text) == _DIGITS and text.isdigit() else 0


def forget(lock: int) -> None:
    """An operator puts another database there and has said so: it is the newest now."""
    os.ftruncate(lock, 0)
