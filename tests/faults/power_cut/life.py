"""One life of a daemon's store on a simulated disk: opened, written to by several clients, unplugged."""

from __future__ import annotations

import asyncio
import random
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from daemon.core.clock import FakeClock
from daemon.core.delivery import DeliveryState
from daemon.core.journal import DeliveryMoved, Recorded
from daemon.core.store import Tx
from daemon.storage.sqlite import checkpoint, schema
from daemon.storage.sqlite.engine import SqliteEngine
from daemon.storage.writer import Limits, Writer
from tests.faults.power_cut.connection import SimulatedConnection
from tests.faults.power_cut.disk import Acknowledged, Disk, DiskVfs
from tests.storage.samples import NOW, SOME_ALERTS, begin, delivery_row, episode_row, group_row

NAME = "tocsin.db"
CLIENTS = 4
CHECKPOINT_PAGES = 60  # instead of 1,000: a short life has several checkpoints


def live(image: dict[str, bytes], rng: random.Random, works: int, synchronous: str = "FULL") -> Disk:
    """Start from what a cut left, do about that many works, and return the disk with its log."""
    disk = Disk({file: bytearray(body) for file, body in image.items()})
    name = uuid.uuid4().hex
    vfs = DiskVfs(name, disk)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(checkpoint, "_PAGES", CHECKPOINT_PAGES)
            asyncio.run(_live(disk, name, rng, works, synchronous))
    finally:
        vfs.unregister()
    return disk


async def _live(disk: Disk, vfs: str, rng: random.Random, works: int, synchronous: str) -> None:
    connection = SimulatedConnection(disk, vfs, NAME, synchronous)
    database = cast("Any", connection)
    schema.prepare(database, Path(NAME))
    assert connection.lowered == (synchronous != "FULL")
    found = connection.execute("SELECT group_id, sequence FROM journal").fetchall()
    disk.log.append(Acknowledged(frozenset(found)))  # the opening has checkpointed it: it must stay
    limits = Limits(batch_weight=rng.choice([1, 4, 2_000]))
    writer = Writer(SqliteEngine(database, limits.lock_wait), FakeClock(), limits)
    task = asyncio.create_task(writer.run())
    clients = [
        _client(writer, connection, random.Random(rng.random()), works // CLIENTS)  # noqa: S311 - seeded
        for _ in range(CLIENTS)
    ]
    answered = [row for rows in await asyncio.gather(*clients) for row in rows]
    await writer.close(task)
    assert not writer.failure, writer.failure
    promised = {row for one in disk.log if isinstance(one, Acknowledged) for row in one.rows}
    assert set(answered) <= promised
    connection.abandon()


async def _client(
    writer: Writer, connection: SimulatedConnection, rng: random.Random, works: int
) -> list[tuple[int, int]]:
    """Open groups and move their deliveries, as intake and outbox do."""
    answered = []
    for _ in range(max(works // 3, 1)):
        size = rng.choice([10, 200, 3_000])
        group = await writer.submit(lambda tx, size=size: _open(tx, connection, size), NOW, 1)  # type: ignore[misc]
        answered += [(group, 1), (group, 2)]
        for number, state in enumerate((DeliveryState.attempted, DeliveryState.sent), 3):
            await writer.submit(
                lambda tx, group=group, number=number, state=state: _move(  # type: ignore[misc]
                    tx, connection, group, number, state
                ),
                NOW,
                1,
            )
            answered.append((group, number))
    return answered


def _open(tx: Tx, connection: SimulatedConnection, size: int) -> int:
    """A webhook that begins an incident: entries, episode, projection and delivery belong together."""
    group = begin(tx)
    note = replace(SOME_ALERTS, note="x" * size)
    tx.journal(group, Recorded(2, tx.now, note))
    tx.episode(episode_row(tx.next_id("episode"), group))
    tx.delivery(delivery_row(tx.next_id("delivery"), group, payload=b"x" * size))
    tx.group(group_row(group, number=tx.next_number(), next_due=tx.now))
    connection.pending |= {(group, 1), (group, 2)}
    return group


def _move(tx: Tx, connection: SimulatedConnection, group: int, number: int, state: DeliveryState) -> None:
    (row,) = tx.read_deliveries(group)
    if state is DeliveryState.attempted:
        claimed = replace(row, state=DeliveryState.claimed, token=row.token + 1)
        assert tx.delivery_changed(claimed, row.state, row.token)
        row = claimed
    assert tx.delivery_changed(replace(row, state=state), row.state, row.token)
    tx.journal(group, Recorded(number, tx.now, DeliveryMoved("x", row.update, state)))
    tx.group(group_row(group, number=group))
    connection.pending.add((group, number))
