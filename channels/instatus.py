"""Instatus: an incident that is known again by its start, and updates beside it.

https://instatus.com/help/api
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Literal

import aiohttp
from pydantic import Field
from typing_extensions import override

from channels.base import ApiUrl
from channels.hosted import HostedPage
from channels.hosted_dialect import SIZE, Call, Dialect, Fields, Incident, Update
from channels.hosted_settings import HostedSettings
from channels.markdown import paragraphs
from daemon.core.clock import MINUTE, Clock, Instant, from_datetime, to_iso
from daemon.core.ports import Payload


class Settings(HostedSettings):
    """``page`` is the page's id and ``token`` an API key."""

    kind: Literal["instatus"]
    page: str = Field(pattern="^[A-Za-z0-9_-]{1,64}$", description="the page's id")
    api_url: ApiUrl = Field(
        default="https://api.instatus.com",
        description="another base address; https, or http to this machine",
    )


class Instatus(Dialect):
    """Words for Instatus."""

    kind = "instatus"
    keeps_marks = False  # that a start comes back to the millisecond is seen in its examples, not promised
    text_limit = 10_000  # it does not say how much it takes

    def __init__(self, settings: Settings) -> None:
        self._base = f"v1/{settings.page}"
        self._notify = settings.deliver_notifications

    @override
    def escaped(self, text: str) -> str:
        return paragraphs(text)

    @override
    def status(self, payload: Payload) -> str:
        return str(payload["status"]).upper()

    @override
    def mark(self, payload: Payload) -> str:
        """The incident's start, moved back by less than a minute: nothing else of ours would be kept."""
        digest = hashlib.sha256(str(payload["incident"]).encode()).digest()
        return to_iso(payload["began"] - int.from_bytes(digest[:4]) % MINUTE)

    @override
    def listed(self, payload: Payload) -> Call:
        return Call("GET", f"{self._base}/incidents", query={"per_page": str(SIZE)})

    @override
    def get(self, name: str) -> Call:
        return Call("GET", f"{self._base}/incidents/{name}")

    @override
    def create(self, payload: Payload, key: str) -> Call:
        body = {"name": payload["name"], "started": self.mark(payload), "shouldPublish": True}
        return Call("POST", f"{self._base}/incidents", {**body, **self._said(payload)})

    @override
    def change(self, incident: Incident, payload: Payload, key: str) -> Call:
        return Call("POST", f"{self._base}/incidents/{incident.id}/incident-updates", self._said(payload))

    @override
    def row(self, row: Any) -> Incident:
        return self.whole(row)

    @override
    def whole(self, fields: Fields) -> Incident:
        said = sorted(fields.get("updates") or [], key=lambda one: _instant(one["createdAt"]))
        return Incident(
            id=str(fields["id"]),
            name=str(fields["name"]),
            mark=to_iso(_instant(fields["started"])),
            updates=tuple(Update(str(u["id"]), str(u["status"]), str(u["message"] or "")) for u in said),
            created=_instant(said[0]["createdAt"]) if said else None,
        )

    @override
    def added(self, fields: Fields) -> str:
        return str(fields["id"])

    @override
    def parts(self) -> Call:
        return Call("GET", f"{self._base}/components", query={"per_page": str(SIZE)})

    def _said(self, payload: Payload) -> Fields:
        parts: dict[str, str] = payload["components"]
        words = {part: status.upper().replace("_", "") for part, status in sorted(parts.items())}
        return {
            "message": payload["text"],
            "status": self.status(payload),
            "notify": self._notify,
            "components": list(words),
            "statuses": [{"id": part, "status": word} for part, word in words.items()],
        }


class InstatusChannel(HostedPage[Settings]):
    """One page of Instatus."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> None:
        super().__init__(settings, session, clock, settings.api_url, Instatus(settings))


def _instant(text: str) -> Instant:
    return from_datetime(datetime.fromisoformat(text))
