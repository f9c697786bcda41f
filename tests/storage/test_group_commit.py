"""Many callers share a COMMIT, nobody waits without bound, and closing finishes what was accepted."""

from __future__ import annotations

import asyncio

import pytest

from daemon.core.errors import Unavailable
from daemon.core.store import Tx
from daemon.storage.pressure import Pressure
from daemon.storage.writer import Limits
from tests.storage.conftest import Open
from tests.storage.samples import NOW, begin, new_group


async def test_callers_that_wait_together_share_one_commit(open_store: Open) -> None:
    """Fifty works at once cost one COMMIT, counted by the database connection itself."""
    store = await open_store()
    statements: list[str] = []
    store._connection.set_trace_callback(statements.append)
    groups = await asyncio.gather(*(store.write(begin, NOW) for _ in range(50)))
    assert groups == list(range(1, 51))
    assert statements.count("COMMIT") == 1
    assert store.stats()["commits"] == 1


async def test_a_batch_ends_at_its_weight(open_store: Open) -> None:
    """Alerts are counted, not requests: ten times 500 are three batches of at most 2,000."""
    store = await open_store()
    batches = await asyncio.gather(*(store.write(lambda tx: tx.batch, NOW, 500) for _ in range(10)))
    assert [batches.count(number) for number in (1, 2, 3)] == [4, 4, 2]


async def test_work_that_arrives_during_a_commit_is_the_next_group(open_store: Open) -> None:
    """The event loop goes on while the disk works; what comes meanwhile waits for the next batch."""
    store = await open_store()
    late: list[asyncio.Task[int]] = []

    def work(tx: Tx) -> int:
        begin(tx)
        late.append(asyncio.create_task(store.write(lambda other: other.batch, NOW)))
        return tx.batch

    assert await store.write(work, NOW) == 1
    assert await late[0] == 2


async def test_a_batch_without_changes_waits_for_no_disk(open_store: Open) -> None:
    """Reading inside a work costs no COMMIT to disk."""
    store = await open_store()
    await store.write(lambda tx: tx.read_group(1), NOW)
    assert store.stats()["commits"] == 0
    assert store.committed == 1


async def test_a_store_that_is_far_behind_says_so_at_once(open_store: Open) -> None:
    """The queue is bounded by the time that it takes, not by a number of requests."""
    store = await open_store()
    results = await asyncio.gather(
        *(store.write(begin, NOW, 1_000_000) for _ in range(2)), return_exceptions=True
    )
    assert results[0] == 1
    assert isinstance(results[1], Unavailable)
    assert "behind" in str(results[1])
    assert await new_group(store) == 2


def test_pressure_learns_what_a_batch_costs() -> None:
    """After slow batches the same queue is a longer wait."""
    pressure = Pressure(2_000)
    before = pressure.estimate(4_000, None)
    for _ in range(30):
        pressure.observe(2_000, 1.0, 0.5)
    assert before < 1.0 < pressure.estimate(4_000, None)
    assert pressure.estimate(4_000, None) == pytest.approx(3.0, rel=0.1)


def test_pressure_of_small_batches_counts_their_commits_once_per_group() -> None:
    """A slow disk with small batches does not make a full batch look hopeless."""
    pressure = Pressure(2_000)
    for _ in range(100):
        pressure.observe(1, 0.0001, 0.02)
    assert pressure.estimate(2_000, None) < 0.5


def test_a_batch_that_hangs_is_expected_to_hang_on() -> None:
    """A stuck disk is noticed while it is stuck, before any COMMIT has come back."""
    assert Pressure(2_000).estimate(0, 4.0) >= 4.0


async def test_closing_finishes_what_was_accepted(open_store: Open) -> None:
    """Every caller that got in gets its answer, and the rows are there."""
    store = await open_store(Limits(batch_weight=3))
    tasks = [asyncio.create_task(store.write(begin, NOW)) for _ in range(10)]
    started = asyncio.create_task(store.write(begin, NOW))
    while not store._writer.queued:
        await asyncio.wait({started}, timeout=0)
    await store.close()
    assert await asyncio.gather(*tasks, started) == list(range(1, 12))
    again = await open_store()
    assert len(await again.open_groups()) == 11


async def test_a_closed_store_refuses(open_store: Open) -> None:
    """Writers and readers get a clear answer, and closing twice is harmless."""
    store = await open_store()
    await store.close()
    await store.close()
    with pytest.raises(Unavailable, match="closing"):
        await new_group(store)
    with pytest.raises(Unavailable, match="closed"):
        await store.open_groups()


async def test_the_log_is_copied_and_does_not_grow_without_end(open_store: Open) -> None:
    """The writer checkpoints by itself, and the log is gone after closing."""
    store = await open_store()
    body = bytes(100_000)
    for _ in range(400):
        await store.write(lambda tx: tx.quarantine("am", "big", body), NOW)
    assert store._engine._checkpointer.runs > 0
    assert store.stats()["wal_bytes"] < 20_000_000
    assert store.stats()["database_bytes"] > 20_000_000
    await store.close()
    assert not store._path.with_name("tocsin.db-wal").exists()
