"""One daemon on a fast clock, the channels that it posts to, and what must be true of them in the end."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from config import database
from daemon.core.clock import Clock
from daemon.storage.opening import open_store
from tests.fakes.slack import FakeSlack
from tests.fakes.smtp import MailSink, parsed
from tests.fakes.x import FakeX
from tests.faults.ledger import Ledger, in_order, repeated
from tests.faults.rules import BUSY
from tests.faults.tables import Postgres
from tests.processes.daemon import Daemon
from tests.processes.fast_clock import LEAP, fast_clock
from tests.processes.nursery import Nursery
from tests.processes.site import Site, mail, news, on_x, team
from tests.processes.waiting import CLOCK, until

SPEED = 8.0
"""The daemon's and the fakes' clock: a quarantine of a minute is over before the test is."""


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
    """``database``: an address for the configuration; empty is a SQLite file in the site's folder."""

    def __init__(
        self, folder: Path, stack: AsyncExitStack, nursery: Nursery, *, database: str = "", rules: str = BUSY,
        speed: float = SPEED,
    ) -> None:  # fmt: skip
        self.clock = fast_clock(speed)
        self.slack = FakeSlack(clock=self.clock)
        self.x = WatchedX(self.clock)
        self.sink = MailSink(clock=self.clock)
        self.daemon: Daemon
        self.site: Site
        self._folder, self._stack, self._nursery = folder, stack, nursery
        self.database, self._rules = database, rules
        self._entry: list[str] = []
        self._options: Sequence[str] = ()

    async def open(self, *, entry: Sequence[str] = (), **settings: Any) -> None:
        """Start the fakes and the first life; ``settings`` are more keys of the configuration."""
        for fake in (self.slack, self.x, self.sink):
            await self._stack.enter_async_context(fake)
        if self.database:
            settings.setdefault("database", self.database)
        self.site = Site.make(self._folder, self._rules, self.channels, **settings)
        self._options = entry
        self._entry[:] = [*self.clock.options, *entry]
        self.daemon = Daemon(self.site, entry=self._entry, nursery=self._nursery)
        await self._stack.enter_async_context(self.daemon)

    @property
    def channels(self) -> list[dict[str, object]]:
        return [
            mail(self.sink, "ann@example.com", "bo@example.com"), news(self.slack), team(self.slack),
            on_x(self.x),
        ]  # fmt: skip

    @property
    def ledger(self) -> Ledger:
        return Ledger(Postgres(self.database) if self.database else self.site.database)

    def leap(self) -> None:
        """A minute passes everywhere at once; only for daemons with failpoints (``LEAP``)."""
        self.clock.leap()
        self._entry[:] = [*self.clock.options, *self._options]
        if self.daemon.is_running:
            self.daemon.signal(LEAP)

    async def come_to_rest(self) -> None:
        """No more trouble: every doubt is settled, every queue empties."""
        for fake in (self.slack, self.x, self.sink):
            fake.faults.clear()
        least = self.ledger.unsettled()
        while least:  # however much there is, as long as it gets less
            await until(partial(self._is_less, least), within=60, what=self.ledger.states)
            least = self.ledger.unsettled()

    def _is_less(self, than: int) -> bool:
        return self.ledger.unsettled() < than


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
    check_edits(ledger, world)
    assert threads
    assert all(in_order(sequences) for sequences in threads.values())


def check_edits(ledger: Ledger, world: World) -> None:
    """Whatever died meanwhile, each message that is edited shows the newest state at last."""
    rows = {row["id"]: row for row in ledger.deliveries("team")}
    newest = {row["edits"]: row for row in rows.values() if row["edits"] is not None}
    shown = {
        post["metadata"]["event_payload"]["key"]: post["text"]
        for post in world.slack.posts
        if post["metadata"]
    }
    for post, edit in newest.items():
        if rows[post]["state"] == "sent":
            assert edit["state"] == "sent", edit
            assert shown[rows[post]["key"]] == json.loads(edit["payload"])["message"]["text"]


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
    assert not too_many, too_many


def message_id(message: str) -> str:
    return str(parsed(message)["Message-ID"])


async def check_journals(world: World) -> None:
    """I15: every journal's chain of hashes holds."""
    groups = world.ledger.groups()
    address = world.database or f"sqlite:///{world.site.database}"
    store = await open_store(database.file_of(address), address, CLOCK, CLOCK)
    try:
        verdicts = await asyncio.gather(*(store.verify_chain(group) for group in groups))
    finally:
        await store.close()
    assert groups
    assert all(verdict.good for verdict in verdicts), [verdict for verdict in verdicts if not verdict.good]
