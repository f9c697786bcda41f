"""Kill -9 at every await of intake, timer, delivery, reconcile and recovery, under load (G2).

TOCSIN_FAILPOINT_PAIRS chooses how many recoveries are killed too; see also story.py.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.faults.failpoints.modules import enumerated
from tests.faults.failpoints.orders import Order
from tests.faults.failpoints.story import killed_at_each, story
from tests.faults.failpoints.unreached import ON_POSTGRESQL, ON_SQLITE
from tests.faults.figures import record, size
from tests.faults.seed import SEED
from tests.processes.nursery import Nursery

PAIRS = size("FAILPOINT_PAIRS", here=0, ci=0)


def test_the_list_of_failpoints() -> None:
    """It has the places that matter most, and no exception that means nothing."""
    points = enumerated()
    assert len(set(points)) == len(points)
    for place in (
        "daemon.web.hooks:Hooks._take:2 before", "daemon.service.desk:Desk.work:1 after",
        "daemon.ticker:Ticker.step:3 before", "daemon.outbox:attempt:2 after",
        "daemon.reconcile:Reconciler.step:2 before", "daemon.recovery:settle_the_past:1 after",
    ):  # fmt: skip
        assert place in points
    for ground in (ON_SQLITE, ON_POSTGRESQL):
        for beginning in (*ground.own, *ground.unreached, *ground.rare):
            assert any(point.startswith(beginning) for point in points), f"{beginning}: no such failpoint"
    assert {*ON_SQLITE.points(), *ON_POSTGRESQL.points()} <= {*points}


@pytest.mark.slow
@pytest.mark.timeout(4_500)
async def test_rows_01_to_06_killed_at_every_failpoint(
    tmp_path: Path, nursery: Nursery, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every place ends a life; whatever the order, nothing is lost, doubled or posted twice."""
    with capsys.disabled():
        await killed_at_each(ON_SQLITE, tmp_path, nursery)


@pytest.mark.slow
@pytest.mark.skipif(not PAIRS, reason="TOCSIN_FAILPOINT_PAIRS: only in the long run")
@pytest.mark.timeout(4_500)
async def test_rows_01_to_06_killed_again_in_the_recovery(
    tmp_path: Path, nursery: Nursery, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pairs of two: killed somewhere, and then again while the next life recovers from it."""
    chance = random.Random(SEED)  # noqa: S311 - a schedule, not a secret
    firsts = ON_SQLITE.points()
    done = 0
    async with story(tmp_path, nursery) as told:
        campaign = told.campaign
        await campaign.life([Order("daemon.loops:Loop.run:1 before")])
        starting = sorted(campaign.reached - {"daemon.loops:Loop.run:1 before"})
        campaign.reached.clear()
        for _ in range(PAIRS):
            first = await campaign.life([Order(chance.choice(firsts))])
            second = await campaign.life([Order(chance.choice(starting))])
            done += bool(first and second)
    assert done > PAIRS // 3
    with capsys.disabled():
        record(
            "kill -9 at pairs of failpoints", pairs=PAIRS, both_reached=done, lives=campaign.lives,
            acknowledged=told.acknowledged, lost=0, incidents=told.incidents, doubled=0, second_posts=0,
        )  # fmt: skip
