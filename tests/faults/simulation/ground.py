"""Where a world's store lies: opened by a life of the daemon, abandoned by its death, read from outside."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from daemon.core.clock import SystemClock
from daemon.core.store import Store
from daemon.storage.sqlite.store import SqliteStore, open_sqlite
from daemon.storage.writer import Limits

T = TypeVar("T")

FILE = "tocsin.db"
SECRET = bytes(range(32))  # public ids follow from it: the same seed, the same keys


@dataclass(frozen=True)
class Row:
    """A delivery as another process reads it: committed."""

    state: str
    token: int
    payload: bytes


class Ground(Protocol):
    """One database, whatever its kind."""

    async def open(self, folder: Path) -> Store:
        """As the daemon's start does.  Raises Unavailable when the database refuses."""
        ...

    async def abandon(self) -> None:
        """The process is gone: nothing is finished, committed or told."""
        ...

    async def delivery(self, key: str) -> Row | None:
        """What is committed about a delivery; over a connection of the world's own."""
        ...

    async def edits(self, key: str) -> list[Row]:
        """What is committed of the edits of a post, oldest first."""
        ...

    async def episodes(self) -> dict[str, tuple[int, bool]]:
        """Fingerprint -> start of its newest committed episode and whether that fires."""
        ...

    def refuse(self, how: str) -> None:
        """``begin``: no transaction starts.  ``commit``: none ends.  Empty: all is well again."""
        ...

    async def close(self) -> None: ...


class SqliteGround:
    """A file; made from a template, because migrations cost more than most examples."""

    def __init__(self, folder: Path, template: Path) -> None:
        shutil.copyfile(template, folder / FILE)
        self._path = folder / FILE
        self._reader = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, isolation_level=None)
        self._store: SqliteStore | None = None
        self._how = ""

    async def open(self, folder: Path) -> Store:
        self._store = await open_sqlite(folder / FILE, SystemClock(), Limits(lock_wait=0))
        engine = self._store._engine
        engine._connection = cast("sqlite3.Connection", Reluctant(engine._connection, self))
        for pool in (engine._thread, self._store._threads):
            pool.shutdown()
        engine._thread = self._store._threads = AtOnce()
        await self._stop_counting(self._store)  # it goes by the machine's own seconds
        return self._store

    async def _stop_counting(self, store: SqliteStore) -> None:
        if store._counting is not None:
            store._counting.cancel()
            await asyncio.wait({store._counting})

    @property
    def how(self) -> str:
        """How the database refuses now."""
        return self._how

    def refuse(self, how: str) -> None:
        self._how = how

    async def abandon(self) -> None:
        store, self._store = self._store, None
        if store is None or store._lock is None:
            return
        store._task.cancel()
        await asyncio.wait({store._task})
        store._engine._thread.shutdown()
        store.close_readers()
        store._connection.close()
        os.close(store._lock)

    async def delivery(self, key: str) -> Row | None:
        found = self._reader.execute(
            "SELECT state, token, payload FROM deliveries WHERE key = ?", (key,)
        ).fetchone()
        return Row(*found) if found else None

    async def edits(self, key: str) -> list[Row]:
        found = self._reader.execute(
            "SELECT e.state, e.token, e.payload FROM deliveries p, deliveries e"
            " WHERE p.key = ? AND e.group_id = p.group_id AND e.edits = p.id ORDER BY e.id",
            (key,),
        )
        return [Row(*row) for row in found]

    async def episodes(self) -> dict[str, tuple[int, bool]]:
        rows = self._reader.execute(
            "SELECT fingerprint, starts_at, firing FROM episodes ORDER BY starts_at, id"
        ).fetchall()
        return {row[0]: (row[1], bool(row[2])) for row in rows}

    async def close(self) -> None:
        await self.abandon()
        self._reader.close()


class AtOnce(ThreadPoolExecutor):
    """Work is done where it is asked for: no thread decides what comes first."""

    def __init__(self) -> None:
        super().__init__(1)

    def submit(self, work: Callable[..., T], /, *arguments: Any, **named: Any) -> Future[T]:
        done: Future[T] = Future()
        try:
            done.set_result(work(*arguments, **named))
        except Exception as error:  # noqa: BLE001 - it belongs to whoever asks for the result
            done.set_exception(error)
        return done


class Reluctant:
    """A connection that fails as a full or locked disk makes it fail."""

    def __init__(self, connection: sqlite3.Connection, ground: SqliteGround) -> None:
        self._connection = connection
        self._ground = ground

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        how = self._ground.how
        if how == "begin" and statement.startswith("BEGIN"):
            raise _refusal(sqlite3.SQLITE_BUSY)
        if how == "commit" and statement == "COMMIT":
            raise _refusal(sqlite3.SQLITE_FULL)
        return self._connection.execute(statement, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def _refusal(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("the world refuses")
    error.sqlite_errorcode = code
    return error


async def make_template(path: Path) -> Path:
    """An empty database of the newest schema, with a secret that everybody knows."""
    store = await open_sqlite(path, SystemClock())
    await store.close()
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE meta SET value = ? WHERE name = 'id_secret'", (SECRET,))
    connection.close()
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    return path
