"""A world under load whose daemon is killed at failpoints, and what must hold of it at the end.

TOCSIN_FAILPOINT_ROUNDS chooses how often; TOCSIN_FAILPOINTS names points (beginnings, with
commas between) where the whole would be too much to look at.
"""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.failpoints.campaign import RULES, Campaign
from tests.faults.failpoints.orders import Orders
from tests.faults.failpoints.two_nodes import ServerCampaign, TwoNodes
from tests.faults.failpoints.unreached import Ground
from tests.faults.failpoints.visitors import BODY_LIMIT, Visitors
from tests.faults.figures import record, size
from tests.faults.load import Load
from tests.faults.seed import SEED
from tests.faults.world import World, check_alerts, check_journals, check_mails, check_posts
from tests.processes.nursery import Nursery
from tests.processes.waiting import CLOCK, until

ROUNDS = size("FAILPOINT_ROUNDS", here=1, ci=1)
SHARE = size("FAILPOINT_SHARE", here=1, ci=2)
"""One in so many points, chosen by the seed: a landing has not the time for all, ``make proofs`` has."""
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


async def killed_at_each(ground: Ground, folder: Path, nursery: Nursery, server: str = "") -> None:
    """End a life at every failpoint of this ground; records the figures."""
    points = [point for point in ground.points() if not CHOSEN or point.startswith(CHOSEN)]
    points = random.Random(SEED).sample(points, len(points) // SHARE)  # noqa: S311 - a choice, not a secret
    async with story(folder, nursery, server) as told:
        missed: set[str] = set()
        for _ in range(ROUNDS):
            missed |= await told.campaign.run(points)
    campaign = told.campaign
    assert len(missed) <= LUCK, f"no life got to them: {sorted(missed)}"
    unforeseen = sorted(point for point in campaign.reached if ground.is_unreached(point))
    assert not unforeseen, f"they are reached: take them off the list: {unforeseen}"
    record(
        "kill -9 at every failpoint", store="postgresql" if server else "sqlite", points=len(points),
        rounds=ROUNDS, kills=len(campaign.ended), lives=campaign.lives, acknowledged=told.acknowledged,
        lost=0, incidents=told.incidents, doubled=0, second_posts=0, missed_by_chance=len(missed),
    )  # fmt: skip
