"""Rounds of trouble for two nodes under load; afterwards every promise is counted.

TOCSIN_NEMESIS_ROUNDS and TOCSIN_SEED choose how many rounds and which.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from daemon.core.clock import MINUTE
from daemon.storage.postgres.store import open_postgres
from tests.fakes.link import AtCommit
from tests.fakes.slack import FakeSlack
from tests.fakes.smtp import MailSink
from tests.faults.figures import record, size
from tests.faults.ledger import Ledger
from tests.faults.load import Load
from tests.faults.nemesis.pair import Pair
from tests.faults.rules import BUSY
from tests.faults.seed import SEED
from tests.faults.tables import Postgres
from tests.faults.test_kill_cycles import MAIL_FAULTS, PROVIDER_FAULTS
from tests.faults.world import WatchedX, check_alerts, check_mails, check_posts
from tests.processes.daemon import Daemon
from tests.processes.fast_clock import fast_clock
from tests.processes.nursery import Nursery
from tests.processes.postgres import Cluster
from tests.processes.site import mail, news, on_x, team
from tests.processes.waiting import CLOCK, until

ROUNDS = size("NEMESIS_ROUNDS", here=6, ci=9)
SPEED = 8.0
LEASE = 65 / SPEED
"""Seconds here after which what a node has in hand is taken from it."""

SKEWS = (10 * MINUTE, -10 * MINUTE)


class Nemesis:
    """Chooses a fault and a node, does harm, and lets everything heal."""

    def __init__(self, pair: Pair, server: Cluster, world: World) -> None:
        self.random = random.Random(f"{SEED}/nemesis")  # noqa: S311 - a schedule, not a secret
        self.pair, self.server, self.world = pair, server, world
        self.done: Counter[str] = Counter()

    @property
    def faults(self) -> tuple[Callable[[int], Awaitable[None]], ...]:
        return (
            self.kill, self.cut_in_commit, self.partition, self.restart_server, self.stop_long,
            self.lose_notifications, self.stop_short, self.hold_in_commit, self.refuse,
        )  # fmt: skip

    async def rounds(self, count: int) -> None:
        """Each fault in turn, so that few rounds have them all; the order is the seed's."""
        order = list(self.faults)
        for number in range(count):
            if number % len(order) == 0:
                self.random.shuffle(order)
            self.world.plan_trouble(self.random)
            fault = order[number % len(order)]
            self.done[fault.__name__] += 1
            await fault(self.random.randrange(len(self.pair.nodes)))
            for link in self.pair.links:
                link.heal()
            await CLOCK.sleep(self.random.uniform(0.2, 0.8))
            for node in self.pair.nodes:
                assert node.is_running, f"it died by itself after {fault.__name__}:\n{self.pair.logs}"

    async def kill(self, which: int) -> None:
        node = self.pair.nodes[which]
        await node.kill()
        await CLOCK.sleep(self.random.choice((0, LEASE + 1)))
        await node.start()

    async def stop_long(self, which: int) -> None:
        await self._stop(self.pair.nodes[which], LEASE + 2)

    async def stop_short(self, which: int) -> None:
        await self._stop(self.pair.nodes[which], self.random.uniform(0.5, 3))

    async def _stop(self, node: Daemon, seconds: float) -> None:
        node.signal(signal.SIGSTOP)
        await CLOCK.sleep(seconds)
        node.signal(signal.SIGCONT)

    async def cut_in_commit(self, which: int) -> None:
        for _ in range(4):
            self.pair.links[which].at_commit = self.random.choice((AtCommit.cut_before, AtCommit.cut_after))
            await CLOCK.sleep(0.4)

    async def hold_in_commit(self, which: int) -> None:
        self.pair.links[which].at_commit = self.random.choice((AtCommit.held_before, AtCommit.held_after))
        await CLOCK.sleep(7)

    async def partition(self, which: int) -> None:
        self.pair.links[which].hold()
        await CLOCK.sleep(self.random.uniform(1, 5))

    async def refuse(self, which: int) -> None:
        self.pair.links[which].refusing = True
        self.pair.links[which].cut()
        await CLOCK.sleep(self.random.uniform(0.5, 3))

    async def lose_notifications(self, _which: int) -> None:
        for link in self.pair.links:
            link.deaf = True
        await CLOCK.sleep(2)

    async def restart_server(self, _which: int) -> None:
        await asyncio.to_thread(self.server.crash)
        await CLOCK.sleep(self.random.uniform(0, 2))
        await asyncio.to_thread(self.server.start)


class World:
    """The channels."""

    def __init__(self) -> None:
        self.clock = fast_clock(SPEED)
        self.slack = FakeSlack(clock=self.clock)
        self.x = WatchedX(self.clock)
        self.sink = MailSink(clock=self.clock)

    @property
    def channels(self) -> list[dict[str, object]]:
        return [
            mail(self.sink, "ann@example.com", "bo@example.com"), news(self.slack), team(self.slack),
            on_x(self.x),
        ]  # fmt: skip

    def plan_trouble(self, chance: random.Random) -> None:
        for fake in (self.slack, self.x):
            if not fake.faults and chance.random() < 0.25:
                fake.script(chance.choice(PROVIDER_FAULTS))
        if not self.sink.faults and chance.random() < 0.25:
            self.sink.script(chance.choice(MAIL_FAULTS))

    def calm(self) -> None:
        for fake in (self.slack, self.x, self.sink):
            fake.faults.clear()


@pytest.mark.slow
@pytest.mark.external
@pytest.mark.timeout(120 + 12 * ROUNDS)
async def test_rows_10_and_25_to_32_two_nodes_under_a_nemesis(tmp_path: Path, own_server: Cluster) -> None:
    """Nothing acknowledged is lost, nothing said twice, each service has one incident, all comes to rest."""
    address = own_server.new_database()
    world = World()
    began = CLOCK.monotonic()
    async with AsyncExitStack() as stack:
        for fake in (world.slack, world.x, world.sink):
            await stack.enter_async_context(fake)
        nursery = await stack.enter_async_context(Nursery())
        pair = Pair(tmp_path, address, world.clock, BUSY, world.channels)
        await pair.open(stack, nursery, SKEWS)
        nemesis = Nemesis(pair, own_server, world)
        async with Load(pair, SEED, clients=3) as load:
            await nemesis.rounds(ROUNDS)
            book = await asyncio.wait_for(load.finish(), 60)
        stormed = CLOCK.monotonic() - began
        world.calm()
        ledger = Ledger(Postgres(address))
        await until(lambda: ledger.unsettled() == 0, within=90, what=lambda: (ledger.states(), pair.logs))
        for node in pair.nodes:
            await node.stop()
        assert not book.wrong
        check_alerts(ledger, book.acknowledged, book.services)
        check_posts(ledger, world)  # type: ignore[arg-type] # it has the channels, which is what is asked for
        check_mails(ledger, world.sink)
        await check_journals(ledger, address)
    record(
        "nemesis rounds", rounds=ROUNDS, seconds=round(stormed),
        seconds_to_rest=round(CLOCK.monotonic() - began - stormed),
        acknowledged=len(book.acknowledged), lost=0, incidents=len(book.services), second_posts=0,
        repeats=book.repeats, refused=sum(book.refusals.values()), faults=str(dict(nemesis.done)),
        held=sum(count for name, count in ledger.states().items() if name.endswith("held")),
    )  # fmt: skip


async def check_journals(ledger: Ledger, address: str) -> None:
    """I15: every journal's chain of hashes holds; no number of an incident is missing."""
    groups = ledger.groups()
    store = await open_postgres(address, CLOCK)
    try:
        verdicts = [await store.verify_chain(group) for group in groups]
    finally:
        await store.close()
    assert groups
    assert all(verdict.good for verdict in verdicts), [verdict for verdict in verdicts if not verdict.good]
    numbers = [row["number"] for row in ledger.rows("SELECT number FROM groups WHERE number IS NOT NULL")]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
