"""Many alerts at once: in one body, or from everywhere for a while."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.fakes.slack import FakeSlack
from tests.faults.figures import record, size
from tests.faults.ledger import Ledger
from tests.faults.rules import QUIET
from tests.faults.test_restart import RULES
from tests.intake.bodies import alert, body
from tests.processes.daemon import Daemon
from tests.processes.site import Site, news
from tests.processes.waiting import CLOCK, until

SENDERS = 40
BODIES = size("STORM_BODIES", here=15, ci=40)  # for each sender
ALERTS = 25  # in each body
FAST = 15.0
"""Seconds within which the first post of an incident has to come through the storm, on a slow machine too."""


async def test_row_40_ten_thousand_alerts_in_one_body(tmp_path: Path) -> None:
    """Taken whole: an incident for each group, every alert stored, a repeat changes nothing."""
    site = Site.make(tmp_path, QUIET)
    alerts = [
        alert(
            fingerprint=f"{number:016x}",
            labels={"service": f"s{number % 10}", "instance": f"web-{number}"},
            annotations={"summary": "x" * 400},
        )
        for number in range(10_000)
    ]
    content = body(*alerts)
    assert len(content) > 6_000_000
    ledger = Ledger(site.database)
    async with Daemon(site) as daemon:
        began = CLOCK.monotonic()
        assert (await daemon.post(content))[0] == 200
        seconds = CLOCK.monotonic() - began
        assert len(ledger.alerts()) == 10_000
        assert len(ledger.incidents()) == 10
        entries = ledger.rows("SELECT count(*) AS entries FROM journal")[0]["entries"]
        assert (await daemon.post(content))[0] == 200
        assert ledger.rows("SELECT count(*) AS entries FROM journal")[0]["entries"] == entries
        assert await daemon.stop() == 0
    record("one body", alerts=10_000, bytes=len(content), seconds=round(seconds, 2))


class Storm:
    """Senders that all post at once, each a body after the other, and repeat what got a 503."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self.answers: Counter[int] = Counter()
        self.waits: list[float] = []
        self.acknowledged: set[str] = set()

    async def blow(self) -> None:
        await asyncio.gather(*(self._send(sender) for sender in range(SENDERS)))

    async def _send(self, sender: int) -> None:
        for number in range(BODIES):
            names = [f"{sender}-{number}-{one}" for one in range(ALERTS)]
            alerts = [
                alert(fingerprint=name, labels={"service": f"s{sender % 8}", "instance": name})
                for name in names
            ]
            content, status = body(*alerts), 0
            while status != 200:
                began = CLOCK.monotonic()
                status, _ = await self._daemon.post(content)
                self.waits.append(CLOCK.monotonic() - began)
                self.answers[status] += 1
            self.acknowledged.update(names)


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_row_45_an_alert_storm(tmp_path: Path) -> None:
    """200 or 503 for each, within five seconds; nothing that was taken is lost; posts go out meanwhile."""
    async with FakeSlack() as slack:
        site = Site.make(tmp_path, RULES, [news(slack)])
        ledger = Ledger(site.database)
        async with Daemon(site) as daemon:
            storm = Storm(daemon)
            blowing = asyncio.create_task(storm.blow())
            await until(lambda: len(storm.acknowledged) > SENDERS * ALERTS)
            began, posts = CLOCK.monotonic(), len(slack.posts)
            status, _ = await daemon.post(
                body(alert(fingerprint="quiet", labels={"service": "in the middle of it"}))
            )
            assert status in (200, 503)
            await until(lambda: len(slack.posts) > posts, within=FAST)
            first_post = CLOCK.monotonic() - began
            assert (await daemon.get("/", public=True))[0] == 200
            await blowing
            assert (await daemon.get("/-/healthy"))[0] == 200
            assert await daemon.stop() == 0
        assert storm.answers.keys() <= {200, 503}
        assert max(storm.waits) < 5.5
        assert storm.acknowledged <= set(ledger.alerts())
    waits = sorted(storm.waits)
    record(
        "alert storm", senders=SENDERS, alerts=len(storm.acknowledged), refused=storm.answers[503],
        p50_seconds=round(waits[len(waits) // 2], 3), p99_seconds=round(waits[len(waits) * 99 // 100], 3),
        first_post_seconds=round(first_post, 2),
    )  # fmt: skip
