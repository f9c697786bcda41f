"""How it went: what the stand-ins really took and what the daemon's own listeners say, over HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from daemon.core.clock import Instant, Span, from_datetime
from daemon.demo.stage import Stage
from daemon.demo.stand_in import Receipt

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Score:
    """The evidence; nothing in it is taken from the daemon's memory."""

    on_page: tuple[Json, ...]  # /api/v2/incidents.json
    standing: str  # the page's own word on everything: none, minor, ...
    inside: Json  # /api/v1/incidents/INC-1
    undelivered: tuple[Json, ...]
    received: dict[str, tuple[Receipt, ...]]
    duplicates: int
    unanswered: int
    first_alert: Instant | None
    speed: float
    people_took_part: bool = False
    page_is_html: bool = False
    updates: tuple[Json, ...] = field(default=())  # of the one incident, oldest first

    @property
    def first_update(self) -> Instant | None:
        return instant(self.updates[0]["created_at"]) if self.updates else None

    @property
    def time_to_first(self) -> Span | None:
        """From the first webhook to the first words on the page."""
        if self.first_alert is None or self.first_update is None:
            return None
        return self.first_update - self.first_alert

    @property
    def longest_silence(self) -> Span | None:
        """Between two updates on the page."""
        times = [instant(one["created_at"]) for one in self.updates]
        return max((after - before for before, after in pairwise(times)), default=None)

    @property
    def promises(self) -> tuple[int, int]:
        """Kept and broken."""
        told = self.inside.get("promise", {})
        return told.get("kept", 0), told.get("broken", 0)


async def collect(stage: Stage) -> Score:
    """Ask the page and the private listener as anybody would."""
    public, private = stage.workspace.page_url, stage.workspace.private_url
    incidents = (await _json(stage, f"{public}/api/v2/incidents.json")).get("incidents", [])
    status = (await _json(stage, f"{public}/api/v2/status.json")).get("status", {})
    inside = await _json(stage, f"{private}/api/v1/incidents/INC-1")
    deliveries = (await _json(stage, f"{private}/api/v1/deliveries?limit=200")).get("items", [])
    async with stage.session.get(public) as answer:
        html = answer.status == 200 and "<html" in await answer.text()
    updates = incidents[0]["incident_updates"] if len(incidents) == 1 else []
    return Score(
        on_page=tuple(incidents),
        standing=str(status.get("indicator", "")),
        inside=inside,
        undelivered=tuple(one for one in deliveries if one["state"] not in ("sent", "superseded")),
        received={name: tuple(ledger.receipts) for name, ledger in stage.ledgers.items()},
        duplicates=sum(ledger.duplicates for ledger in stage.ledgers.values()) + _repeated(updates),
        unanswered=stage.unanswered,
        first_alert=stage.story.first_alert,
        speed=stage.speed,
        people_took_part=stage.story.people_took_part,
        page_is_html=html,
        updates=tuple(sorted(updates, key=lambda one: str(one["created_at"]))),
    )


def instant(written: str) -> Instant:
    return from_datetime(datetime.fromisoformat(written))


def _repeated(updates: list[Json]) -> int:
    return len(updates) - len({one["body"] for one in updates})


async def _json(stage: Stage, address: str) -> Json:
    """The answer; empty when there is none of that name."""
    async with stage.session.get(address) as answer:
        if answer.status != 200:
            return {}
        found: Json = await answer.json()
        return found
