"""What the hooks hand their reports to: the alert desk, and the shelf for what nobody understands."""

from __future__ import annotations

import hashlib

import structlog

from daemon.core.alert import Report
from daemon.core.clock import HOUR, Instant
from daemon.core.store import Tx
from daemon.metrics import Metrics
from daemon.service.alerts import AlertDesk
from daemon.service.desk import Desk

log = structlog.get_logger("tocsin.intake")


KEEP_AGAIN = HOUR
"""The same body from the same source is kept once in this time; its repeats are counted."""

MOST_KEPT = 1_000


class IntakeDesk:
    """The use cases behind ``POST /hooks/{source}``."""

    def __init__(self, desk: Desk, metrics: Metrics, raw_bodies: int = MOST_KEPT) -> None:
        self._desk = desk
        self._alerts = AlertDesk(desk)
        self._metrics = metrics
        self._raw_bodies = raw_bodies
        self._kept: dict[tuple[str, bytes], Instant] = {}

    async def take_in(self, report: Report) -> None:
        """Store what a report changes; returns after the commit.  Raises Unavailable."""
        await self._alerts.take_in(report)

    async def keep(self, source: str, reason: str, body: bytes) -> None:
        """Keep a body for an operator, who hears of it by log, metric and the shipped alert rule."""
        now = self._desk.clock.now()
        shown = (source, hashlib.sha256(body).digest())
        self._metrics.raw_body_kept(source)
        if now - self._kept.get(shown, -KEEP_AGAIN) < KEEP_AGAIN:
            return

        def put(tx: Tx) -> None:
            tx.quarantine(source, reason, body)
            tx.trim_quarantine(self._raw_bodies)

        await self._desk.store.write(put, now, 1)
        self._kept[shown] = now
        while len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        log.error("a body was kept because it could not be understood", source=source, reason=reason)
