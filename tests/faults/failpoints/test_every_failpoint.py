"""Kill -9 at every await of intake, timer, delivery, reconcile and recovery, under load (G2).

TOCSIN_FAILPOINT_ROUNDS and TOCSIN_FAILPOINT_PAIRS choose how much; TOCSIN_FAILPOINTS
names points (beginnings, with commas between) where the whole would be too much to look at.
"""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.failpoints.campaign import RULES, Campaign
from tests.faults.failpoints.modules import enumerated
from tests.faults.failpoints.orders import Order, Orders
from tests.faults.failpoints.two_nodes import ServerCampaign, TwoNodes
from tests.faults.failpoints.unreached import ON_POSTGRESQL, ON_SQLITE
from tests.faults.failpoints.visitors import BODY_LIMIT, Visitors
from tests.faults.figures import record, size
from tests.faults.load import Load
from tests.faults.seed import SEED
from tests.faults.world import World, check_alerts, check_journals, check_mails, check_posts
from tests.processes.nursery import Nursery
from tests.processes.waiting import CLOCK, until

ROUNDS = size("FAILPOINT_ROUNDS", here=1, ci=1)
PAIRS = size("FAILPOINT_PAIRS", here=0, ci=0)
LUCK = 4
"""Failpoints that one campaign may miss: a few need two things to happen at once."""
CHOSEN = tuple(filter(None, os.environ.get("TOCSIN_FAILPOINTS", "").split(",")))

LOAD_PAUSE = 0.05  # seconds between two bodies of one client: the lives are to be short, not the queues long
RESTS = 40  # minutes within which every doubt is settled


@dataclass(slots=True)
class Story:
    """What a campaign did, for the figures."""

    campaign: Campaign
    acknowledged: int = 0
    incidents: int = 0


@asynccontextmanager
async def story(folder: Path, nursery: Nursery, server: str = "") -> AsyncIterator[Story]:
    """A world under load, after a first kill in full swing; at the end all that must hold is checked.

    ``server``: a database there, for two nodes of which one is killed; empty: one daemon on SQLite.
    """
    async with AsyncExitStack() as stack:
        orders = Orders(folder)
        orders.give()
        kind, plan = (TwoNodes, ServerCampaign) if server else (World, Campaign)
        world = kind(folder / "site", stack, nursery, database=server, rules=RULES)
        await world.open(entry=["--failpoints", str(orders.file)], limits={"body_bytes": BODY_LIMIT})
        target = world if isinstance(world, TwoNodes) else world.daemon
        async with Load(target, SEED, pause=LOAD_PAUSE) as load:
            async with Visitors(world.daemon, load.book) as visitors:
                await until(lambda: len(world.slack.posts) > 10, within=30)
                await world.daemon.kill()
                told = Story(plan(world, load, visitors, orders, SEED))
                yield told
                orders.give()
                await world.daemon.start()
                await visitors.rest()
            book = await load.finish()
        for _ in range(RESTS):
            if not world.ledger.unsettled():
                break
            world.leap()
            await CLOCK.sleep(0.4)
        await world.come_to_rest()
        await world.daemon.stop()
        last = told.campaign.ended[-12:]
        assert not book.wrong, last
        check_alerts(world.ledger, book.acknowledged, book.services)
        check_posts(world.ledger, world)
        check_mails(world.ledger, world.sink)
        await check_journals(world)
        told.acknowledged, told.incidents = len(book.acknowledged), len(book.services)


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
@pytest.mark.parametrize("store", ["sqlite", pytest.param("postgresql", marks=pytest.mark.external)])
async def test_rows_01_to_06_killed_at_every_failpoint(
    tmp_path: Path, nursery: Nursery, capsys: pytest.CaptureFixture[str], store: str,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    """Every place ends a life; whatever the order, nothing is lost, doubled or posted twice."""
    server = request.getfixturevalue("address") if store == "postgresql" else ""
    ground = ON_POSTGRESQL if server else ON_SQLITE
    points = [point for point in ground.points() if not CHOSEN or point.startswith(CHOSEN)]
    async with story(tmp_path, nursery, server) as told:
        missed: set[str] = set()
        for _ in range(ROUNDS):
            missed |= await told.campaign.run(points)
    campaign = told.campaign
    assert len(missed) <= LUCK, f"no life got to them: {sorted(missed)}"
    unforeseen = sorted(point for point in campaign.reached if ground.is_unreached(point))
    assert not unforeseen, f"they are reached: take them off the list: {unforeseen}"
    with capsys.disabled():
        record(
            "kill -9 at every failpoint", store=store, points=len(points), rounds=ROUNDS,
            kills=len(campaign.ended), lives=campaign.lives, acknowledged=told.acknowledged, lost=0,
            incidents=told.incidents, doubled=0, second_posts=0, missed_by_chance=len(missed),
        )  # fmt: skip


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
