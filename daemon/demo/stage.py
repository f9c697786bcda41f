"""The stage: the real daemon on a fast clock, the stand-ins, and the outage that is played to it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

import aiohttp

from daemon import logs
from daemon.app import App
from daemon.core.clock import MINUTE, SECOND, Instant, ScaledClock, Span, SystemClock, WorkClock
from daemon.core.delivery import DeliveryState
from daemon.demo import outage, workspace
from daemon.demo.mail import Mail
from daemon.demo.slack import Slack
from daemon.demo.stand_in import Ledger, StandIn
from daemon.demo.story import Story
from daemon.demo.x import X

LEAD: Span = 30 * SECOND
"""Of incident time before the first webhook: the page is green."""

RECOVERY: Span = 15 * MINUTE
"""From the last webhook to "resolved": the starter pack's keep_firing_for and monitor_for."""

PATIENCE: Span = 20 * MINUTE
"""How much later than planned the story may end before it is called off."""

BUSY = frozenset(
    {DeliveryState.queued, DeliveryState.claimed, DeliveryState.attempted, DeliveryState.unknown}
)
TRIES = 5  # Alertmanager repeats what was not acknowledged, and so do we


class Stage(AsyncExitStack):
    """``async with`` sets all up and takes it down; ``refuse`` names channels whose stand-in says no."""

    def __init__(self, speed: float, refuse: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self.speed = speed
        self.outage = outage.load()
        length = LEAD + self.outage.length + RECOVERY
        # The story ends about now, so that the page left open speaks of today's times.
        now = SystemClock().now()
        self.clock = ScaledClock(speed, start=now - length + int(length / speed))
        self.machine = WorkClock(self.clock)
        self.story = Story(self.clock.now(), recipients=len(workspace.RECIPIENTS))
        self.ends = self.story.began + length
        self.unanswered = 0
        self.ledgers: Mapping[str, Ledger] = {
            name: Ledger(name, self.clock, self.story, refuses=name in refuse)
            for name in ("subscribers", "ops", "x")
        }

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        try:
            await self._build()
        except BaseException:
            await self.aclose()
            raise
        return self

    async def _build(self) -> None:
        self.folder = Path(self.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-demo-")))
        log = self.enter_context((self.folder / "log.json").open("w", encoding="utf-8"))
        self.callback(logs.reset)
        redactor = logs.configure(self.clock, style="json", stream=log)
        mail, slack, x = Mail(self.ledgers["subscribers"]), Slack(self.ledgers["ops"]), X(self.ledgers["x"])
        for one in (mail, slack, x):
            await self._open(one)
        self.workspace = workspace.prepare(self.folder, mail, slack, x)
        redactor.learn(self.workspace.configuration.secrets)
        self.session = await self.enter_async_context(aiohttp.ClientSession(trust_env=False))
        self.app = App(self.workspace.configuration, self.clock, self.machine)
        await self.app.start()
        self.push_async_callback(self.app.stop)
        self.app.desk.observers.append(self.story.entry)

    async def _open(self, one: StandIn) -> None:
        await one.start()
        self.push_async_callback(one.stop)

    # -- the outage --------------------------------------------------------

    async def play(self) -> None:
        """Post the whole outage at its times; returns when the story has ended or patience has."""
        start = self.story.began + LEAD
        for webhook in self.outage.webhooks:
            await self._until(start + webhook.after)
            body, now = self.outage.at(webhook, start), self.clock.now()
            if await self._post(body):
                self.story.webhook(now, body)
            else:
                self.unanswered += 1
        while not await self._is_over() and self.clock.now() < self.ends + PATIENCE:
            await self.machine.sleep(0.05)
        self.clock.change_speed(1)

    async def _until(self, instant: Instant) -> None:
        while (left := instant - self.clock.now()) > 0:
            await self.clock.sleep(left / SECOND)

    async def _post(self, body: bytes) -> bool:
        """Whether the daemon has acknowledged it."""
        headers = {"Authorization": f"Bearer {self.workspace.hook_token}", "Content-Type": "application/json"}
        for _ in range(TRIES):
            address = f"{self.workspace.private_url}/hooks/alertmanager"
            async with self.session.post(address, data=body, headers=headers) as answer:
                if answer.status == 200:
                    return True
                if answer.status < 500:
                    return False
        return False

    async def _is_over(self) -> bool:
        """Resolved, and nothing is on its way any more."""
        group = self.story.group
        if group is None or group.phase not in ("resolved", "ended"):
            return False
        counts = await self.app.store.delivery_counts()
        return not any(one.count for one in counts if one.state in BUSY)
