"""Backups: consistent while a store writes, on disk, private, never half, never over something else."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from daemon.core.errors import BadInput, NotFound, Refused, Unavailable
from daemon.storage.sqlite import backup as backups
from daemon.storage.sqlite.backup import back_up
from daemon.storage.sqlite.checkup import check
from tests.storage.conftest import Open
from tests.storage.samples import NOW, begin, new_group
from tests.storage.test_open import alter, bytes_of, created, damage, mode_of, replace


def names(folder: Path) -> set[str]:
    return {one.name for one in folder.iterdir() if one.is_file()}


def groups_in(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM groups").fetchone()[0])


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    (tmp_path / "copies").mkdir()
    return tmp_path / "copies" / "tocsin.backup"


async def test_a_backup_is_one_private_file(open_store: Open, path: Path, copy: Path) -> None:
    """All that was committed, the log's part included, in one file that its owner alone can read."""
    store = await open_store()
    for _ in range(20):
        await new_group(store)
    found = await asyncio.to_thread(back_up, path, copy)
    assert (found.good, found.place, found.groups) == (True, str(copy), 20)
    assert mode_of(copy) == 0o600
    assert names(copy.parent) == {"tocsin.backup"}
    assert groups_in(copy) == 20


async def test_backups_while_a_store_writes(open_store: Open, path: Path, copy: Path) -> None:
    """Each is whole, holds at least what was acknowledged before it began, and stops nobody."""
    store = await open_store()
    acknowledged = 0
    stop = asyncio.Event()

    async def write_on() -> None:
        nonlocal acknowledged
        while not stop.is_set():
            acknowledged = max(acknowledged, await store.write(begin, NOW))

    writers = [asyncio.create_task(write_on()) for _ in range(4)]
    for number in range(8):
        before = acknowledged
        target = copy.with_name(f"{number}.db")
        found = await asyncio.to_thread(back_up, path, target)
        assert before <= found.groups == groups_in(target) <= acknowledged + 4
    stop.set()
    await asyncio.gather(*writers)
    assert acknowledged > 8


async def test_nothing_is_overwritten_unasked(open_store: Open, path: Path, copy: Path) -> None:
    """An existing file stays as it is, even one that appears meanwhile; --force replaces it."""
    await created(open_store)
    replace(copy, b"dear diary")
    with pytest.raises(Refused, match=r"exists already.*--force"):
        back_up(path, copy)
    assert bytes_of(copy) == b"dear diary"
    backups.back_up(path, copy, force=True)
    assert check(copy).groups == 50


async def test_a_file_that_appears_meanwhile(
    open_store: Open, path: Path, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last step does not overwrite either."""
    await created(open_store)

    def appear(source: Path, target: Path) -> None:
        real(source, target)
        replace(copy, b"dear diary")

    real = backups.copy
    monkeypatch.setattr(backups, "copy", appear)
    with pytest.raises(Refused, match="exists already"):
        back_up(path, copy)
    assert bytes_of(copy) == b"dear diary"
    assert names(copy.parent) == {"tocsin.backup"}


@pytest.mark.parametrize("name", ["tocsin.db", "tocsin.db-wal", "tocsin.db.lock"])
async def test_the_database_is_no_place_for_its_backup(open_store: Open, path: Path, name: str) -> None:
    """Not even with --force."""
    await created(open_store)
    with pytest.raises(BadInput, match="file of the database itself"):
        back_up(path, path.with_name(name), force=True)
    assert check(path).groups == 50


async def test_places_where_no_file_can_be(open_store: Open, path: Path, tmp_path: Path) -> None:
    """A directory, a missing one, one that takes no files: each is named with the remedy."""
    await created(open_store)
    with pytest.raises(BadInput, match="is a directory; name a file in it"):
        back_up(path, tmp_path)
    with pytest.raises(BadInput, match="nowhere does not exist; create it"):
        back_up(path, tmp_path / "nowhere" / "b.db")
    with pytest.raises(BadInput, match="cannot be written"):
        back_up(path, Path("/proc/b.db"))
    with pytest.raises(NotFound, match="the daemon makes it"):
        back_up(tmp_path / "none.db", tmp_path / "b.db")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
async def test_a_damaged_database_makes_no_backup(
    open_store: Open, path: Path, copy: Path, share: float
) -> None:
    """Better an error today than a backup that nobody can use."""
    await created(open_store)
    damage(path, share)
    with pytest.raises(Refused, match=r"damaged|cannot be copied|malformed"):
        back_up(path, copy)
    assert names(copy.parent) == set()


async def test_a_broken_chain_makes_no_backup(open_store: Open, path: Path, copy: Path) -> None:
    """The older, good copy is not overwritten by a bad one, whatever was asked."""
    await created(open_store)
    back_up(path, copy)
    before = bytes_of(copy)
    alter(path, "UPDATE journal SET at = 1 WHERE group_id = 3")
    with pytest.raises(Refused, match="is damaged: group 3: entry 1 was changed"):
        back_up(path, copy, force=True)
    assert bytes_of(copy) == before


async def test_a_locked_database(
    open_store: Open, path: Path, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver would wait for ever; we do not."""
    await created(open_store)
    monkeypatch.setattr(backups, "_MOST_WAITS", 0)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unavailable, match="locked by another program"):
            back_up(path, copy)
    assert names(copy.parent) == set()
