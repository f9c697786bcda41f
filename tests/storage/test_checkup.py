"""`check`: pages, indexes and chains of a file, beside a store that writes."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from daemon.core.clock import FakeClock
from daemon.core.errors import BadConfig, NotFound, Unavailable
from daemon.core.store import Store
from daemon.storage.sqlite.backup import back_up
from daemon.storage.sqlite.checkup import check
from daemon.storage.sqlite.restore import restore
from daemon.storage.sqlite.store import open_sqlite
from daemon.storage.sqlite.upgrade import upgrade
from daemon.storage.versions import HEAD
from tests.storage.conftest import Open
from tests.storage.samples import NOW, begin, hear, new_group
from tests.storage.test_open import alter, bytes_of, created, damage, replace, unprivileged


async def test_a_whole_file(open_store: Open, path: Path) -> None:
    """Everything is counted and nothing is wrong, with the store open and its log unfolded."""
    store = await open_store()
    for number in (1, 2):
        await hear(store, await new_group(store, number=number), 2)
    found = await asyncio.to_thread(check, path)
    assert found.good
    assert (found.version, found.groups, found.entries) == (HEAD, 2, 4)


async def _write(store: Store, count: int) -> None:
    for _ in range(count):
        await store.write(begin, NOW)


async def test_beside_a_store_that_writes(open_store: Open, path: Path) -> None:
    """Neither disturbs the other: each look finds a consistent, growing database."""
    store = await open_store()
    await new_group(store)
    writing = asyncio.create_task(_write(store, 30))
    seen = []
    while not writing.done():
        seen.append(await asyncio.to_thread(check, path))
    await writing
    assert all(one.good for one in seen), [one.findings for one in seen]
    assert len({one.groups for one in seen}) > 2


async def test_the_first_broken_entry_is_named(open_store: Open, path: Path) -> None:
    """Of each incident that was tampered with, by its name; the others are not accused."""
    store = await open_store()
    for number in (None, 7, 8):
        group = await new_group(store, number=number)
        for sequence in (2, 3, 4):
            await hear(store, group, sequence)
    await store.close()
    alter(path, "UPDATE journal SET at = at + 1 WHERE group_id = 2 AND sequence >= 3")
    alter(path, "DELETE FROM journal WHERE group_id = 1 AND sequence = 2")
    found = check(path)
    assert [(one.group, one.incident, one.entry) for one in found.broken] == [(1, None, 2), (2, 7, 3)]
    assert found.findings[0] == "group 1: entry 2 is missing"
    assert found.findings[1].startswith("INC-7: entry 3 was changed")


async def test_a_journal_whose_group_was_removed(open_store: Open, path: Path) -> None:
    """Its chain is still looked at."""
    store = await open_store()
    await hear(store, await new_group(store), 2)
    await store.close()
    alter(path, "DELETE FROM groups")
    alter(path, "UPDATE journal SET body = X'7B7D' WHERE sequence = 1")
    assert [(one.group, one.entry) for one in check(path).broken] == [(1, 1)]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
async def test_a_page_of_garbage(open_store: Open, path: Path, share: float) -> None:
    """Wherever it is, the file is not called good, and nothing is raised."""
    await created(open_store)
    damage(path, share)
    assert check(path).findings


async def test_an_index_that_lacks_a_row(open_store: Open, path: Path) -> None:
    """The whole check sees what the quick one at start leaves out."""
    await created(open_store)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA writable_schema = 1")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, 'sequence)', 'at)') WHERE name = 'journal_place'"
        )
    assert any("journal_place" in one for one in check(path).damage)


def test_a_file_that_is_no_database(path: Path) -> None:
    """Text, half a file and nothing at all are told apart."""
    replace(path, b"this is a letter\n" * 500)
    assert check(path).damage == ["file is not a database"]
    replace(path, b"")
    assert (check(path).version, check(path).good) == ("", True)
    path.unlink()
    with pytest.raises(NotFound, match="no such file"):
        check(path)


async def test_a_file_that_was_cut(open_store: Open, path: Path) -> None:
    """A copy that ended early is found."""
    await created(open_store)
    replace(path, bytes_of(path)[: 4096 * 12])
    assert check(path).damage


async def test_files_that_are_not_for_this_program(open_store: Open, path: Path, tmp_path: Path) -> None:
    """A newer schema and another program's database are wrong use, not damage."""
    await created(open_store)
    alter(path, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(BadConfig, match="newer tocsin"):
        check(path)
    alter(tmp_path / "other.db", "CREATE TABLE notes (text)")
    with pytest.raises(BadConfig, match="belongs to another program"):
        check(tmp_path / "other.db")


async def test_a_locked_file(open_store: Open, path: Path) -> None:
    """Somebody keeps everybody out: that is said, and is no damage."""
    await created(open_store)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unavailable, match="locked by another program"):
            check(path)


JOBS: dict[str, Callable[[Path], object]] = {
    "check": check,
    "backup": lambda file: back_up(file, file),
    "restore": lambda file: restore(file, file, FakeClock()),
    "migrate": upgrade,
}


@pytest.mark.parametrize("job", JOBS)
def test_a_file_that_is_closed_to_us(job: str) -> None:
    """Neither damage nor a fault of the program: the sentence says who should run this."""
    with (
        TemporaryDirectory() as folder,
        unprivileged(Path(folder), 0o000),
        pytest.raises(BadConfig, match="run this as the daemon's user or as root"),
    ):
        JOBS[job](Path(folder) / "a.db")


async def test_a_directory_that_takes_no_files(tmp_path: Path) -> None:
    """SQLite makes an index of the log beside the file, even to read it; that is no damage either."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.db"
        store = await open_sqlite(path, FakeClock())
        await new_group(store)
        await store.close()
        path.chmod(0o644)
        with unprivileged(Path(folder), 0o555), pytest.raises(Unavailable, match="files beside it"):
            check(path)
