"""Cachet 3: an incident with our metadata, and updates beside it.

https://docs.cachethq.io/api-reference
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import aiohttp
from pydantic import AfterValidator, Field
from typing_extensions import override

from channels.base import ApiUrl, Secret
from channels.hosted import HostedPage
from channels.hosted_dialect import SIZE, Call, Dialect, Fields, Incident, Update
from channels.hosted_settings import HostedSettings, PartId
from channels.markdown import paragraphs
from daemon.core.clock import Clock, to_iso
from daemon.core.ports import Payload

STATUSES = {"investigating": 1, "identified": 2, "monitoring": 3, "resolved": 4}
STATES = {
    "operational": 1,
    "degraded_performance": 2,
    "partial_outage": 3,
    "major_outage": 4,
    "under_maintenance": 6,
}
INCIDENT, UPDATE = "tocsin_incident", "tocsin_update"
"""Our keys in an incident's metadata."""
FIRST = "0"
"""How we call the words that stand in the incident itself; updates have higher numbers."""


def _numbers(parts: dict[str, str]) -> dict[str, str]:
    if any(not part.isdecimal() for part in parts.values()):
        raise ValueError("Cachet's components have numbers: write `ours: 7`")
    return parts


class Settings(HostedSettings):
    """``api_url`` is the page's address with ``/api`` at its end, and ``token`` an API token."""

    kind: Literal["cachet"]
    api_url: ApiUrl = Field(
        description="the page's address with `/api` at its end; https, or http to this machine"
    )
    token: Secret = Field(
        description="an API token with `incidents.manage`, `incident-updates.manage` and `components.manage`"
    )
    components: Annotated[dict[str, PartId], AfterValidator(_numbers)] = Field(
        default={},
        description="a map from our components, by id or name, to the numbers of theirs; "
        "what is not in it is left alone",
    )


class Cachet(Dialect):
    """Words for Cachet.

    An incident takes states of components with its creation alone, and gives
    them up when it is fixed; what changes in between is set at the components.
    """

    kind = "cachet"
    text_limit = 20_000  # a column of 64 KiB
    per_minute = 30.0  # 300 calls in a minute, and a post needs one for each component
    wrapped = "data"
    login = "subscribers/0"

    def __init__(self, settings: Settings) -> None:
        self._notify = settings.deliver_notifications

    @override
    def escaped(self, text: str) -> str:
        return paragraphs(text)

    @override
    def status(self, payload: Payload) -> str:
        return str(STATUSES[payload["status"]])

    @override
    def mark(self, payload: Payload) -> str:
        return str(payload["incident"])

    @override
    def listed(self, payload: Payload) -> Call:
        query = {f"filter[meta][{INCIDENT}]": self.mark(payload), "include": "meta", "per_page": str(SIZE)}
        return Call("GET", "incidents", query=query)

    @override
    def get(self, name: str) -> Call:
        return Call("GET", f"incidents/{name}", query={"include": "updates,meta"})

    @override
    def create(self, payload: Payload, key: str) -> Call:
        states = sorted(payload["components"].items())
        body = {
            "name": payload["name"],
            "message": payload["text"],
            "status": STATUSES[payload["status"]],
            "visible": True,
            "notifications": self._notify,
            "occurred_at": to_iso(payload["began"]),
            "components": [{"id": int(part), "status": STATES[state]} for part, state in states],
            "meta": {INCIDENT: payload["incident"], UPDATE: key},
        }
        return Call("POST", "incidents", body)

    @override
    def before(self, payload: Payload) -> tuple[Call, ...]:
        states = sorted(payload["components"].items())
        return tuple(Call("PUT", f"components/{part}", {"status": STATES[state]}) for part, state in states)

    @override
    def change(self, incident: Incident, payload: Payload, key: str) -> Call:
        body = {"status": STATUSES[payload["status"]], "message": payload["text"]}
        return Call("POST", f"incidents/{incident.id}/updates", body)

    @override
    def row(self, row: Any) -> Incident:
        meta = row["attributes"].get("meta") or {}  # an empty one is a list there
        return Incident(str(row["id"]), mark=str(meta.get(INCIDENT) or "") if isinstance(meta, dict) else "")

    @override
    def whole(self, fields: Fields) -> Incident:
        data, found = fields["data"], self.row(fields["data"])
        meta = data["attributes"].get("meta") or {}
        related = ((data.get("relationships") or {}).get("updates") or {}).get("data") or []
        names = {(one["type"], one["id"]) for one in related}
        said = [one for one in fields.get("included") or [] if (one["type"], one["id"]) in names]
        first = Update(FIRST, "", str(data["attributes"]["message"] or ""), str(meta.get(UPDATE) or ""))
        updates = [_update(one) for one in sorted(said, key=lambda one: int(one["id"]))]
        return Incident(found.id, mark=found.mark, updates=(first, *updates))

    @override
    def added(self, fields: Fields) -> str:
        return str(fields["data"]["id"])

    @override
    def parts(self) -> Call:
        # A Cachet that knows no metadata refuses to include it, and could not be read back.
        return Call("GET", "components", query={"include": "meta", "per_page": str(SIZE)})


def _update(one: Any) -> Update:
    said = one["attributes"]
    return Update(str(one["id"]), str(said["status"]["value"]), str(said["message"] or ""))


class CachetChannel(HostedPage[Settings]):
    """One Cachet."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> None:
        super().__init__(settings, session, clock, settings.api_url, Cachet(settings))
