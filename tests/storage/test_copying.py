"""`tocsin db copy`: everything arrives or nothing does, in each direction."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from daemon.core.errors import BadConfig, NotFound, Refused, TocsinError, Unavailable
from daemon.storage.copying import quiet
from daemon.storage.upkeep import copy_over
from tests.processes.postgres import Cluster
from tests.storage.conftest import CHILD_ENVIRONMENT
from tests.storage.histories import everything, execute, make, opened, upkeep
from tests.storage.samples import new_group
from tests.storage.test_open import alter

pytestmark = pytest.mark.external

KINDS = ["sqlite", "postgres"]
Place = Callable[[str], str]


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """The address of a new, empty place of a kind."""
    cluster: Cluster = request.getfixturevalue("postgres")
    made: list[str] = []
    numbers = itertools.count()

    def make_place(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path}/{next(numbers)}.db"
        made.append(cluster.new_database())
        return made[-1]

    yield make_place
    for address in made:
        cluster.drop(address)


async def copy(source: str, target: str) -> None:
    await copy_over(upkeep(source), upkeep(target), quiet)


@pytest.mark.parametrize("target_kind", KINDS)
@pytest.mark.parametrize("source_kind", KINDS)
async def test_a_whole_history_arrives(place: Place, source_kind: str, target_kind: str) -> None:
    """Every row of every table, the secret too; the source stays; a store goes on where the other ended."""
    source = place(source_kind)
    await make(source)
    before = await everything(source)
    assert all(before.values()), "each table has to have a row"
    target = place(target_kind)
    found = await copy_over(upkeep(source), upkeep(target), quiet)
    assert (found.good, found.groups, found.entries) == (True, 3, 6)
    assert await everything(source) == await everything(target) == before
    old, new = await opened(source), await opened(target)
    try:
        assert old.secret == new.secret
        assert await new_group(new, number=9) == 4
        await new.write(lambda tx: tx.quarantine("am", "again", b""), 0)
        assert len((await new.quarantined(10)).items) == 2
    finally:
        await old.close()
        await new.close()


@pytest.mark.parametrize("target_kind", KINDS)
async def test_only_into_an_empty_place(place: Place, target_kind: str) -> None:
    """What is there stays, and is named."""
    source, target = place("sqlite"), place(target_kind)
    await make(source)
    await make(target, 1)
    before = await everything(target)
    with pytest.raises(Refused, match=r"exists already|is not empty: there are .* name another database"):
        await copy(source, target)
    assert await everything(target) == before


async def test_a_schema_that_was_never_used_is_empty(place: Place) -> None:
    """`tocsin db migrate` made it; its secret is not the history's and goes."""
    source, target = place("sqlite"), place("postgres")
    await make(source)
    await asyncio.to_thread(upkeep(target).migrate)
    await copy(source, target)
    assert await everything(target) == await everything(source)


@pytest.mark.parametrize("kind", KINDS)
async def test_no_daemon_runs_meanwhile(place: Place, kind: str) -> None:
    """Neither at the source nor at the target; nothing is written."""
    source, target = place(kind), place("postgres")
    await make(source)
    running = await opened(source)
    with pytest.raises(Unavailable, match=r"another tocsin is using .*stop it first"):
        await copy(source, target)
    await running.close()
    assert await everything(target) == {}
    running = await opened(target)
    await new_group(running)
    with pytest.raises(Unavailable, match=r"another tocsin is using .* \(connected from 127\.0\.0\.1\)"):
        await copy(source, target)
    await running.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_no_daemon_can_start_meanwhile(place: Place, kind: str) -> None:
    """The source is kept for the copy alone until it has ended."""
    source = place(kind)
    await make(source)
    async with upkeep(source).reading():
        with pytest.raises(TocsinError):
            await write_once(source)
    await write_once(source)


async def write_once(address: str) -> None:
    """As a daemon would.  Raises Unavailable."""
    store = await opened(address)
    try:
        await new_group(store)
    finally:
        await store.close()


@pytest.mark.parametrize("target_kind", KINDS)
async def test_a_broken_chain_is_not_taken_over(place: Place, target_kind: str) -> None:
    """It is found where it has arrived, and nothing is kept of it."""
    source, target = place("sqlite"), place(target_kind)
    await make(source)
    alter(Path(source.removeprefix("sqlite:///")), "UPDATE journal SET at = at + 1 WHERE group_id = 2")
    with pytest.raises(Refused, match="is damaged: INC-2: entry 1 was changed"):
        await copy(source, target)
    assert await everything(target) == {}


async def test_a_lost_row_is_noticed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chains do not cover deliveries: the counts of all tables are compared."""
    from daemon.storage.sqlite.transfer import SqliteSource  # noqa: PLC0415 - patched below

    source, target = place("sqlite"), place("postgres")
    await make(source)
    real = SqliteSource.rows

    async def rows(self: SqliteSource, table: object) -> AsyncIterator[object]:
        async for batch in real(self, table):  # type: ignore[arg-type] # passed on as it is
            yield batch[1:]

    monkeypatch.setattr(SqliteSource, "rows", rows)
    with pytest.raises(Refused, match=r"of \d+ rows of \w+ \d+ arrived; nothing was kept"):
        await copy(source, target)
    assert await everything(target) == {}


async def test_values_that_a_hand_has_changed(place: Place) -> None:
    """Text in the place of bytes: one sentence from a server, and nothing is kept."""
    source, target = place("sqlite"), place("postgres")
    await make(source)
    alter(Path(source.removeprefix("sqlite:///")), "UPDATE deliveries SET payload = 'text' WHERE id = 101")
    with pytest.raises(Refused, match="a bytes-like object is required"):
        await copy(source, target)
    assert await everything(target) == {}


@pytest.mark.parametrize("kind", KINDS)
async def test_places_without_a_history(place: Place, kind: str) -> None:
    """Nothing there, and a schema of another version."""
    source, target = place(kind), place("postgres")
    with pytest.raises((NotFound, BadConfig), match=r"there is no such file|holds no data of tocsin"):
        await copy(source, target)
    await make(source)
    statement = "UPDATE alembic_version SET version_num = '9999'"
    if kind == "sqlite":
        alter(Path(source.removeprefix("sqlite:///")), statement)
    else:
        await execute(source, statement)
    with pytest.raises(BadConfig, match="newer tocsin"):
        await copy(source, target)
    assert await everything(target) == {}


KILLED = """
import asyncio, os, sys
from daemon.storage.upkeep import copy_over
from tests.storage.histories import upkeep

def progress(table, done, total):
    if table == sys.argv[3]:
        os.kill(os.getpid(), 9)

asyncio.run(copy_over(upkeep(sys.argv[1]), upkeep(sys.argv[2]), progress))
"""


@pytest.mark.parametrize("target_kind", KINDS)
async def test_a_kill_leaves_the_target_empty(place: Place, target_kind: str) -> None:
    """And the copy can be made again."""
    source, target = place("sqlite"), place(target_kind)
    await make(source)
    command = [sys.executable, "-c", KILLED, source, target, "rule_versions"]
    ended = await asyncio.to_thread(subprocess.run, command, env=CHILD_ENVIRONMENT, check=False)
    assert ended.returncode == -9
    assert await everything(target) == {}
    await copy(source, target)
    assert await everything(target) == await everything(source)
