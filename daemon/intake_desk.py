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
from daemon.service.repeats import Repeats

log = structlog.get_logger("tocsin.intake")


KEEP_AGAIN = HOUR
"""The same body from the same source is kept once in this time; its repeats are counted."""

MOST_KEPT = 1_000


class IntakeDesk:
    """The use cases behind ``POST /hooks/{source}``."""

    def __init__(self, desk: Desk, metrics: Metrics, raw_bodies: int = MOST_KEPT) -> None:
        self._desk = desk
        self._alerts = AlertDesk(desk)
        self._repeats = Repeats(desk.memory)
        self._metrics = metrics
        self._raw_bodies = raw_bodies
        self._kept: dict[tuple[str, bytes], Instant] = {}

    def recall(self, source: str, body: bytes) -> tuple[int, int] | None:
        """How many alerts fire and are resolved in a body that was noted and still changes nothing."""
        noted = self._repeats.find(source, body, self._alerts.silent_since())
        if noted is None or not self._alerts.believes(noted.firing == len(noted.keys)):
            return None
        return noted.firing, len(noted.keys) - noted.firing

    def knows(self, report: Report) -> bool:
        """Whether nothing in the report is new and all of it is durable."""
        return self._alerts.knows(report)

    def note(self, source: str, body: bytes, report: Report) -> None:
        """Remember the body of a report that is known."""
        self._repeats.note(source, body, report)

    async def take_in(self, report: Report) -> None:
        """Store what a report changes; returns after the commit.  Raises Unavailable."""
        taken = await self._alerts.take_in(report)
        if taken.new or taken.cleared:
            source = report.alerts[0].source
            log.info("alerts taken in", source=source, new=taken.new, cleared=taken.cleared)

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
