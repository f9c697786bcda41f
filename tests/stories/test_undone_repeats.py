"""A report that changes nothing is acknowledged for what is stored, not for what memory hopes."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from daemon.core.alert import Report
from daemon.core.clock import MINUTE, FakeClock
from daemon.core.errors import Unavailable
from daemon.service.alerts import UNDATED
from tests.processes.postgres import Cluster
from tests.stories.house import RULES, START, House, speakers_at
from tests.stories.test_two_nodes import Node


async def test_the_repeat_of_what_is_undone_is_stored(tmp_path: Path) -> None:
    """It came while the first was being stored, and the disk was full for that one."""
    house = await House.open(tmp_path)
    engine = house.store._engine
    real, stuck, go_on = engine.commit, asyncio.Event(), asyncio.Event()

    async def full(batch: Any) -> int:
        engine.commit = real  # type: ignore[method-assign] # once
        stuck.set()
        await go_on.wait()
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    engine.commit = full  # type: ignore[method-assign] # as a full disk does it
    first = asyncio.create_task(house.alerts.take_in(Report([house.make()], 0)))
    await stuck.wait()
    repeat = asyncio.create_task(house.alerts.take_in(Report([house.make()], 0)))
    await asyncio.wait({repeat}, timeout=0)
    go_on.set()
    with pytest.raises(Unavailable):
        await first
    assert (await repeat).new == 1
    assert len((await house.store.alerts(9)).items) == 1
    await house.close()


@pytest.mark.external
async def test_an_end_at_the_node_that_has_not_heard_of_the_beginning(
    tmp_path: Path, postgres: Cluster
) -> None:
    """Its memory says that the alert has cleared already; the other node knows that it fires again."""
    address = postgres.new_database()
    clock = FakeClock(START)
    one, two = (Node(tmp_path, clock, RULES, speakers_at(clock)).at(address) for _ in range(2))
    for node in (one, two):
        await node._start()

    async def report(node: Node, *, firing: bool) -> None:
        alert = node.make(firing=firing, starts_at=clock.now())
        alert.flags = (UNDATED,)
        await node.alerts.take_in(Report([alert], 0))

    await report(one, firing=True)
    await report(one, firing=False)
    clock.advance(10 * MINUTE)
    two.store._engine.on_notice = lambda: None  # type: ignore[union-attr] # PostgreSQL's; it hears nothing
    await two.store.write(lambda _: None, 0, 0)
    await report(one, firing=True)
    await report(two, firing=False)
    assert [row.firing for row in (await one.store.alerts(9)).items] == [False, False]
    for node in (one, two):
        await node.store.close()
    postgres.drop(address)
