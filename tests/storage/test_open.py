"""Opening: where a database may lie, whose it is, whether it is whole, and who else has it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from daemon.core.errors import BadConfig, Unavailable
from daemon.storage.sqlite.place import check_place, file_system_of, take_lock
from daemon.storage.versions import HEAD
from tests.storage.conftest import CHILD_ENVIRONMENT, Open
from tests.storage.samples import NOW, new_group

NOBODY = 65534
MOUNTS = r"""22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:26 / /srv/net rw shared:2 - nfs4 server:/export rw
31 22 0:27 / /srv/my\040disk rw - cifs //server/share rw
32 30 0:28 / /srv/net/local rw - xfs /dev/vdb rw
nonsense
"""
OPEN_AND_DIE = """
import asyncio, os, pathlib, sys
from daemon.core.clock import SystemClock
from daemon.storage.sqlite.store import open_sqlite
async def main():
    await open_sqlite(pathlib.Path(sys.argv[1]), SystemClock())
    os.kill(os.getpid(), 9)
asyncio.run(main())
"""


def alter(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()


def open_and_die(path: Path) -> int:
    command = [sys.executable, "-c", OPEN_AND_DIE, str(path)]
    return subprocess.run(command, env=CHILD_ENVIRONMENT, check=False).returncode


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def bytes_of(path: Path) -> bytes:
    return path.read_bytes()


def replace(path: Path, body: bytes) -> None:
    path.write_bytes(body)


def damage(path: Path, share: float) -> None:
    """Overwrite one page."""
    body = bytearray(path.read_bytes())
    place = int(len(body) * share) // 4096 * 4096
    body[place : place + 4096] = os.urandom(4096)
    path.write_bytes(body)


async def created(open_store: Open) -> None:
    store = await open_store()
    for _ in range(50):
        await new_group(store, title="x" * 500)
    await store.close()


async def test_a_new_database_is_durable_and_private(open_store: Open, path: Path) -> None:
    """WAL with an fsync per commit; the file is its owner's alone."""
    store = await open_store()
    ask = store._connection.execute
    assert ask("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert ask("PRAGMA synchronous").fetchone()[0] == 2
    assert ask("PRAGMA wal_autocheckpoint").fetchone()[0] == 0
    assert mode_of(path) == 0o600


async def test_readers_cannot_write(open_store: Open) -> None:
    """A reader's connection refuses every change."""
    store = await open_store()
    with pytest.raises(Unavailable, match="cannot be written"):
        await store._ask(lambda connection: connection.execute("DELETE FROM groups"))


async def test_a_second_daemon_refuses_to_start(open_store: Open, path: Path) -> None:
    """One clear line, and the first goes on undisturbed."""
    store = await open_store()
    with pytest.raises(Unavailable, match=r"^another tocsin is using .*tocsin\.db; stop it first"):
        await open_store()
    assert await new_group(store) == 1


async def test_the_lock_goes_with_its_process(open_store: Open, path: Path) -> None:
    """A daemon that was killed leaves nothing that keeps the next one from starting."""
    assert open_and_die(path) == -9
    assert await new_group(await open_store()) == 1


async def test_a_newer_schema_is_refused(open_store: Open, path: Path) -> None:
    """An old program does not touch what a newer one wrote."""
    await created(open_store)
    alter(path, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(BadConfig, match=rf"newer tocsin \(schema 9999; this one knows {HEAD}\)"):
        await open_store()


async def test_somebody_elses_database_is_refused_and_left_alone(open_store: Open, path: Path) -> None:
    """A SQLite file of another program keeps its bytes, its journal mode included."""
    alter(path, "CREATE TABLE notes (text)")
    before = bytes_of(path)
    with pytest.raises(BadConfig, match="belongs to another program"):
        await open_store()
    assert bytes_of(path) == before


async def test_a_file_that_is_no_database_is_refused(open_store: Open, path: Path) -> None:
    """Text is not a database; the sentence says what to do."""
    replace(path, b"this is a letter\n" * 500)
    with pytest.raises(BadConfig, match=r"not a database; restore it from a backup or name another file"):
        await open_store()


async def test_an_empty_file_is_a_new_database(open_store: Open, path: Path) -> None:
    """A start that was killed right after creating the file is simply done again."""
    replace(path, b"")
    assert await new_group(await open_store()) == 1


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
async def test_a_damaged_file_is_refused(open_store: Open, path: Path, share: float) -> None:
    """A page of garbage anywhere is found by the quick check at start, and the lock is free again."""
    await created(open_store)
    damage(path, share)
    with pytest.raises(BadConfig, match="restore it from a backup"):
        await open_store()
    replace(path, b"")
    assert await new_group(await open_store()) == 1


async def test_a_lock_held_by_another_program_at_start(open_store: Open, path: Path) -> None:
    """Not a configuration error: it may be gone at the next try."""
    await created(open_store)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Unavailable, match="locked by another program"):
        await open_store()
    other.close()
    await open_store()


async def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    """The sentence names the key, the directory and the remedy."""
    with pytest.raises(BadConfig, match=r"database: the directory .*nowhere does not exist; create it"):
        check_place(tmp_path / "nowhere" / "a.db", "")


def test_a_directory_is_no_database(tmp_path: Path) -> None:
    """A path that names a directory is a slip of the configuration."""
    with pytest.raises(BadConfig, match="is a directory; name a file in it"):
        check_place(tmp_path, "")


@pytest.mark.parametrize(
    ("mode", "name", "words"),
    [
        (0o500, "a.db", "cannot be written to; change its owner or mode"),
        (0o000, "a.db", "cannot be written to; change its owner or mode"),
        (0o000, "below/a.db", "cannot be reached; change the owner or mode"),
    ],
)
def test_a_place_that_cannot_be_written_to(mode: int, name: str, words: str) -> None:
    """Rights are looked at before anything is created, also by who may not even look."""
    with (
        TemporaryDirectory() as folder,  # not pytest's: only its owner may enter that
        unprivileged(Path(folder), mode),
        pytest.raises(BadConfig, match=words),
    ):
        check_place(Path(folder) / name, "")


@contextmanager
def unprivileged(folder: Path, mode: int) -> Iterator[None]:
    """Makes this process somebody whom the folder's mode stops; root is nobody for that long."""
    root = os.geteuid() == 0
    if root:
        os.chown(folder, NOBODY, NOBODY)
    folder.chmod(mode)
    if root:
        os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        if root:
            os.setresuid(0, 0, 0)
        folder.chmod(0o700)


def test_a_file_that_cannot_be_created_even_by_root() -> None:
    """/proc takes no files from anybody: the lock file is the first to fail."""
    with pytest.raises(BadConfig, match="cannot be written"):
        take_lock(Path("/proc/tocsin.db"))


@pytest.mark.parametrize(
    ("directory", "kind"),
    [
        ("/var/lib", "ext4"),
        ("/srv/net/a", "nfs4"),
        ("/srv/net/local/a", "xfs"),
        ("/srv/my disk", "cifs"),
        ("/srv/network", "ext4"),
    ],
)
def test_the_file_system_of_a_directory(directory: str, kind: str) -> None:
    """The longest mount point that is a parent decides."""
    assert file_system_of(Path(directory), MOUNTS) == kind


def test_a_network_file_system_is_refused(tmp_path: Path) -> None:
    """SQLite's locks do not hold there."""
    mounts = f"1 0 0:1 / {tmp_path} rw - nfs4 server:/export rw"
    with pytest.raises(BadConfig, match=r"network file system \(nfs4\)"):
        check_place(tmp_path / "a.db", mounts)
    check_place(tmp_path / "a.db", mounts.replace("nfs4", "ext4"))


async def test_an_old_sqlite_is_mentioned(open_store: Open) -> None:
    """Below the version with the WAL-reset fix the operator is told what not to do."""
    notices = (await open_store()).notices
    assert bool(notices) == (sqlite3.sqlite_version_info < (3, 51, 3))


async def test_everything_is_there_after_a_clean_restart(open_store: Open) -> None:
    """What was acknowledged before closing is read after opening."""
    await created(open_store)
    store = await open_store()
    assert len(await store.open_groups()) == 50
    assert (await store.verify_chain(50)).good
    assert await store.due_groups(NOW, 5) == []
