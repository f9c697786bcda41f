"""A copy of the database as it is at one moment, made while the daemon goes on."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from daemon.core.errors import BadInput, Refused, Unavailable
from daemon.storage.checkup import MADE_AT_START, Checkup
from daemon.storage.sqlite import place
from daemon.storage.sqlite.checkup import check_good, require
from daemon.storage.sqlite.connection import open_reader
from daemon.storage.sqlite.faults import in_plain_words, is_lock

_MOST_WAITS = 20  # the driver waits 0.25 s after each step that found a lock, and would do so for ever


def back_up(database: Path, target: Path, *, force: bool = False) -> Checkup:
    """Copy, sync, check, and only then give it the name ``target`` (mode 0600).

    Raises NotFound (no database), BadInput (no place for a file), Refused (it
    exists and ``force`` is not set; the database is damaged; the disk is full)
    or Unavailable (locked).  Nothing is left under the name when it raises.
    """
    require(database, MADE_AT_START)
    own = {database.with_name(database.name + end).resolve() for end in ("", "-wal", "-shm", ".lock")}
    if target.resolve() in own:
        raise BadInput(f"{target}: is a file of the database itself; name another one")
    with written(target, force=force) as part:
        copy(database, part)
        found = check_good(part)
    return replace(found, place=str(target))


@contextmanager
def written(target: Path, *, force: bool) -> Iterator[Path]:
    """An empty private file beside ``target``, which gets that name when the block ends without an error.

    Raises BadInput (no place for a file) or Refused (it exists and ``force`` is not set).
    """
    try:
        _check_target(target, force=force)
        descriptor, name = tempfile.mkstemp(prefix=f"{target.name}.", suffix=".part", dir=target.parent)
    except OSError as error:
        raise BadInput(f"{target}: cannot be written ({error.strerror})") from error
    os.close(descriptor)
    part = Path(name)
    try:
        yield part
        _publish(part, target, force=force)
    finally:
        for end in ("", "-wal", "-shm"):
            part.with_name(part.name + end).unlink(missing_ok=True)


def _check_target(target: Path, *, force: bool) -> None:
    if target.is_dir():
        raise BadInput(f"{target}: is a directory; name a file in it")
    if not target.parent.is_dir():
        raise BadInput(f"{target}: the directory {target.parent} does not exist; create it")
    if target.exists() and not force:
        raise _exists(target)


def _exists(target: Path) -> Refused:
    return Refused(f"{target}: exists already; name another file, or overwrite it with --force")


def _publish(part: Path, target: Path, *, force: bool) -> None:
    try:
        if force:
            part.replace(target)
        else:
            os.link(part, target)  # unlike a rename this never overwrites
        place.sync_directory(target.parent)
    except FileExistsError as error:
        raise _exists(target) from error
    except OSError as error:
        raise BadInput(f"{target}: cannot be written ({error.strerror})") from error


def copy(source: Path, target: Path) -> None:
    """Everything committed in ``source`` at one moment, as a single file without a log, on disk.

    ``target`` must be an empty file that is ours.  One step takes all pages: a
    copy in many would begin anew whenever the daemon commits.
    """
    waits = 0

    def stepped(status: int, _left: int, _total: int) -> None:
        nonlocal waits
        waits += status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
        if waits > _MOST_WAITS:
            raise Unavailable(f"{source}: the database is locked by another program")

    try:
        with closing(open_reader(source)) as reader, closing(sqlite3.connect(target)) as writer:
            reader.backup(writer, pages=-1, progress=stepped)
            writer.execute("PRAGMA journal_mode = DELETE").fetchall()
        sync(target)
    except sqlite3.Error as error:
        if is_lock(error):
            raise Unavailable(f"{source}: {in_plain_words(error)}") from error
        raise Refused(f"{source} cannot be copied to {target.parent}: {in_plain_words(error)}") from error
    except OSError as error:
        raise Refused(f"{target}: cannot be written to disk ({error.strerror})") from error


def sync(path: Path) -> None:
    """Wait until the file's bytes are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
