"""The whole way with the real programs: a metric, Prometheus, Alertmanager, the daemon, four ways out.

Alertmanager is killed in the middle and started again; it forgets what it had
sent and sends it again.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import AsyncExitStack
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.slack import FakeSlack
from tests.fakes.smtp import MailSink
from tests.fakes.x import FakeX
from tests.processes.daemon import Daemon
from tests.processes.program import Program, needs
from tests.processes.site import Site, mail, on_x, team
from tests.processes.waiting import until, until_heard
from tests.stories.monitors import Metric, alertmanager, prometheus

pytestmark = [
    pytest.mark.external,
    pytest.mark.slow,
    pytest.mark.timeout(120),
    needs("prometheus", "prometheus-alertmanager"),
]

RULES = """
channels:
  page: { kind: status_page }
  mail: { kind: email }
  team: { kind: slack, audience: internal }
  x: { kind: x }
components:
  - id: checkout
    name: Checkout
    matchers: [ 'service="checkout"' ]
    customers_cannot: pay for their orders
routes:
  - id: services
    matchers: [ 'severity="critical"' ]
    group_by: [ component ]
    for: 1s
    keep_firing_for: 1s
    monitor_for: 2s
    open: { components: matched, impact: major, plan: public }
plans:
  public:
    to: [ page, mail, team ]
    ask: oncall
    steps:
      - { id: first, after: 0s, say: investigating, promise: 30m }
      - { id: holding, every: 30m, say: holding, promise: 30m }
      - { id: social, after: 2s, say: short, to: [ x ], if: "impact >= major", approve: veto 1s }
      - { id: clear, on: monitoring, say: monitoring, limit: 3 }
      - { id: done, on: resolved, say: resolved, to: [ told, team ] }
texts:
  short: "Customers cannot pay for their orders."
  resolved: "This is over."
people:
  oncall: { channel: team }
"""


class Street:
    """All of them, wired together."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self.folder, self.stack = folder, stack
        self.slack, self.x, self.sink, self.metric = FakeSlack(), FakeX(), MailSink(), Metric()
        self.daemon: Daemon
        self.alertmanager: Program

    async def open(self) -> None:
        for one in (self.slack, self.x, self.sink, self.metric):
            await self.stack.enter_async_context(one)
        channels = [
            mail(self.sink, "ann@example.com", "bo@example.com"), team(self.slack), on_x(self.x),
        ]  # fmt: skip
        site = Site.make(self.folder / "site", RULES, channels)
        self.daemon = await self.stack.enter_async_context(Daemon(site))
        self.alertmanager, port = alertmanager(self.folder, site.hook)
        await self.stack.enter_async_context(self.alertmanager)
        await self.stack.enter_async_context(prometheus(self.folder, self.metric, port))

    async def summary(self) -> Any:
        status, text = await self.daemon.get("/api/v2/summary.json", public=True)
        assert status == 200
        return json.loads(text)

    async def open_incident(self) -> Any:
        return next(iter((await self.summary())["incidents"]), None)

    async def webhooks(self) -> float:
        """How many webhooks the daemon took."""
        _, text = await self.daemon.get("/metrics")
        name = "tocsin_webhook_requests_total{"
        lines = [line for line in text.splitlines() if line.startswith(name)]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def posts(self) -> dict[str, int]:
        """What every channel has accepted."""
        return {"mail": len(self.sink.posts), "team": len(self.slack.posts), "x": len(self.x.posts)}

    def doubled(self) -> list[Any]:
        counts: Counter[Any] = Counter()
        for fake in (self.slack, self.x, self.sink):
            counts += Counter(fake.counts())
        return [name for name, count in counts.items() if count > 1]


async def test_row_37_from_the_metric_to_the_resolution(tmp_path: Path) -> None:
    """One incident, each word once on each channel, also after Alertmanager forgot that it had told us."""
    async with AsyncExitStack() as stack:
        street = Street(tmp_path, stack)
        await street.open()
        assert (await street.summary())["status"]["indicator"] == "none"

        street.metric.value = 50.0
        incident = await until_heard(street.open_incident, within=20)
        assert incident["status"] == "investigating"
        status, page = await street.daemon.get("/", public=True)
        assert status == 200
        assert "unable to pay for their orders" in page
        first = {"mail": 2, "team": 2, "x": 1}  # the team was also asked for a veto
        await until(lambda: street.posts() == first, within=20, what=street.posts)

        heard = await street.webhooks()
        await street.alertmanager.kill()
        await street.alertmanager.start()
        # Two more: the one that it sends because it forgot, and a repetition.
        await until_heard(lambda: _more(street, heard + 2), within=30)
        assert street.posts() == first
        assert (await street.open_incident())["id"] == incident["id"]

        street.metric.value = 0.0
        await until_heard(lambda: _is_quiet(street), within=30)
        # Mail and team hear of monitoring and of the end, X of the end alone.
        last = {"mail": 6, "team": 4, "x": 2}
        await until(lambda: street.posts() == last, within=20, what=street.posts)
        assert street.doubled() == []
        _, history = await street.daemon.get("/api/v2/incidents.json", public=True)
        told = [update["status"] for update in json.loads(history)["incidents"][0]["incident_updates"]]
        assert told == ["resolved", "monitoring", "investigating"]
        assert len(json.loads(history)["incidents"]) == 1
        for mailbox in ("ann@example.com", "bo@example.com"):
            letters = street.sink.mails(mailbox)
            assert [_says_the_end(letter) for letter in letters] == [False, False, True]
        assert (await street.summary())["status"]["indicator"] == "none"
        assert await street.daemon.stop() == 0


def _says_the_end(letter: EmailMessage) -> bool:
    body = letter.get_body(("plain",))
    return body is not None and "This is over." in str(body.get_content())


async def _more(street: Street, wanted: float) -> bool:
    return await street.webhooks() >= wanted


async def _is_quiet(street: Street) -> bool:
    return await street.open_incident() is None
