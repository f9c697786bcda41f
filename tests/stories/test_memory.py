"""What the daemon has in memory is what its journal says: a restart changes nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from daemon.core.errors import Unavailable
from daemon.core.fold import fold_all
from daemon.storage.writer import Limits
from tests.stories.house import House


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
