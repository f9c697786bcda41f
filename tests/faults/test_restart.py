"""How long a restart takes, from the first instruction to the first 200 and to the first delivery.

Figures and no verdict: a machine that does something else must not fail them.
TOCSIN_RESTART_ENTRIES chooses how long the past is.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from bench.fill import fill
from daemon.core.clock import Instant, SystemClock
from daemon.core.delivery import Delivery, DeliveryState
from daemon.core.store import Tx
from daemon.core.words import Audience
from daemon.storage.sqlite.store import open_sqlite
from tests.fakes.faults import Fault
from tests.fakes.slack import FakeSlack
from tests.faults.figures import record, size
from tests.faults.ledger import Ledger
from tests.faults.rules import QUIET
from tests.faults.test_database import webhook
from tests.processes.daemon import Daemon
from tests.processes.site import Site, news
from tests.processes.waiting import CLOCK, PAUSE, until

ENTRIES = size("RESTART_ENTRIES", here=50_000, ci=1_000_000)
DELIVERIES = ENTRIES // 10
TOGETHER = 5_000
GOALS = {"empty": 1.5, "filled": 3.0, "delivery": 5.0}
"""Seconds to the first 200 and to the first delivery."""

RULES = QUIET.replace("to: [ page ]", "to: [ page, news ]").replace(
    "page: { kind: status_page }", "page: { kind: status_page }\n  news: { kind: slack }"
)


async def deliver(database: Path, count: int) -> None:
    """Add so many deliveries that were sent long ago."""
    clock = SystemClock()
    store = await open_sqlite(database, clock)
    try:
        for start in range(0, count, TOGETHER):
            await store.write(lambda tx, start=start: _sent(tx, start), clock.now(), TOGETHER)  # type: ignore[misc]
    finally:
        await store.close()


def _sent(tx: Tx, start: int) -> None:
    at: Instant = tx.now - 1_000_000
    for number in range(start, start + TOGETHER):
        row = Delivery(
            id=tx.next_id("delivery"), key=f"past-{number}", group=1 + number // 5, update=f"u{number}",
            channel="news", audience=Audience.public, recipient="", payload=b'{"text":"It is over."}',
            state=DeliveryState.sent, created_at=at, not_before=at, sequence=number, token=1, attempts=1,
        )  # fmt: skip
        tx.delivery(row)


async def first_200(daemon: Daemon, number: int) -> float:
    """Start a process; seconds until a webhook of a new alert is answered with 200."""
    began = CLOCK.monotonic()
    starting = asyncio.create_task(daemon.start())
    while True:
        try:
            if (await daemon.post(webhook(number)))[0] == 200:
                break
        except aiohttp.ClientError:
            await CLOCK.sleep(PAUSE)
    seconds = CLOCK.monotonic() - began
    await starting
    return seconds


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_restart_with_a_long_past(tmp_path: Path) -> None:
    """Nothing is lost, what was queued goes out, and the clock shows how soon."""
    async with FakeSlack() as slack:
        site = Site.make(tmp_path, RULES, [news(slack)])
        ledger = Ledger(site.database)
        slack.script(Fault(429, headers={"Retry-After": "1"}))
        async with Daemon(site) as daemon:
            await daemon.kill()
            empty = await first_200(daemon, 1)
            await until(lambda: ledger.states().get("news queued") and slack.calls)
            await daemon.kill()
            await fill(site.database, ENTRIES)
            await deliver(site.database, DELIVERIES)
            posts = len(slack.posts)

            began = CLOCK.monotonic()
            restart = asyncio.create_task(first_200(daemon, 2))
            await until(lambda: len(slack.posts) > posts, within=60)
            delivery = CLOCK.monotonic() - began
            filled = await restart
            assert set(ledger.alerts()) >= {f"{1:016x}", f"{2:016x}"}
            assert await daemon.stop() == 0
    record(
        "restart", journal_entries=ENTRIES, deliveries=DELIVERIES, empty_seconds=round(empty, 2),
        filled_seconds=round(filled, 2), first_delivery_seconds=round(delivery, 2),
        goal_empty=GOALS["empty"], goal_filled=GOALS["filled"], goal_first_delivery=GOALS["delivery"],
    )  # fmt: skip
