"""Restores: what was on its way is held, the file before is kept, a kill leaves one of the two."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from daemon.core.clock import FakeClock
from daemon.core.delivery import DeliveryState
from daemon.core.errors import BadConfig, BadInput, NotFound, Refused, Unavailable
from daemon.core.journal import DeliveryMoved
from daemon.core.store import Store
from daemon.storage.sqlite.backup import back_up
from daemon.storage.sqlite.checkup import check
from daemon.storage.sqlite.restore import restore
from daemon.storage.sqlite.upgrade import upgrade
from daemon.storage.upkeep import Restored
from daemon.storage.versions import HEAD
from tests.storage.conftest import CHILD_ENVIRONMENT, Open
from tests.storage.samples import NOW, delivery_row, hear, new_group, put
from tests.storage.test_backup import groups_in, names
from tests.storage.test_open import alter, bytes_of, created, damage, mode_of, open_and_die, replace

KILLED = """
import os, shutil, sys
from pathlib import Path
from daemon.core.clock import FakeClock
from daemon.storage.sqlite.restore import restore
template, folder = Path(sys.argv[1]), Path(sys.argv[2])
EVENTS = {"os.link", "os.rename", "os.remove", "os.chown", "sqlite3.connect", "open", "os.listdir"}

def run(work, number):
    left = number
    def hook(event, arguments):
        nonlocal left
        if event in EVENTS and any(str(work) in str(one) for one in arguments):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), 9)
    sys.addaudithook(hook)
    restore(work / "backup.db", work / "tocsin.db", FakeClock())

for number in range(1, 1000):
    work = folder / str(number)
    shutil.copytree(template, work)
    child = os.fork()
    if child == 0:
        run(work, number)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        print(number)
        break
"""


async def put_back(source: Path, path: Path) -> Restored:
    return await asyncio.to_thread(restore, source, path, FakeClock())


async def one_of_each(store: Store) -> int:
    """A group with a delivery in every state there is; ids in the order of the states."""
    group = await new_group(store, number=1, phase="open")
    rows = [
        delivery_row(number, group, state=state, token=number)
        for number, state in enumerate(DeliveryState, 1)
    ]
    await put(store, *rows)
    return group


async def test_what_was_on_its_way_is_held(open_store: Open, path: Path, tmp_path: Path) -> None:
    """Rows that are final or held stay as they were; the others are held, with newer tokens."""
    store = await open_store()
    await one_of_each(store)
    await store.close()
    back_up(path, tmp_path / "b.db")
    done = await put_back(tmp_path / "b.db", path)
    assert done.held == 4
    store = await open_store()
    rows = {row.id: row for row in (await store.deliveries(50)).items}
    for number, before in enumerate(DeliveryState, 1):
        row = rows[number]
        if before in {"queued", "claimed", "attempted", "unknown"}:
            assert (row.state, row.detail, row.lease_until) == ("held", "restored from a backup", None)
            assert row.token == number + (before == "queued")
        else:
            assert (row.state, row.detail, row.token) == (before, "", number)
    assert await store.claimable(NOW + 10**9, 50) == []


async def test_the_journal_hears_of_it(open_store: Open, path: Path, tmp_path: Path) -> None:
    """One sealed entry per update and channel, many recipients being one; the group is due at once."""
    store = await open_store()
    group = await new_group(store, number=1)
    quiet = await new_group(store)
    over = await new_group(store, phase="ended")
    await hear(store, group, 2)
    lists = [
        delivery_row(10 + one, group, update="u", channel="mail", recipient=f"{one}@example.com")
        for one in range(5)
    ]
    await put(store, delivery_row(1, group), *lists, delivery_row(30, over))
    await store.close()
    back_up(path, tmp_path / "b.db")
    assert (await put_back(tmp_path / "b.db", path)).held == 7
    store = await open_store()
    entries = [one.entry for one in await store.journal(group, after=2)]
    assert entries == [
        DeliveryMoved("x", "u1", "held", key="key1", reason="other"),
        DeliveryMoved("mail", "u", "held", key="key10", reason="other"),
    ]
    assert len(await store.journal(quiet)) == 1
    assert len(await store.journal(over)) == 2
    assert await store.due_groups(FakeClock().now(), 10) == [group]
    assert check(path).good


async def test_new_incidents_get_other_public_ids(open_store: Open, path: Path, tmp_path: Path) -> None:
    """The next group has the number of one that the lost life knew; nothing else of it."""
    store = await open_store()
    before = store.secret
    await store.close()
    back_up(path, tmp_path / "b.db")
    await put_back(tmp_path / "b.db", path)
    assert (await open_store()).secret != before


async def test_the_file_before_is_kept(open_store: Open, path: Path, tmp_path: Path) -> None:
    """With everything that its log held, and readable for its owner alone, as the new one is."""
    await created(open_store)
    back_up(path, tmp_path / "b.db")
    assert open_and_die(path) == -9  # leaves a log behind
    store = await open_store()
    await new_group(store)
    await store.close()
    done = await put_back(tmp_path / "b.db", path)
    aside = path.with_name("tocsin.db.2027-01-01T10-00-00Z")
    assert done.aside == str(aside)
    assert (groups_in(aside), groups_in(path)) == (51, 50)
    assert (mode_of(aside), mode_of(path)) == (0o600, 0o600)
    assert not any(".restoring" in name for name in names(tmp_path))


async def test_two_restores_in_one_second(open_store: Open, path: Path, tmp_path: Path) -> None:
    """The second keeps what the first made, under a name of its own."""
    await created(open_store)
    back_up(path, tmp_path / "b.db")
    first, second = await put_back(tmp_path / "b.db", path), await put_back(tmp_path / "b.db", path)
    assert first.aside is not None
    assert second.aside == f"{first.aside}-2"
    assert groups_in(Path(first.aside)) == groups_in(Path(second.aside)) == 50


async def test_nothing_there_before(open_store: Open, path: Path, tmp_path: Path) -> None:
    """A new machine: the backup becomes the database, and nothing is set aside."""
    await created(open_store)
    back_up(path, tmp_path / "b.db")
    target = tmp_path / "elsewhere.db"
    done = await put_back(tmp_path / "b.db", target)
    assert (done.aside, groups_in(target)) == (None, 50)


async def test_a_running_daemon_is_not_pulled_away(open_store: Open, path: Path, tmp_path: Path) -> None:
    """Its lock is respected, and it goes on."""
    await created(open_store)
    back_up(path, tmp_path / "b.db")
    store = await open_store()
    with pytest.raises(Unavailable, match=r"another tocsin is using .*; stop it first"):
        await put_back(tmp_path / "b.db", path)
    assert await new_group(store) == 51


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
async def test_row_24_a_damaged_copy(open_store: Open, path: Path, tmp_path: Path, share: float) -> None:
    """Refused before anything is touched."""
    await created(open_store)
    copy = tmp_path / "b.db"
    back_up(path, copy)
    damage(copy, share)
    before = bytes_of(path), names(tmp_path)
    with pytest.raises(Refused, match=r"b\.db is damaged: "):
        await put_back(copy, path)
    assert (bytes_of(path), names(tmp_path)) == before


def remove(path: Path) -> None:
    path.unlink()


def tampered(copy: Path) -> None:
    alter(copy, "DELETE FROM journal WHERE group_id = 9")


def newer(copy: Path) -> None:
    alter(copy, "UPDATE alembic_version SET version_num = '9999'")


def foreign(copy: Path) -> None:
    copy.unlink()
    alter(copy, "CREATE TABLE a (b)")


def empty(copy: Path) -> None:
    replace(copy, b"")


def the_database(copy: Path) -> None:
    copy.unlink()
    copy.symlink_to(copy.with_name("tocsin.db"))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (remove, NotFound, r"b\.db: there is no such file"),
        (the_database, BadInput, "the database itself"),
        (empty, Refused, "holds no data"),
        (tampered, Refused, "group 9: the newest entries, from 1 on, are missing"),
        (newer, BadConfig, "newer tocsin"),
        (foreign, BadConfig, "another program"),
    ],
)
async def test_copies_that_cannot_be_restored(
    open_store: Open,
    path: Path,
    tmp_path: Path,
    change: Callable[[Path], None],
    error: type[Exception],
    words: str,
) -> None:
    """A sentence each, and nothing is touched."""
    await created(open_store)
    copy = tmp_path / "b.db"
    back_up(path, copy)
    before = bytes_of(path)
    change(copy)
    with pytest.raises(error, match=words):
        await put_back(copy, path)
    assert bytes_of(path) == before
    assert not any("restoring" in name for name in names(tmp_path))


@pytest.mark.parametrize("body", [b"this is a letter\n" * 500, b""], ids=["garbage", "empty"])
async def test_row_24_over_a_database_that_is_lost(
    open_store: Open, path: Path, tmp_path: Path, body: bytes
) -> None:
    """What cannot even be opened is still kept, with its log, and the new one does not read that log."""
    await created(open_store)
    copy = tmp_path / "b.db"
    back_up(path, copy)
    log = path.with_name("tocsin.db-wal")
    replace(path, body)
    replace(log, b"what remains of a log")
    done = await put_back(copy, path)
    assert done.aside is not None
    assert bytes_of(Path(done.aside)) == body
    assert not log.exists()
    if body:
        assert bytes_of(Path(f"{done.aside}-wal")) == b"what remains of a log"
    assert len(await (await open_store()).open_groups()) == 50


async def test_a_log_without_its_database(open_store: Open, path: Path, tmp_path: Path) -> None:
    """Somebody removed the database and left its log: the new one must not be given that log's pages."""
    await created(open_store)
    back_up(path, tmp_path / "b.db")
    log = path.with_name("tocsin.db-wal")
    store = await open_store()
    await new_group(store)
    left = bytes_of(log)
    await store.close()
    remove(path)
    replace(log, left)
    assert (await put_back(tmp_path / "b.db", path)).aside is None
    assert check(path).good
    assert groups_in(path) == 50


async def test_another_program_reads_the_old_file(open_store: Open, path: Path, tmp_path: Path) -> None:
    """A reader that pins the log is named instead of being given a file that changes below it."""
    await created(open_store)
    back_up(path, tmp_path / "b.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM groups").fetchall()
        alter(path, "UPDATE groups SET title = 'newer'")
        with pytest.raises(Unavailable, match="nothing was restored"):
            await put_back(tmp_path / "b.db", path)
        reader.execute("COMMIT")
    assert (await put_back(tmp_path / "b.db", path)).held == 0


async def test_a_kill_in_a_restore_leaves_the_old_file_or_the_new(
    open_store: Open, path: Path, tmp_path: Path
) -> None:
    """At each file operation: the database is whole, nothing acknowledged is gone, it can be done again."""
    template, runs = tmp_path / "template", tmp_path / "runs"
    template.mkdir()
    runs.mkdir()
    store = await open_store()
    await one_of_each(store)
    back_up(path, template / "backup.db")
    await new_group(store)
    for name in ("tocsin.db", "tocsin.db-wal"):  # as a kill would leave it: the new group is in the log alone
        replace(template / name, bytes_of(path.with_name(name)))
    last = await asyncio.to_thread(_kill_everywhere, template, runs)
    assert last > 15
    seen = set()
    for number in range(1, last + 1):
        work = runs / str(number)
        database = work / "tocsin.db"
        held = _held(database)
        seen.add(held)
        if held:
            assert groups_in(database) == 1
            (aside,) = (one for one in work.iterdir() if one.name.startswith("tocsin.db.2027"))
            assert groups_in(aside) == 2
        else:
            assert groups_in(database) == 2
        assert check(database).good
        assert (await put_back(work / "backup.db", database)).held == 4
        assert not any("restoring" in one.name for one in work.iterdir())
    assert seen == {False, True}


def _kill_everywhere(template: Path, runs: Path) -> int:
    """A run of the restore for each operation, killed at it; the number of the one that was left alone."""
    command = [sys.executable, "-c", KILLED, str(template), str(runs)]
    ended = subprocess.run(command, env=CHILD_ENVIRONMENT, check=True, capture_output=True, text=True)
    return int(ended.stdout)


def _held(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        question = "SELECT count(*) FROM deliveries WHERE detail = 'restored from a backup'"
        return bool(connection.execute(question).fetchone()[0])


async def test_upgrades(open_store: Open, path: Path) -> None:
    """From nothing to the newest, then nothing to do; a missing, a newer and a running one are refused."""
    with pytest.raises(NotFound, match="the daemon makes it"):
        upgrade(path)
    replace(path, b"")
    first, second = upgrade(path), upgrade(path)
    assert (first.before, first.after, second.before) == ("", HEAD, HEAD)
    store = await open_store()
    with pytest.raises(Unavailable, match="stop it first"):
        upgrade(path)
    await store.close()
    alter(path, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(BadConfig, match="newer tocsin"):
        upgrade(path)
    replace(path, os.urandom(8192))
    with pytest.raises(BadConfig, match="restore it from a backup"):
        upgrade(path)
