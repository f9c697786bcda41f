"""What the daemon has in memory is what its journal says: a restart changes nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from daemon.core import journal as j
from daemon.core.clock import MINUTE
from daemon.core.errors import Refused, Unavailable
from daemon.core.fold import fold_all
from daemon.core.listing import Page
from daemon.service.desk import Work
from daemon.storage.writer import Limits
from daemon.ticker import Ticker
from tests.stories.house import RULES, START, House


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


async def test_what_comes_long_after_the_end_comes_after_a_restart_too(tmp_path: Path) -> None:
    """An ended incident is in no memory after a start; its late step is due, under its own rules."""
    late = RULES.replace(
        "  internal:\n", "      - { id: review, on: resolved, after: 2h, ask: comms }\n  internal:\n", 1
    )
    house = await House.open(tmp_path, late)
    await house.alert()
    await house.forward(2)
    await house.incidents.resolve(1, "ana", "It is over.")
    await house.alert(firing=False)
    await house.forward(60)
    house.text = RULES  # where the step is no more
    await house.restart()
    await house.forward(61)
    asked = [one.entry.step for one in await house.store.journal(1) if isinstance(one.entry, j.Asked)]
    assert asked == ["review"]
    await house.close()


async def test_a_gap_is_told_once(house: House) -> None:
    """The daemon dies right after it has written a gap down: the next start does not tell it again."""
    await house.alert()
    await house.forward(2)
    await house.timers.heartbeat()
    house.clock.advance(10 * MINUTE)
    await house.timers.gap(house.clock.now() - 10 * MINUTE)
    await house.store.close()  # no last heartbeat
    await house._start()
    gaps = [one.entry for one in await house.store.journal(1) if isinstance(one.entry, j.Gap)]
    assert len(gaps) == 1


async def test_what_a_start_loaded_is_not_undone(house: House) -> None:
    """A life's first batch cannot begin, since somebody else holds the database: nothing is forgotten."""
    await house.alert()
    await house.restart()
    known = dict(house.desk.memory.episodes)
    with closing(sqlite3.connect(house.folder / "tocsin.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable):
            await house.store.write(lambda _: None, house.clock.now())
        other.execute("ROLLBACK")
    assert house.desk.memory.episodes == known
    await house.alert(firing=False)
    assert await house.store.alerts(5, firing=True) == Page([], None)
