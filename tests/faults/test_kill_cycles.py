"""Kill -9 again and again, under load, with channels that fail in the middle.

* what was acknowledged is there
* no channel that can be asked, or must be left in doubt, got a post twice
* a mail came twice at most, and only where its fate was unknown

TOCSIN_KILL_CYCLES and TOCSIN_SEED choose how many and which; both are printed.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import sys
from collections import defaultdict
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import web

from daemon.core.clock import Clock
from daemon.storage.sqlite.store import open_sqlite
from tests.conftest import in_ci
from tests.fakes import faults
from tests.fakes.slack import FakeSlack
from tests.fakes.smtp import MailFault, MailSink, parsed
from tests.fakes.x import FakeX
from tests.faults.ledger import Ledger, in_order, repeated
from tests.faults.load import Load
from tests.faults.rules import BUSY
from tests.faults.seed import SEED
from tests.processes.daemon import Daemon
from tests.processes.fast_clock import fast_clock
from tests.processes.nursery import Nursery
from tests.processes.site import Site, mail, news, on_x, team
from tests.processes.waiting import CLOCK, until

CYCLES = int(os.environ.get("TOCSIN_KILL_CYCLES") or (200 if in_ci() else 25))
SPEED = 8.0
"""The daemon's and the fakes' clock: a quarantine of a minute is over before the test is."""

STARTING = 0.4  # seconds within which a life that is not to accept anything ends
UNDER_LOAD = 0.4  # seconds within which the others end, once they accept

PROVIDER_FAULTS = (
    faults.hang_before, faults.hang_after, faults.cut_before_answer, faults.cut_mid_answer,
    faults.html_502, faults.html_503, faults.invalid_json_200, faults.empty_200,
)  # fmt: skip
MAIL_FAULTS = (
    MailFault("dot", hangs=True, stores=True), MailFault("dot", hangs=True), MailFault("dot", drops=True),
    MailFault("dot", drops=True, stores=True), MailFault("data", drops=True), MailFault("rcpt", "450 later"),
)  # fmt: skip


class WatchedX(FakeX):
    """Keeps the texts that came once more after they had been accepted; X itself would refuse them."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock=clock)
        self.again: list[str] = []

    async def _post(self, request: web.Request) -> web.StreamResponse:
        text = json.loads(await request.read())["text"]
        self.again += [post["text"] for post in self.posts if post["text"] == text]
        return await super()._post(request)


class World:
    """One daemon, its channels and its monitors."""

    def __init__(self, folder: Path, stack: AsyncExitStack, nursery: Nursery, seed: str) -> None:
        self.clock = fast_clock(SPEED)
        self.folder, self.stack, self.nursery, self.seed = folder, stack, nursery, seed
        self.slack = FakeSlack(clock=self.clock)
        self.x = WatchedX(self.clock)
        self.sink = MailSink(clock=self.clock)
        self.random = random.Random(seed)  # noqa: S311 - a schedule, not a secret
        self.starts: list[float] = []
        self.daemon: Daemon
        self.site: Site

    async def open(self) -> None:
        for fake in (self.slack, self.x, self.sink):
            await self.stack.enter_async_context(fake)
        channels = [
            mail(self.sink, "ann@example.com", "bo@example.com"), news(self.slack), team(self.slack),
            on_x(self.x),
        ]  # fmt: skip
        self.site = Site.make(self.folder, BUSY, channels)
        self.daemon = Daemon(self.site, entry=self.clock.options, nursery=self.nursery)
        await self.stack.enter_async_context(self.daemon)

    async def kill_and_restart(self, cycles: int) -> None:
        """One life in four ends while it starts, the others at some moment under load."""
        await self.daemon.kill()
        for number in range(cycles):
            self._plan_trouble()
            began = CLOCK.monotonic()
            if self.random.random() < 0.25:
                await self.daemon.spawn()
                await CLOCK.sleep(self.random.uniform(0, STARTING))
            else:
                await self.daemon.start(execute=number % 20 == 10)
                self.starts.append(CLOCK.monotonic() - began)
                await CLOCK.sleep(self.random.uniform(0, UNDER_LOAD))
            assert self.daemon.is_running, f"it died by itself:\n{self.daemon.log[-4000:]}"
            await self.daemon.kill()
        await self.daemon.start()

    def _plan_trouble(self) -> None:
        for fake in (self.slack, self.x):
            if not fake.faults and self.random.random() < 0.4:
                fake.script(self.random.choice(PROVIDER_FAULTS))
        if not self.sink.faults and self.random.random() < 0.4:
            self.sink.script(self.random.choice(MAIL_FAULTS))

    async def come_to_rest(self, ledger: Ledger) -> None:
        """No more trouble: every doubt is settled, every queue empties."""
        for fake in (self.slack, self.x, self.sink):
            fake.faults.clear()
        await until(lambda: ledger.unsettled() == 0, within=90, what=ledger.states)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_rows_01_to_08_kill_cycles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Killed anywhere, any number of times: nothing acknowledged is lost, nothing is said twice."""
    with capsys.disabled():
        sys.stdout.write(f"\nTOCSIN_KILL_CYCLES={CYCLES} TOCSIN_SEED={SEED}\n")
    async with AsyncExitStack() as stack:
        nursery = await stack.enter_async_context(Nursery())
        world = World(tmp_path / "site", stack, nursery, SEED)
        await world.open()
        async with Load(world.daemon, SEED) as load:
            await world.kill_and_restart(CYCLES)
            book = await load.finish()
        ledger = Ledger(world.site.database)
        await world.come_to_rest(ledger)
        await world.daemon.stop()
        with capsys.disabled():
            sys.stdout.write(
                f"{len(world.starts)} lives under load, a start took {statistics.median(world.starts):.2f} s;"
                f" {len(book.acknowledged)} alerts, {len(book.services)} incidents, {book.repeats} repeats,"
                f" {book.refusals} refused; {ledger.states()}\n"
            )
    assert not book.wrong
    check_alerts(ledger, book.acknowledged, book.services)
    check_posts(ledger, world)
    check_mails(ledger, world.sink)
    await check_journals(world)


def check_alerts(ledger: Ledger, acknowledged: dict[str, bool], services: set[str]) -> None:
    """I1: every acknowledged alert, in its last acknowledged state; one incident for each service."""
    stored = ledger.alerts()
    lost = {name: fires for name, fires in acknowledged.items() if stored.get(name) is not fires}
    assert not lost, f"{len(lost)} lost: {sorted(lost.items())[:10]}"
    incidents = ledger.incidents()
    assert not repeated(incidents)
    assert len(incidents) == len(services)
    assert ledger.check() == "ok"


def check_posts(ledger: Ledger, world: World) -> None:
    """I3, I5, I8: accepted at most once, behind a committed intent, in the order of the updates."""
    assert not repeated(world.slack.counts())
    assert not repeated(world.x.counts())
    assert not world.x.again, "X's own filter was all that stood between us and a second post"
    rows = {row["key"]: row for row in ledger.deliveries("team")}
    threads: dict[int, list[int]] = defaultdict(list)
    for post in world.slack.posts:
        if post["metadata"]:
            row = rows[post["metadata"]["event_payload"]["key"]]
            assert row["attempts"] >= 1
            threads[row["group_id"]].append(row["sequence"])
    assert threads
    assert all(in_order(sequences) for sequences in threads.values())


def check_mails(ledger: Ledger, sink: MailSink) -> None:
    """I4: twice at the most, with the same Message-ID, and only where the daemon was in doubt."""
    rows = {
        (message_id(json.loads(row["payload"])["message"]), row["recipient"]): row
        for row in ledger.deliveries("mail")
    }
    counts = sink.counts()
    assert counts
    assert max(counts.values()) <= 2
    too_many = {mail: count for mail, count in counts.items() if count > 1 + rows[mail]["resends"]}
    assert not too_many


def message_id(message: str) -> str:
    return str(parsed(message)["Message-ID"])


async def check_journals(world: World) -> None:
    """I15: every journal's chain of hashes holds."""
    groups = [row[0] for row in Ledger(world.site.database).rows("SELECT id FROM groups")]
    store = await open_sqlite(world.site.database, CLOCK)
    try:
        verdicts = await asyncio.gather(*(store.verify_chain(group) for group in groups))
    finally:
        await store.close()
    assert groups
    assert all(verdict.good for verdict in verdicts), [verdict for verdict in verdicts if not verdict.good]
