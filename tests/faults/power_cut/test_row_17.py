"""Row 17: whatever a power cut tears or reorders, every acknowledged row is there and the file is whole.

TOCSIN_POWER_CUTS is the number of cuts, TOCSIN_SEED repeats a run.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from daemon.core.clock import FakeClock
from daemon.core.errors import TocsinError
from daemon.storage.sqlite.checkup import check
from daemon.storage.sqlite.migrate import migrate
from daemon.storage.sqlite.store import open_sqlite
from tests.faults.figures import record
from tests.faults.power_cut.cut import cuts
from tests.faults.power_cut.disk import Event, Sync
from tests.faults.power_cut.life import NAME, live
from tests.faults.seed import SEED
from tests.storage.samples import new_group

CUTS = int(os.environ.get("TOCSIN_POWER_CUTS", "2000" if os.environ.get("CI") else "300"))
CUTS_PER_LIFE = 50
WORKS = 60
LARGEST = 400_000  # bytes of a database that lives on; a larger one only makes the checks slow
STARTS = 25  # every so many cuts the real store starts on what is left and goes on writing

_HALVES = """
SELECT groups.id FROM groups
LEFT JOIN episodes ON episodes.group_id = groups.id LEFT JOIN deliveries ON deliveries.group_id = groups.id
WHERE episodes.id IS NULL OR deliveries.id IS NULL
"""


@dataclass
class Score:
    """What became of the cuts."""

    cuts: int = 0
    loose: int = 0  # cuts in which something was under way
    promised: int = 0
    lost: int = 0  # cuts after which an acknowledged row was gone
    corrupt: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        return (
            f"power cuts: {self.cuts} (seed {SEED}), {self.loose} with un-synced writes, "
            f"{self.promised} rows promised, lost rows in {self.lost}, corrupt {self.corrupt.total()}"
        )


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory where that is possible: what is left after a cut needs no disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as made:
        yield Path(made)


def first_image(folder: Path) -> dict[str, bytes]:
    """An empty database with the newest schema, as the migrations make it."""
    path = folder / "first.db"
    migrate(path)
    return {NAME: path.read_bytes()}


def lay_out(image: dict[str, bytes], folder: Path) -> Path:
    for end in ("", "-wal", "-shm", "-journal"):
        file = folder / f"{NAME}{end}"
        file.unlink(missing_ok=True)
        if file.name in image:
            file.write_bytes(image[file.name])
    return folder / NAME


def judge(path: Path, promised: frozenset[tuple[int, int]], score: Score) -> None:
    """Read what is left with the library and the code of the daemon itself."""
    score.cuts += 1
    score.promised += len(promised)
    try:
        found = check(path)
        if not found.good:
            score.corrupt[found.findings[0]] += 1
            return
        with closing(sqlite3.connect(path)) as connection:
            rows = set(connection.execute("SELECT group_id, sequence FROM journal"))
            halves = connection.execute(_HALVES).fetchall()
    except (sqlite3.Error, TocsinError) as error:
        score.corrupt[str(error)] += 1
        return
    score.lost += not promised <= rows
    if halves:
        score.corrupt["half a transaction"] += 1


async def start(path: Path, promised: frozenset[tuple[int, int]]) -> None:
    """The daemon's store opens what is left and goes on."""
    store = await open_sqlite(path, FakeClock())
    try:
        group = await new_group(store)
        assert group > max((group for group, _ in promised), default=0)
        assert (await store.verify_chain(group)).good
    finally:
        await store.close()


def without_syncs(log: list[Event]) -> list[Event]:
    """A disk that says "synced" and has not."""
    return [one for one in log if not isinstance(one, Sync)]


def torture(
    folder: Path, count: int, synchronous: str, *, lying: bool = False, starts: bool = False
) -> Score:
    """Life after life, each on what a cut of the one before left behind."""
    rng = random.Random(f"{SEED} {synchronous}")  # noqa: S311 - repeatable
    image = empty = first_image(folder)
    score = Score()
    while score.cuts < count:
        log = live(image, rng, WORKS, synchronous).log
        survivors = []
        seen = without_syncs(log) if lying else log
        for left, promised, loose in cuts(image, seen, min(CUTS_PER_LIFE, count - score.cuts), rng):
            path = lay_out(left, folder)
            score.loose += loose > 0
            judge(path, promised, score)
            if starts and score.cuts % STARTS == 0:
                asyncio.run(start(path, promised))
            survivors.append(left)
        image = rng.choice([*survivors, empty]) if starts else empty  # a safe disk's leavings are a beginning
        if len(image[NAME]) > LARGEST:
            image = empty
    print(score)  # noqa: T201 - the seed repeats it
    return score


@pytest.mark.timeout(0)
def test_row_17_power_cut(folder: Path) -> None:
    """Nothing acknowledged is lost, nothing is corrupt, and the store goes on."""
    score = torture(folder, CUTS, "FULL", starts=True)
    assert (score.cuts, score.lost, score.corrupt) == (CUTS, 0, Counter())
    assert score.loose > CUTS / 3, "the cuts hit nothing: they prove nothing"
    assert score.promised > CUTS * 10
    record(
        "power cuts", cuts=CUTS, rows_promised=score.promised, lost=0, corrupt=0, with_unsynced=score.loose
    )


@pytest.mark.timeout(0)
def test_row_17_the_simulator_sees_what_normal_loses(folder: Path) -> None:
    """The same cuts with synchronous = NORMAL lose acknowledged rows; the file stays whole."""
    score = torture(folder, min(CUTS, 300), "NORMAL")
    assert score.lost > 0
    record("power cuts with NORMAL, which must lose", cuts=score.cuts, cuts_that_lost=score.lost)
    assert score.corrupt == Counter()


@pytest.mark.timeout(0)
def test_row_17_the_simulator_sees_a_disk_that_lies(folder: Path) -> None:
    """Syncs that do nothing make damage that the check finds: the honest limit of every database."""
    score = torture(folder, min(CUTS, 100), "FULL", lying=True)
    assert score.lost + score.corrupt.total() > 0
