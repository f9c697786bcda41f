"""Statuspage's public JSON (``GET /api/v2/...``), field by field as its clients expect it.

Source of the shapes: the public API pages of Statuspage, incident objects with
newest update first, times RFC 3339 with milliseconds and Z, ids of 12
characters.  Fields that have no meaning here are present and null.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from typing import Any

from daemon.core.clock import Instant, to_iso
from daemon.core.page_view import ComponentView, IncidentView, PageView, UpdateView
from daemon.core.words import ComponentStatus
from daemon.page.memo import Memo
from daemon.page.resource import Fragment
from daemon.page.state import COMPONENT_INDICATOR, RANK, overall

Json = dict[str, Any]

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
MOST_RECENT = 50  # what incidents.json holds at Statuspage
COMMA, END = Fragment(b","), Fragment(b"]}")


@lru_cache(maxsize=16_384)
def short_id(kind: str, name: str) -> str:
    """Twelve characters [a-z0-9] that stay the same as long as the name does."""
    number = int.from_bytes(hashlib.sha256(f"{kind}\0{name}".encode("utf-8", "replace")).digest()[:12])
    digits = []
    for _ in range(12):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(digits)


def _iso(at: Instant | None) -> str | None:
    return None if at is None else to_iso(at)


def dump(value: object) -> bytes:
    """Compact JSON; half a surrogate pair becomes a question mark instead of an error."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


class Document:
    """The JSON documents of one view; ``kept`` carries incidents from one view to the next."""

    def __init__(self, view: PageView, kept: Memo[Fragment]) -> None:
        self.view = view
        self.page_id = short_id("page", view.url)
        self._kept = kept

    def page(self) -> Json:
        view = self.view
        return {
            "id": self.page_id,
            "name": view.name,
            "url": view.url,
            "time_zone": view.time_zone,
            "updated_at": to_iso(view.updated_at),
        }

    def status(self) -> Json:
        state = overall(self.view)
        return {"indicator": state.indicator, "description": state.description}

    def components(self) -> list[Json]:
        """Groups and components in page order; a group stands before its members."""
        return self._rows[0]

    @cached_property
    def _rows(self) -> tuple[list[Json], dict[str, Json]]:
        """All rows, and those of components by their name in the rule files."""
        members: dict[str, list[ComponentView]] = {}
        for component in self.view.components:
            members.setdefault(component.group, []).append(component)
        rows: list[Json] = []
        by_id: dict[str, Json] = {}
        for group, inside in members.items():
            if group:
                rows.append(self._group(group, inside, len(rows) + 1))
            for component in inside:
                by_id[component.id] = self._component(component, len(rows) + 1)
                rows.append(by_id[component.id])
        return rows, by_id

    def _component(self, component: ComponentView, position: int) -> Json:
        return {
            "id": short_id("component", component.id),
            "name": component.name,
            "status": component.status.value,
            "created_at": to_iso(component.created_at or component.changed_at),
            "updated_at": to_iso(component.changed_at),
            "position": position,
            "description": component.description or None,
            "showcase": True,
            "start_date": None,
            "group_id": short_id("group", component.group) if component.group else None,
            "page_id": self.page_id,
            "group": False,
            "only_show_if_degraded": False,
        }

    def _group(self, name: str, members: Sequence[ComponentView], position: int) -> Json:
        worst = max((member.status for member in members), key=_severity)
        first = min(member.created_at or member.changed_at for member in members)
        return {
            "id": short_id("group", name),
            "name": name,
            "status": worst.value,
            "created_at": to_iso(first),
            "updated_at": to_iso(max(member.changed_at for member in members)),
            "position": position,
            "description": None,
            "showcase": False,
            "start_date": None,
            "group_id": None,
            "page_id": self.page_id,
            "group": True,
            "only_show_if_degraded": False,
            "components": [short_id("component", member.id) for member in members],
        }

    def incident(self, incident: IncidentView) -> Json:
        by_id = self._rows[1]
        return {
            "id": incident.public_id,
            "name": incident.title,
            "status": "resolved" if incident.ended else incident.status,
            "created_at": to_iso(incident.opened_at),
            "updated_at": to_iso(incident.updated_at),
            "monitoring_at": _iso(incident.monitoring_at),
            "resolved_at": _iso(_ended_at(incident)),
            "impact": incident.impact,
            "shortlink": f"{self.view.url.rstrip('/')}/incidents/{incident.public_id}",
            "started_at": to_iso(incident.started_at),
            "page_id": self.page_id,
            "incident_updates": [_update(update, incident) for update in incident.updates],
            "components": [by_id[name] for name in incident.components if name in by_id],
        }

    def incident_bytes(self, incident: IncidentView) -> Fragment:
        """The incident's JSON, taken over from the view before when nothing in it moved."""
        # The rows of its components are in it: their status and place belong to the signature.
        rows = [self._rows[1].get(name) for name in incident.components]
        signature = (incident, rows, self.view.url)
        return self._kept.get(incident.public_id, signature, lambda: Fragment(dump(self.incident(incident))))

    # The documents.  Each answers with fragments, because 1,000 open
    # incidents are 2 MB of JSON of which one change touches 2 kB.

    def summary(self) -> list[Fragment]:
        head = {"page": self.page(), "status": self.status(), "components": self.components()}
        middle = dump(head)[:-1] + b',"scheduled_maintenances":[],"incidents":['
        return self._closed(middle, self.view.open_incidents)

    def status_only(self) -> list[Fragment]:
        return [Fragment(dump({"page": self.page(), "status": self.status()}))]

    def components_only(self) -> list[Fragment]:
        return [Fragment(dump({"page": self.page(), "components": self.components()}))]

    def incidents(self) -> list[Fragment]:
        view = self.view
        recent = sorted(
            (*view.open_incidents[:MOST_RECENT], *view.past_incidents[:MOST_RECENT]),
            key=lambda incident: -incident.opened_at,
        )
        return self._closed(self._page_and_incidents(), recent[:MOST_RECENT])

    def unresolved(self) -> list[Fragment]:
        return self._closed(self._page_and_incidents(), self.view.open_incidents)

    def _page_and_incidents(self) -> bytes:
        return dump({"page": self.page()})[:-1] + b',"incidents":['

    def _closed(self, head: bytes, incidents: Iterable[IncidentView]) -> list[Fragment]:
        pieces = [Fragment(head)]
        for index, incident in enumerate(incidents):
            if index:
                pieces.append(COMMA)
            pieces.append(self.incident_bytes(incident))
        return [*pieces, END]


def _severity(status: ComponentStatus) -> int:
    return RANK[COMPONENT_INDICATOR[status]]


def _ended_at(incident: IncidentView) -> Instant | None:
    if incident.resolved_at is None and incident.ended:
        return incident.updated_at  # retracted or merged: the end is its last word
    return incident.resolved_at


def _update(update: UpdateView, incident: IncidentView) -> Json:
    return {
        "id": update.id,
        "status": update.status,
        "body": update.body,
        "incident_id": incident.public_id,
        "created_at": to_iso(update.at),
        "updated_at": to_iso(update.at),
        "display_at": to_iso(update.at),
        "affected_components": [
            {
                "code": short_id("component", code),
                "name": name,
                "old_status": old.value,
                "new_status": new.value,
            }
            for code, name, old, new in update.components
        ],
        "deliver_notifications": True,
        "custom_tweet": None,
        "tweet_id": None,
    }
