"""Putting a backup in the database's place; a kill at any moment leaves the old file or the new one.

Everything is done on a copy beside the database; one rename at the end makes it
the database.  What was there before stays under a name with the time.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from daemon.core.clock import Clock, Instant, to_datetime
from daemon.core.errors import BadInput, Refused, Unavailable
from daemon.storage.checkup import Checkup
from daemon.storage.engine import Fault
from daemon.storage.restoration import FORGET_SECRET, hold
from daemon.storage.sqlite import generation, place
from daemon.storage.sqlite.backup import copy, sync
from daemon.storage.sqlite.checkup import check_good, require
from daemon.storage.sqlite.connection import open_reader, open_writer
from daemon.storage.sqlite.faults import fault_of, in_plain_words
from daemon.storage.sqlite.store import open_sqlite
from daemon.storage.upkeep import Restored

_SIDE = ("-wal", "-shm", "-journal")


def restore(source: Path, database: Path, clock: Clock) -> Restored:
    """Check ``source``, make it the database, keep the file before.

    Raises Unavailable while a daemon runs, NotFound, BadInput or BadConfig for
    files that cannot be what they are named for, Refused for a damaged copy; the
    database is untouched whenever it raises.  Runs an event loop of its own.
    """
    require(source)
    place.check_place(database)
    if source.resolve() == database.resolve():
        raise BadInput(f"{source}: is the database itself; name a backup")
    with held_lock(database) as lock:
        prepared = database.with_name(f"{database.name}.restoring")
        try:
            found, held = prepare(source, prepared, clock)
            aside = _exchange(prepared, database, clock.now())
            generation.forget(lock)  # else the next start would hold again what people have settled
        except OSError as error:
            raise Refused(f"{database}: cannot be replaced ({error.strerror})") from error
        finally:
            _remove(prepared, "", ".lock", *_SIDE)
    return Restored(found, held, None if aside is None else str(aside))


@contextmanager
def held_lock(database: Path) -> Iterator[int]:
    """No daemon runs, and none can start, meanwhile; the lock's descriptor.  Raises Unavailable."""
    lock = place.take_lock(database)
    try:
        give(database.with_name(f"{database.name}.lock"), database)
        yield lock
    finally:
        os.close(lock)


def prepare(source: Path, prepared: Path, clock: Clock) -> tuple[Checkup, int]:
    """A copy of a backup that knows it is one: what was found in the backup, and how much is held.

    Raises BadConfig or Refused for a backup that cannot be used.
    """
    found = check_good(source)
    _remove(prepared, "", ".lock", *_SIDE)
    place.create(prepared)
    copy(source, prepared)
    held = hold_all(prepared, clock)
    sync(prepared)
    return found, held


def hold_all(database: Path, clock: Clock) -> int:
    """Hold what is not final, and have the secret drawn anew.  Raises Unavailable, BadConfig or Refused."""
    try:
        return asyncio.run(_hold(database, clock))
    except sqlite3.Error as error:
        raise Refused(f"{database}: {in_plain_words(error)}") from error


async def _hold(database: Path, clock: Clock) -> int:
    store = await open_sqlite(database, clock)
    try:
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute(FORGET_SECRET)
        return await hold(store, clock.now())
    finally:
        await store.close()


def _exchange(prepared: Path, database: Path, now: Instant) -> Path | None:
    """Never a moment without a database under its name: a daemon would start with an empty one."""
    give(prepared, database)
    aside = None
    if database.exists():
        aside = _free_name(database, now)
        folded = _fold_log(database)
        os.link(database, aside)
        if not folded:
            _set_log_aside(database, aside)
    # A log of the file before would be replayed into the new one: there must be none.
    _remove(database, *_SIDE)
    place.sync_directory(database.parent)
    prepared.replace(database)
    place.sync_directory(database.parent)
    return aside


def _free_name(database: Path, now: Instant) -> Path:
    name = f"{database.name}.{to_datetime(now):%Y-%m-%dT%H-%M-%S}Z"
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(one for one in map(database.with_name, names) if not one.exists())


def _fold_log(database: Path) -> bool:
    """Copy the log of the file before into it; False when the file is too damaged for that."""
    try:
        # Closing a connection that may write throws the log of an unreadable file away; this one may not.
        with closing(open_reader(database)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        with closing(open_writer(database)) as connection:
            row = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        if fault_of(error) is Fault.broken:
            return False
        raise Unavailable(f"{database}: {in_plain_words(error)}; nothing was restored") from error
    if row[0]:
        raise Unavailable(f"{database}: another program reads it; close that first; nothing was restored")
    return True


def _set_log_aside(database: Path, aside: Path) -> None:
    log = database.with_name(f"{database.name}-wal")
    if log.exists():
        log.replace(aside.with_name(f"{aside.name}-wal"))


def _remove(path: Path, *ends: str) -> None:
    for end in ends:
        path.with_name(path.name + end).unlink(missing_ok=True)


def give(file: Path, database: Path) -> None:
    """To the daemon's user, when root does its work; else the daemon could not open what root made."""
    if os.geteuid() == 0:
        like = (database if database.exists() else database.parent).stat()
        os.chown(file, like.st_uid, like.st_gid)
