"""Trouble that passes (a lock, a full disk, a slow question) and trouble that does not (fsync)."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from daemon.core.clock import SystemClock
from daemon.core.errors import Unavailable
from daemon.storage.engine import Fault
from daemon.storage.sqlite.faults import fault_of
from daemon.storage.writer import Limits
from tests.storage.conftest import Open
from tests.storage.samples import NOW, begin, new_group

IMPATIENT = Limits(lock_wait=0.2)


async def test_a_foreign_writer_makes_writes_wait_and_then_fail(open_store: Open, path: Path) -> None:
    """All callers get Unavailable, readers and the event loop go on, and it heals by itself."""
    store = await open_store(IMPATIENT)
    foreign = sqlite3.connect(path, isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    writes = [asyncio.create_task(store.write(begin, NOW)) for _ in range(5)]
    assert await store.open_groups() == []
    assert not any(write.done() for write in writes)
    refused = await asyncio.gather(*writes, return_exceptions=True)
    assert [str(error) for error in refused] == ["the database is locked by another program"] * 5
    assert all(isinstance(error, Unavailable) for error in refused)

    foreign.execute("ROLLBACK")
    foreign.close()
    assert await new_group(store) == 1
    assert store.failure == ""


async def test_a_short_foreign_lock_is_only_a_delay(open_store: Open, path: Path) -> None:
    """A lock that goes within the wait costs time and nothing else."""
    store = await open_store(Limits(lock_wait=10))
    foreign = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    foreign.execute("BEGIN IMMEDIATE")
    write = asyncio.create_task(new_group(store))
    assert await store.open_groups() == []
    assert not write.done()
    foreign.execute("ROLLBACK")
    foreign.close()
    assert await write == 1


async def test_a_full_database_refuses_and_heals(open_store: Open) -> None:
    """SQLITE_FULL: nothing of the batch is stored, ids are given back, room helps at once."""
    store = await open_store()
    told: list[frozenset[int]] = []
    store.on_rollback(told.append)
    await new_group(store)
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    refused = await asyncio.gather(
        store.write(lambda tx: begin(tx, view=bytes(200_000)), NOW),
        store.write(begin, NOW),
        return_exceptions=True,
    )
    assert [type(error) for error in refused] == [Unavailable, Unavailable]
    assert str(refused[0]) == "the disk is full"
    assert told == [frozenset({2, 3})]
    assert len(await store.open_groups()) == 1

    store._connection.execute("PRAGMA max_page_count = 1000000")
    assert await store.write(lambda tx: begin(tx, view=bytes(200_000)), NOW) == 2


class Doomed:
    """A connection whose statements fail from now on as SQLite reports it."""

    def __init__(self, real: sqlite3.Connection, statement: str, code: int) -> None:
        self._real = real
        self._statement = statement
        self._code = code

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def execute(self, statement: str, *parameters: Any) -> Any:
        if statement.startswith(self._statement):
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = self._code
            raise error
        return self._real.execute(statement, *parameters)


async def test_row_19_an_fsync_error_breaks_the_store_for_good(open_store: Open) -> None:
    """The process is told to exit; nothing is tried again; queued and later callers are refused."""
    store = await open_store()
    reasons: list[str] = []
    store.on_failure(reasons.append)
    real = store._connection
    store._engine._connection = Doomed(real, "COMMIT", sqlite3.SQLITE_IOERR_FSYNC)  # type: ignore[assignment]
    refused = await asyncio.gather(
        *(store.write(begin, NOW, 2_000) for _ in range(3)), return_exceptions=True
    )
    assert all(isinstance(error, Unavailable) for error in refused)
    assert reasons == [store.failure]
    assert "must be opened anew" in store.failure
    with pytest.raises(Unavailable, match="disk I/O error"):
        await new_group(store)
    await store.close()
    assert await (await open_store()).open_groups() == []


async def test_row_19_an_fsync_error_in_a_checkpoint_breaks_the_store(open_store: Open) -> None:
    """SQLite's own checkpoints would swallow it and "succeed" at the next try."""
    store = await open_store()
    reasons: list[str] = []
    store.on_failure(reasons.append)
    checkpointer = store._engine._checkpointer
    real = store._connection
    checkpointer._connection = Doomed(real, "PRAGMA wal_checkpoint", sqlite3.SQLITE_IOERR_FSYNC)  # type: ignore[assignment]
    checkpointer._guess = 1e9
    assert await new_group(store) == 1
    await asyncio.wait({store._task})
    assert "upkeep" in reasons[0]
    with pytest.raises(Unavailable, match="upkeep"):
        await new_group(store)


async def test_a_defect_in_the_writer_is_not_silent(open_store: Open) -> None:
    """If the writer itself fails, callers are refused and the process is told; nobody waits for ever."""
    store = await open_store()
    reasons: list[str] = []
    store.on_failure(reasons.append)

    def broken(groups: frozenset[int]) -> None:
        raise LookupError("a defect")

    store.on_rollback(broken)

    def bad(tx: Any) -> None:
        begin(tx)
        raise ValueError

    with pytest.raises(Unavailable, match="a defect"):
        await store.write(bad, NOW)
    assert "a defect" in reasons[0]


async def test_row_23_a_question_that_takes_too_long_is_cut_off(open_store: Open) -> None:
    """Readers have a time limit, so that none keeps the log from being copied."""
    store = await open_store()
    store._clock, store._time_limit = SystemClock(), 0.05
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(Unavailable, match="took too long"):
        await store._ask(lambda connection: connection.execute(endless).fetchone())
    assert await store.open_groups() == []


class EachLookASecond(SystemClock):
    """On a disk so slow that a second passes between two looks at the clock."""

    def __init__(self) -> None:
        self._looks = 0.0

    def monotonic(self) -> float:
        self._looks += 1
        return self._looks


async def test_row_23_a_start_waits_for_a_slow_disk(open_store: Open) -> None:
    """What a start reads may take its time; once the daemon serves the same question is cut off."""
    store = await open_store()
    store._clock = EachLookASecond()
    slow = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) SELECT count(*) FROM n"
    )
    (rows,) = await store._ask(lambda connection: connection.execute(slow).fetchone())
    assert rows == 20_000
    await store.follow(lambda _: None)
    with pytest.raises(Unavailable, match="took too long"):
        await store._ask(lambda connection: connection.execute(slow).fetchone())


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (sqlite3.SQLITE_BUSY, Fault.wait),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, Fault.wait),
        (sqlite3.SQLITE_FULL, Fault.wait),
        (sqlite3.SQLITE_READONLY_DBMOVED, Fault.wait),
        (sqlite3.SQLITE_IOERR_WRITE, Fault.wait),
        (sqlite3.SQLITE_IOERR_FSYNC, Fault.broken),
        (sqlite3.SQLITE_IOERR_READ, Fault.broken),
        (sqlite3.SQLITE_CORRUPT, Fault.broken),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, Fault.content),
        (sqlite3.SQLITE_TOOBIG, Fault.content),
        (None, Fault.content),
    ],
)
def test_what_an_error_code_means(code: int | None, fault: Fault) -> None:
    """Wait, give up, or look for the culprit: decided by SQLite's result code."""
    error = sqlite3.OperationalError("x")
    if code is not None:
        error.sqlite_errorcode = code
    assert fault_of(error) is fault
