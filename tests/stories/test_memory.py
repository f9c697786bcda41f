"""What the daemon has in memory is what its journal says: a restart changes nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from daemon.core import journal as j
from daemon.core.clock import MINUTE
from daemon.core.errors import Refused, Unavailable
from daemon.core.fold import fold_all
from daemon.service.desk import Work
from daemon.storage.writer import Limits
from daemon.ticker import Ticker
from tests.stories.house import START, House


async def test_memory_is_the_fold_of_the_journal(house: House) -> None:
    """Also in the order of things: stored entries have their keys sorted."""
    await house.alert()
    await house.forward(65)
    assert house.state(1) == fold_all(1, await house.store.journal(1))


async def test_a_batch_that_cannot_begin_undoes_nothing_else(house: House) -> None:
    """What the batch before it committed stays known: else the next "resolved" would pass for old news."""
    await house.alert()
    await house.alert(firing=False)
    house.store._writer._limits = Limits(lock_wait=0)
    with closing(sqlite3.connect(house.folder / "tocsin.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable):
            await house.timers.heartbeat()
    (known,) = house.desk.memory.episodes.values()
    assert not known.firing


async def test_a_gap_that_cannot_be_written_is_told_later(house: House) -> None:
    """The database refuses when the machine wakes: no timer is lost, and the gap is journalled in the end."""
    await house.alert()
    await house.forward(2)
    ticker = Ticker(house.timers, house.clock)
    house.clock.advance(10 * MINUTE)
    due = dict(house.desk.memory.due)

    def lost(work: Work) -> None:
        house.desk.memory.put_off(1)
        work.settle(work.state(1), [j.Gap(START)])
        raise Refused("undone")

    with pytest.raises(Refused):
        await house.desk.work(lost)
    assert house.desk.memory.due == due
    house.store._writer._limits = Limits(lock_wait=0)
    with closing(sqlite3.connect(house.folder / "tocsin.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable):
            await ticker.step()
    await ticker.step()
    gaps = [one.entry for one in await house.store.journal(1) if isinstance(one.entry, j.Gap)]
    assert gaps == [j.Gap(house.clock.now() - 10 * MINUTE)]
