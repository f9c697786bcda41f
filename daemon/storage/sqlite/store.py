"""The SQLite store: opening, closing, and the port of daemon/core/store.py over writer and readers."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from daemon.core.clock import Clock, Instant, Span
from daemon.core.delivery import Delivery
from daemon.core.errors import BadConfig
from daemon.core.store import Learned
from daemon.storage.restoration import hold
from daemon.storage.sqlite import connection as connections
from daemon.storage.sqlite import place, schema
from daemon.storage.sqlite.engine import SqliteEngine
from daemon.storage.sqlite.generation import Generation
from daemon.storage.sqlite.readers import LIMIT, Readers
from daemon.storage.writer import Limits, Writer
from daemon.storage.written import Written

T = TypeVar("T")


class SqliteStore(Readers, Written):
    """Made by ``open_sqlite``; ``close`` it."""

    def __init__(
        self,
        path: Path,
        clock: Clock,
        limits: Limits,
        connection: sqlite3.Connection,
        lock: int,
        secret: bytes,
    ) -> None:
        super().__init__(path, clock)
        self._path = path
        self._connection = connection
        self._lock: int | None = lock
        self._secret = secret
        self._engine = SqliteEngine(connection, limits.lock_wait)
        self._writer = Writer(self._engine, clock, limits)
        self._task = asyncio.create_task(self._writer.run(), name="store writer")
        self._generation = Generation(connection, lock)
        self._counting: asyncio.Task[None] | None = None
        self._held: int | None = None

    @property
    def committed(self) -> int:
        return self._writer.committed

    @property
    def secret(self) -> bytes:
        return self._secret

    @property
    def notices(self) -> tuple[str, ...]:
        """What an operator should know at start."""
        found = []
        if sqlite3.sqlite_version_info < connections.SAFE_VERSION:
            safe = ".".join(map(str, connections.SAFE_VERSION))
            found.append(
                f"SQLite {sqlite3.sqlite_version} is older than {safe}: let no other program write to it"
            )
        if self._held is not None:
            found.append(
                f"{self._path} is older than what was there before: taken for a restored backup,"
                f" {self._held} deliveries are held until a person decides (tocsin outbox list --state held)"
            )
        return tuple(found)

    @property
    def exclusive(self) -> bool:
        """The lock beside the file proves it."""
        return True

    @property
    def is_current(self) -> bool:
        return True

    async def follow(self, tell: Callable[[Learned], None]) -> None:  # noqa: ARG002 - it is never called
        """Nobody else writes; but whoever follows has read all that a start reads, and serves from now on."""
        self._time_limit = LIMIT

    async def begin(self) -> None:
        """Before anything else: an older copy of the database is treated as a restored one."""
        if self._generation.is_older:
            self._held = await hold(self, self._clock.now())
        await asyncio.to_thread(self._generation.count)  # the writer has nothing to do yet
        counting = self._generation.run(self.write, lambda: self._writer.commits, self._clock)
        self._counting = asyncio.create_task(counting, name="store generation")

    async def claim(
        self,
        channel: str,
        now: Instant,
        limit: int,
        lease: Span,  # noqa: ARG002 - nobody competes
        *,
        edits: bool = False,
    ) -> list[Delivery]:
        if edits:
            return await self.claimable_edits(now, limit, channel)
        return await self.claimable(now, limit, channel)

    def stats(self) -> Mapping[str, float]:
        return {
            **self._figures(),
            "database_bytes": _size(self._path),
            "wal_bytes": _size(self._path.with_name(self._path.name + "-wal")),
        }

    async def close(self) -> None:
        if self._lock is None:
            return
        lock, self._lock = self._lock, None
        if self._counting is not None:
            self._counting.cancel()
            await asyncio.wait({self._counting})
        await self._writer.close(self._task)
        await asyncio.to_thread(self._let_go, lock)

    def _let_go(self, lock: int) -> None:
        self.close_readers()
        try:
            if not self.failure:
                self._generation.count()
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error:
            pass  # the log stays and is read at the next start: nothing is lost
        finally:
            self._connection.close()
            os.close(lock)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


async def open_sqlite(path: Path, clock: Clock, limits: Limits | None = None) -> SqliteStore:
    """Open or create the database, bring its schema up to date, start the writer.

    Raises BadConfig (wrong place, damaged, foreign or newer file) or Unavailable
    (another daemon or program holds it), with one sentence that says what to do.
    """
    connection, lock, secret = await asyncio.to_thread(_open, path)
    store = None
    try:
        store = SqliteStore(path, clock, limits or Limits(), connection, lock, secret)
        await store.begin()
    except BaseException as error:
        if store is not None:
            await store.close()
        else:
            connection.close()
            os.close(lock)
        if isinstance(error, sqlite3.Error):
            raise BadConfig(f"database: {path} cannot be read: {error}; restore it from a backup") from error
        raise
    return store


def _open(path: Path) -> tuple[sqlite3.Connection, int, bytes]:
    place.check_place(path)
    lock = place.take_lock(path)
    try:
        place.create(path)
        try:
            connection = connections.open_writer(path)
        except sqlite3.Error as error:
            raise BadConfig(f"database: {path} cannot be opened: {error}") from error
        try:
            secret = schema.prepare(connection, path)
            if Generation(connection, lock).is_older:
                secret = schema.renew_secret(connection)
            place.sync_directory(path.parent)
        except BaseException:
            connection.close()
            raise
    except BaseException:
        os.close(lock)
        raise
    return connection, lock, secret
