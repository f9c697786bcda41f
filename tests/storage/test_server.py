"""Looking after a PostgreSQL database: checks, backups, restores, and what each leaves alone."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from daemon.core.clock import FakeClock
from daemon.core.errors import BadConfig, BadInput, NotFound, Refused, Unavailable
from daemon.core.journal import DeliveryMoved
from daemon.core.store import Store
from daemon.storage.copying import quiet
from daemon.storage.engine import Missing
from daemon.storage.postgres.engine import PostgresEngine
from daemon.storage.postgres.store import PostgresStore
from daemon.storage.postgres.upkeep import RESTORING
from daemon.storage.upkeep import Restored
from daemon.storage.versions import HEAD
from tests.storage.conftest import CHILD_ENVIRONMENT
from tests.storage.histories import everything, execute, make, opened, upkeep
from tests.storage.samples import NOW, begin, delivery_row, hear, new_group, put
from tests.storage.test_backup import names
from tests.storage.test_open import alter, mode_of, replace

pytestmark = pytest.mark.external


async def back_up(address: str, file: Path, *, force: bool = False) -> None:
    found = await asyncio.to_thread(upkeep(address).back_up, file, force=force, progress=quiet)
    assert found.good
    assert found.place == str(file)


async def restore(address: str, file: Path) -> Restored:
    return await asyncio.to_thread(upkeep(address).restore, file, FakeClock(), quiet)


async def schemas(address: str) -> list[str]:
    connection = await asyncpg.connect(address)
    try:
        rows = await connection.fetch(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'tocsin%' ORDER BY 1"
        )
        return [row[0] for row in rows]
    finally:
        await connection.close()


# -- check ----------------------------------------------------------------------


async def test_a_whole_database(address: str) -> None:
    """Everything is counted and nothing is wrong, beside a daemon that has it open."""
    await make(address)
    running = await opened(address)
    found = await asyncio.to_thread(upkeep(address).check)
    await running.close()
    assert (found.good, found.version, found.groups, found.entries) == (True, HEAD, 3, 6)


async def test_the_first_broken_entry_of_each_group_is_named(address: str) -> None:
    """Changed, removed, and a journal whose group is gone: as in a file."""
    await make(address, 4)
    await execute(address, "UPDATE journal SET at = at + 1 WHERE group_id = 2 AND sequence = 2")
    await execute(address, "DELETE FROM journal WHERE group_id = 3")
    await execute(address, "DELETE FROM groups WHERE id = 4")
    await execute(address, "UPDATE journal SET body = '{}' WHERE group_id = 4 AND sequence = 1")
    found = await asyncio.to_thread(upkeep(address).check)
    assert [(one.group, one.incident, one.entry) for one in found.broken] == [
        (2, 2, 2),
        (3, 3, 1),
        (4, None, 1),
    ]


async def test_a_table_that_is_gone(address: str) -> None:
    """A finding, in the server's words."""
    await make(address)
    await execute(address, "DROP TABLE journal")
    found = await asyncio.to_thread(upkeep(address).check)
    assert found.findings == ['relation "journal" does not exist']


async def test_no_database_of_ours(address: str) -> None:
    """Nothing there, and a newer one: what to do about it."""
    for work in (upkeep(address).check, lambda: upkeep(address).hold(FakeClock())):
        with pytest.raises(NotFound, match="holds no data of tocsin; the daemon makes it when it starts"):
            await asyncio.to_thread(work)
    first = await asyncio.to_thread(upkeep(address).migrate)
    second = await asyncio.to_thread(upkeep(address).migrate)
    assert (first.before, first.after, second.before) == ("", HEAD, HEAD)
    await execute(address, "UPDATE alembic_version SET version_num = '9999'")
    of_newer: list[Callable[[], object]] = [
        upkeep(address).check,
        upkeep(address).migrate,
        upkeep(address).look,
    ]
    for job in of_newer:
        with pytest.raises(BadConfig, match="newer tocsin"):
            await asyncio.to_thread(job)


# -- backup ---------------------------------------------------------------------


async def test_a_backup_is_one_private_file(address: str, tmp_path: Path) -> None:
    """All that is in the database, in a file that a SQLite store opens."""
    await make(address)
    copy = tmp_path / "b.db"
    await back_up(address, copy)
    assert await everything(f"sqlite:///{copy}") == await everything(address)
    assert mode_of(copy) == 0o600
    assert names(tmp_path) == {"b.db"}
    with pytest.raises(Refused, match=r"exists already.*--force"):
        await back_up(address, copy)
    await back_up(address, copy, force=True)
    with pytest.raises(BadInput, match="nowhere does not exist"):
        await back_up(address, tmp_path / "nowhere" / "b.db")


async def test_backups_while_a_store_writes(address: str, tmp_path: Path) -> None:
    """Each is one moment of it, and nobody waits."""
    store = await opened(address)
    await new_group(store)
    writing = asyncio.create_task(_write(store, 150))
    groups: list[int] = []
    while not writing.done():
        copy = tmp_path / f"{len(groups)}.db"
        before = await _groups(address)
        await back_up(address, copy)
        found = len((await everything(f"sqlite:///{copy}"))["groups"])
        assert before <= found <= await _groups(address)
        groups.append(found)
    await writing
    await store.close()
    assert len(groups) > 1
    assert groups == sorted(groups)


async def _write(store: Store, count: int) -> None:
    for _ in range(count):
        await store.write(begin, NOW)


async def _groups(address: str) -> int:
    return len((await everything(address))["groups"])


async def test_a_broken_chain_makes_no_backup(address: str, tmp_path: Path) -> None:
    """Better an error today."""
    await make(address)
    await execute(address, "UPDATE journal SET at = 1 WHERE group_id = 3")
    with pytest.raises(Refused, match="is damaged: INC-3: entry 1 was changed"):
        await back_up(address, tmp_path / "b.db")
    assert names(tmp_path) == set()


# -- restore --------------------------------------------------------------------


async def test_row_24_what_was_on_its_way_is_held(address: str, tmp_path: Path) -> None:
    """The backup's history with a new secret; what was there before is kept beside it."""
    await make(address)
    await back_up(address, tmp_path / "b.db")
    store = await opened(address)
    secret = store.secret
    later = await new_group(store, number=9)
    await store.close()
    before = await everything(address)
    done = await restore(address, tmp_path / "b.db")
    assert (done.copy.groups, done.held) == (3, 12)
    assert done.aside == f"{address.partition('@')[2]}, schema tocsin_20270101_100000"
    store = await opened(address)
    assert store.secret != secret
    assert await store.group_by_id(later) is None
    rows = (await store.deliveries(500)).items
    assert {row.state for row in rows} == {"held", "sent", "dead", "superseded", "expired"}
    assert sum(row.detail == "restored from a backup" for row in rows) == 12
    moved = [one.entry for one in await store.journal(1, after=2)]
    assert len(moved) == 4
    assert all(isinstance(entry, DeliveryMoved) and entry.state == "held" for entry in moved)
    assert await store.due_groups(FakeClock().now(), 10) == [1, 2, 3]
    assert (await store.verify_chain(1)).good
    assert await new_group(store) == later  # ids are counted on from the backup
    await store.close()
    assert await schemas(address) == ["tocsin", "tocsin_20270101_100000"]
    await execute(address, "DROP SCHEMA tocsin CASCADE")
    await execute(address, "ALTER SCHEMA tocsin_20270101_100000 RENAME TO tocsin")
    assert await everything(address) == before


async def test_two_restores_in_one_second_and_one_into_nothing(address: str, tmp_path: Path) -> None:
    """Each keeps what was there under a name of its own; where nothing was, nothing is kept."""
    await make(address)
    await back_up(address, tmp_path / "b.db")
    await execute(address, "DROP SCHEMA tocsin CASCADE")
    assert (await restore(address, tmp_path / "b.db")).aside is None
    await restore(address, tmp_path / "b.db")
    await restore(address, tmp_path / "b.db")
    assert await schemas(address) == ["tocsin", "tocsin_20270101_100000", "tocsin_20270101_100000_2"]


Job = Callable[[str, Path], Awaitable[object]]


async def _hold(address: str, _: Path) -> int:
    return await asyncio.to_thread(upkeep(address).hold, FakeClock())


@pytest.mark.parametrize("job", [restore, _hold])
async def test_a_running_node_is_not_pulled_away(address: str, tmp_path: Path, job: Job) -> None:
    """It is named, and it goes on; one that has not written yet counts, too."""
    await make(address)
    await back_up(address, tmp_path / "b.db")
    before = await everything(address)
    store = await opened(address)
    with pytest.raises(Unavailable, match=r"another tocsin is using .*127\.0\.0\.1.*; stop it first"):
        await job(address, tmp_path / "b.db")
    assert await everything(address) == before
    assert await new_group(store) == 4
    await store.close()
    await job(address, tmp_path / "b.db")


async def test_a_running_node_is_seen_before_the_work(address: str, tmp_path: Path) -> None:
    """Nobody waits for a long copy only to be refused."""
    store = await opened(address)
    replace(tmp_path / "b.db", b"not even a backup")
    with pytest.raises(Unavailable, match="stop it first"):
        await restore(address, tmp_path / "b.db")
    await store.close()


async def test_a_node_that_was_away_meanwhile_ends(address: str, tmp_path: Path) -> None:
    """Cut off from the server during the restore: its memory is of the life that is lost, so it stops."""
    await make(address)
    await back_up(address, tmp_path / "b.db")
    store = await opened(address)
    assert isinstance(store, PostgresStore)
    await new_group(store)
    engine = store._engine
    assert engine._connection is not None
    engine._connection.terminate()
    await restore(address, tmp_path / "b.db")
    with pytest.raises(Unavailable):
        await new_group(store)
    assert "has lost commit" in store.failure
    await store.close()


def tampered(copy: Path) -> None:
    alter(copy, "DELETE FROM journal WHERE group_id = 2")


def newer(copy: Path) -> None:
    alter(copy, "UPDATE alembic_version SET version_num = '9999'")


def garbage(copy: Path) -> None:
    replace(copy, b"dear all\n" * 1000)


def remove(copy: Path) -> None:
    copy.unlink()


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (remove, NotFound, "there is no such file"),
        (garbage, Refused, "is damaged: file is not a database"),
        (tampered, Refused, "INC-2: the newest entries, from 1 on, are missing"),
        (newer, BadConfig, "newer tocsin"),
    ],
)
async def test_row_24_copies_that_cannot_be_restored(
    address: str, tmp_path: Path, change: Callable[[Path], None], error: type[Exception], words: str
) -> None:
    """Refused before anything is touched."""
    await make(address)
    await back_up(address, tmp_path / "b.db")
    before = await everything(address)
    change(tmp_path / "b.db")
    with pytest.raises(error, match=words):
        await restore(address, tmp_path / "b.db")
    assert await everything(address) == before
    assert await schemas(address) == ["tocsin"]


KILLED = """
import os, sys
from pathlib import Path
from daemon.core.clock import FakeClock
from tests.storage.histories import upkeep

def progress(table, done, total):
    if table == sys.argv[3]:
        os.kill(os.getpid(), 9)

upkeep(sys.argv[1]).restore(Path(sys.argv[2]), FakeClock(), progress)
"""


@pytest.mark.parametrize("table", ["deliveries", "rule_versions"])
async def test_a_kill_in_a_restore_leaves_the_old_database(address: str, tmp_path: Path, table: str) -> None:
    """Whole, and the restore can be done again."""
    await make(address)
    await back_up(address, tmp_path / "b.db")
    before = await everything(address)
    command = [sys.executable, "-c", KILLED, address, str(tmp_path / "b.db"), table]
    ended = await asyncio.to_thread(subprocess.run, command, env=CHILD_ENVIRONMENT, check=False)
    assert ended.returncode == -9
    assert await everything(address) == before
    assert RESTORING not in await schemas(address)
    assert (await restore(address, tmp_path / "b.db")).held == 12


# -- restored by other means ------------------------------------------------------


async def test_row_27_a_server_restored_by_its_own_means(address: str, tmp_path: Path) -> None:
    """Everything that is not final is held where it is, and the secret is drawn anew."""
    await make(address)
    store = await opened(address)
    secret = store.secret
    group = await new_group(store, number=7)
    lists = [
        delivery_row(1000 + one, group, update="u", channel="mail", recipient=f"{one}@example.com")
        for one in range(5)
    ]
    await put(store, *lists)
    await hear(store, group, 2)
    await store.close()
    assert await _hold(address, tmp_path) == 17
    assert await _hold(address, tmp_path) == 0
    store = await opened(address)
    assert store.secret != secret
    assert (await store.journal(group, after=2))[0].entry == DeliveryMoved(
        "mail", "u", "held", key="key1000", reason="other"
    )
    assert len(await store.journal(group)) == 3
    assert await store.claimable(NOW + 10**9, 50) == []
    await store.close()
    assert (await asyncio.to_thread(upkeep(address).check)).good
    assert await schemas(address) == ["tocsin"]


async def test_many_recipients_are_fetched_at_once(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a work lacks makes it run again, so 200 rows must not lack one by one."""
    store = await opened(address)
    group = await new_group(store)
    await put(store, *(delivery_row(one, group, recipient=f"{one}@example.com") for one in range(1, 201)))
    await store.close()
    fetched: list[int] = []
    real = PostgresEngine.fetch

    async def fetch(self: PostgresEngine, missing: Missing) -> None:
        fetched.append(len(missing.values))
        await real(self, missing)

    monkeypatch.setattr(PostgresEngine, "fetch", fetch)
    assert await _hold(address, Path()) == 200
    assert len(fetched) < 6
    assert max(fetched) == 200


async def test_a_file_put_back_by_hand(tmp_path: Path) -> None:
    """The same for SQLite."""
    address = f"sqlite:///{tmp_path}/a.db"
    await make(address)
    store = await opened(address)
    secret = store.secret
    with pytest.raises(Unavailable, match="stop it first"):
        await _hold(address, tmp_path)
    await store.close()
    assert await _hold(address, tmp_path) == 12
    store = await opened(address)
    assert store.secret != secret
    await store.close()


async def test_a_server_among_several_hosts(address: str) -> None:
    """The first that takes writes is taken; what is printed names all, and nobody's password."""
    several = (
        address.replace("postgres@", "postgres:geheim@127.0.0.1:1,") + "?target_session_attrs=read-write"
    )
    await make(several, 1)
    found = await asyncio.to_thread(upkeep(several).check)
    assert (found.good, found.place) == (True, f"127.0.0.1:1,{address.partition('@')[2]}")
