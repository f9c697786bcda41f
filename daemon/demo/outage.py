"""The recorded outage: bodies as a real Alertmanager sent them, and when.

They were recorded with all spans a sixtieth of the usual ones (tests/demo/record.py
says how); here they are stretched back and moved to the demo's own time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any

from daemon.core.clock import Instant, Span, from_datetime, to_iso

INDEX = "index.json"
NEVER = "0001-01-01T00:00:00Z"  # what Go writes for an alert that has not ended


@dataclass(frozen=True, slots=True)
class Recorded:
    """One webhook; ``after`` is the span since the first one, stretched."""

    name: str
    after: Span
    body: bytes


@dataclass(frozen=True, slots=True)
class Outage:
    """All webhooks of the outage, in order."""

    first_at: Instant
    times: int
    webhooks: tuple[Recorded, ...]

    @property
    def length(self) -> Span:
        """From the first webhook to the last one."""
        return self.webhooks[-1].after

    def at(self, one: Recorded, start: Instant) -> bytes:
        """The body as it would have been sent in an outage whose first webhook came at ``start``."""
        read = json.loads(one.body)
        for alert in read["alerts"]:
            for key in ("startsAt", "endsAt"):
                alert[key] = self._moved(alert[key], start)
        return json.dumps(read, separators=(",", ":")).encode()

    def _moved(self, written: str, start: Instant) -> str:
        if written == NEVER:
            return written
        return to_iso(start + (_instant(written) - self.first_at) * self.times)


def load() -> Outage:
    """The outage that is shipped with the demo."""
    folder = files("daemon.demo") / "outage"
    index: dict[str, Any] = json.loads((folder / INDEX).read_text("utf-8"))
    first = _instant(index["bodies"][0]["received_at"])
    webhooks = tuple(
        Recorded(
            name=line["body"],
            after=(_instant(line["received_at"]) - first) * index["times"],
            body=(folder / line["body"]).read_bytes(),
        )
        for line in index["bodies"]
    )
    return Outage(first, index["times"], webhooks)


def _instant(written: str) -> Instant:
    return from_datetime(datetime.fromisoformat(written))
