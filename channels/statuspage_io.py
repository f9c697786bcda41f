"""Atlassian Statuspage: an incident with our metadata; a PATCH of it that has a body is an update.

https://developer.statuspage.io/
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import aiohttp
from pydantic import Field
from typing_extensions import override

from channels.base import ApiUrl
from channels.hosted import HostedPage
from channels.hosted_dialect import SIZE, Call, Dialect, Fields, Incident, Update
from channels.hosted_settings import HostedSettings
from channels.plain import inert
from daemon.core.clock import Clock, Instant, from_datetime
from daemon.core.ports import Payload

OURS = "tocsin"
"""Our key in an incident's metadata; its value must be an object."""


class Settings(HostedSettings):
    """``page`` is the page's id and ``token`` an API key of somebody who may write there."""

    kind: Literal["statuspage_io"]
    page: str = Field(pattern="^[A-Za-z0-9]{1,64}$", description="the page's id")
    api_url: ApiUrl = Field(
        default="https://api.statuspage.io/v1",
        description="another base address; https, or http to this machine",
    )


class Statuspage(Dialect):
    """Words for Statuspage; the newest update carries its key in the incident's metadata."""

    kind = "statuspage_io"
    scheme = "OAuth"
    text_limit = 25_000
    per_minute = 20.0  # a token has 60 calls in a minute; a post needs up to three

    def __init__(self, settings: Settings) -> None:
        self._base = f"pages/{settings.page}"
        self._notify = settings.deliver_notifications

    @override
    def escaped(self, text: str) -> str:
        return inert(text)  # it does not say what markup it takes, so a backslash might be shown

    @override
    def read(self, text: str) -> str:
        return text

    @override
    def status(self, payload: Payload) -> str:
        return str(payload["status"])

    @override
    def mark(self, payload: Payload) -> str:
        return str(payload["incident"])

    @override
    def listed(self, payload: Payload) -> Call:
        return Call("GET", f"{self._base}/incidents", query={"limit": str(SIZE)})

    @override
    def get(self, name: str) -> Call:
        return Call("GET", f"{self._base}/incidents/{name}")

    @override
    def create(self, payload: Payload, key: str) -> Call:
        return Call("POST", f"{self._base}/incidents", self._body(payload, key, {}))

    @override
    def change(self, incident: Incident, payload: Payload, key: str) -> Call:
        others = incident.raw.get("metadata") or {}
        return Call("PATCH", f"{self._base}/incidents/{incident.id}", self._body(payload, key, others))

    @override
    def row(self, row: Any) -> Incident:
        return self.whole(row)

    @override
    def whole(self, fields: Fields) -> Incident:
        ours = (fields.get("metadata") or {}).get(OURS) or {}
        oldest_first = (fields.get("incident_updates") or [])[::-1]
        said = sorted(oldest_first, key=lambda one: _instant(one.get("created_at")) or 0)
        keys = [*([""] * (len(said) - 1)), str(ours.get("update") or "")]
        return Incident(
            id=str(fields["id"]),
            mark=str(ours.get("incident") or ""),
            updates=tuple(
                Update(str(one["id"]), str(one["status"]), str(one["body"] or ""), key)
                for one, key in zip(said, keys, strict=False)
            ),
            url=str(fields.get("shortlink") or ""),
            created=_instant(fields.get("created_at")),
            raw=fields,
        )

    @override
    def added(self, fields: Fields) -> str:
        return self.whole(fields).updates[-1].id

    @override
    def parts(self) -> Call:
        return Call("GET", f"{self._base}/components", query={"per_page": str(SIZE)})

    def _body(self, payload: Payload, key: str, metadata: Fields) -> Fields:
        incident = {
            "name": payload["name"],
            "status": payload["status"],
            "impact_override": payload["impact"],
            "body": payload["text"],
            "deliver_notifications": self._notify,
            "metadata": {**metadata, OURS: {"incident": payload["incident"], "update": key}},
        }
        if payload["components"]:  # an empty list would take away what a person has put there
            incident["components"] = payload["components"]
            incident["component_ids"] = sorted(payload["components"])
        return {"incident": incident}


class StatuspageChannel(HostedPage[Settings]):
    """One page of Statuspage."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> None:
        super().__init__(settings, session, clock, settings.api_url, Statuspage(settings))


def _instant(text: Any) -> Instant | None:
    return from_datetime(datetime.fromisoformat(text)) if text else None
