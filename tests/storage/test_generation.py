"""An older copy in the database's place is noticed, however it came there."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from daemon.core.clock import FakeClock
from daemon.core.delivery import DeliveryState
from daemon.storage.sqlite import generation, place
from daemon.storage.sqlite.backup import back_up
from daemon.storage.sqlite.restore import restore
from daemon.storage.sqlite.store import SqliteStore, open_sqlite
from tests.processes.waiting import until
from tests.storage.conftest import Open
from tests.storage.samples import NOW, delivery_row, new_group, put


async def states(store: SqliteStore) -> list[str]:
    return [row.state.value for row in (await store.deliveries(50)).items]


async def test_row_24_an_older_copy_is_held(open_store: Open, path: Path) -> None:
    """What it calls queued may have been posted long since: held, with a notice, a new secret, once."""
    store = await open_store()
    await put(store, delivery_row(1, await new_group(store)))
    before = store.secret
    await store.close()
    shutil.copy(path, path.with_name("old.db"))
    store = await open_store()
    assert await states(store) == ["queued"], "the file itself is no copy"
    await store.close()

    shutil.copy(path.with_name("old.db"), path)
    store = await open_store()
    assert await states(store) == ["held"]
    assert any("1 deliveries are held until a person decides" in notice for notice in store.notices)
    assert store.secret != before
    row = (await store.deliveries(1)).items[0]
    await store.close()

    store = await open_store()
    assert not any("are held" in notice for notice in store.notices), "said once"
    assert (await store.deliveries(1)).items[0].token == row.token
    assert (await store.verify_chain(row.group)).good


async def test_row_24_a_copy_of_the_same_life(path: Path) -> None:
    """Copied while the daemon ran, which was killed later without a word."""
    clock = FakeClock(NOW)
    store = await open_sqlite(path, clock)
    await put(store, delivery_row(1, await new_group(store)))
    await asyncio.to_thread(back_up, path, path.with_name("old.db"))
    await new_group(store)
    clock.advance(int(generation.EVERY * 1000))
    lock = path.with_name("tocsin.db.lock")
    seen = lock.read_text("ascii")
    await until(lambda: lock.read_text("ascii") > seen)
    copies = [path.with_name("old.db"), path.with_name("new.db")]
    await asyncio.to_thread(back_up, path, copies[1])
    record = lock.read_bytes()
    await store.close()
    for copy, expected in zip(copies, ("held", "queued"), strict=True):
        shutil.copy(copy, path)
        lock.write_bytes(record)  # as a kill would have left it
        store = await open_sqlite(path, clock)
        assert await states(store) == [expected]
        await store.close()


async def test_row_24_a_database_that_is_gone(open_store: Open, path: Path) -> None:
    """Deleted by hand: a new one is made, and its operator hears that there was another."""
    store = await open_store()
    await new_group(store)
    await store.close()
    await asyncio.to_thread(path.unlink)
    store = await open_store()
    assert await store.open_groups() == []
    assert any("older than what was there before" in notice for notice in store.notices)


async def test_a_restored_backup_is_held_once(open_store: Open, path: Path) -> None:
    """What people settled after a restore stays settled: the next start is an ordinary one."""
    store = await open_store()
    await put(store, delivery_row(1, await new_group(store)))
    await asyncio.to_thread(back_up, path, path.with_name("b.db"))
    await store.close()
    await (await open_store()).close()
    await asyncio.to_thread(restore, path.with_name("b.db"), path, FakeClock(NOW))
    store = await open_store()
    assert await states(store) == [DeliveryState.held.value]
    assert not any("are held" in notice for notice in store.notices)


@pytest.mark.parametrize("content", [b"", b"0000", b"x" * 20, b"0" * 21, "٠".encode() * 10])
def test_an_illegible_record_is_none(path: Path, content: bytes) -> None:
    """A torn or foreign lock file keeps nobody from starting."""
    path.with_name("tocsin.db.lock").write_bytes(content)
    lock = place.take_lock(path)
    try:
        assert generation.recorded(lock) == 0
    finally:
        os.close(lock)
