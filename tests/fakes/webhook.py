"""A receiver of Standard Webhooks: verifies with the specification's own library, and knows a repeat.

Run alone: ``python -m tests.fakes.webhook --port 0 --log FILE``.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
from aiohttp import web
from standardwebhooks import Webhook

from daemon.core.clock import Clock
from tests.fakes.server import FakeServer, Stored, standalone

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8G"
OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDC2FVsBQI"
PATH = "/hooks/status-4f1c9e"
TOLERANCE = 300  # seconds, as the specification's library has it

_TEXT = {"type": "string"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "timestamp", "data"],
    "additionalProperties": False,
    "properties": {
        "type": {"enum": ["incident.opened", "incident.updated", "incident.resolved"]},
        "timestamp": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"},
        "data": {
            "type": "object",
            "required": ["page", "incident", "update"],
            "additionalProperties": False,
            "properties": {
                "page": _TEXT,
                "incident": {
                    "type": "object",
                    "required": ["id", "title", "status", "impact", "components", "url"],
                    "additionalProperties": False,
                    "properties": {
                        "components": {"type": "array", "items": _TEXT},
                        **dict.fromkeys(("id", "title", "status", "impact", "url", "number"), _TEXT),
                    },
                },
                "update": {
                    "type": "object",
                    "required": ["id", "text"],
                    "additionalProperties": False,
                    "properties": {"id": _TEXT, "text": _TEXT},
                },
                "mention": _TEXT,
                "facts": {"type": "object", "additionalProperties": _TEXT},
            },
        },
    },
}
"""The fields that docs/channels/webhook.md promises, and no others."""


class FakeReceiver(FakeServer):
    """One endpoint; ``secret`` is what it knows."""

    def __init__(
        self, *, secret: str = SECRET, clock: Clock | None = None, log: Path | None = None, port: int = 0
    ) -> None:
        super().__init__(clock=clock, log=log, port=port)
        self.secret = secret
        self.headers: list[dict[str, str]] = []
        """Of each call that came as far as posting, with lower-case names."""

    def identity(self, post: Stored) -> str:
        return str(post["id"])

    def routes(self) -> list[web.RouteDef]:
        return [web.post(PATH, self._take)]

    async def _take(self, request: web.Request) -> web.StreamResponse:
        body = (await request.read()).decode()
        found = {name.lower(): value for name, value in request.headers.items()}
        self.headers.append(found)
        if not self._is_signed(found, body):
            return web.json_response({"error": "no matching signature"}, status=401)
        event = json.loads(body)
        if len(body.encode()) > 20_000 or not jsonschema.Draft202012Validator(SCHEMA).is_valid(event):
            return web.json_response({"error": "not an event as promised"}, status=422)
        known = any(post["id"] == found["webhook-id"] for post in self.posts)

        def answer() -> web.Response:
            if not known:
                self.store({"id": found["webhook-id"], "event": event, "at": self.clock.now()})
            return web.Response(status=204)

        return await self.accept(request, answer)

    def _is_signed(self, found: dict[str, str], body: str) -> bool:
        try:
            event, second, passed = (found[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
            at = datetime.fromtimestamp(int(second), tz=UTC)
        except (KeyError, ValueError):
            return False
        if abs(self.clock.now() / 1000 - int(second)) > TOLERANCE:
            return False
        return Webhook(self.secret).sign(event, at, body) in passed.split(" ")


if __name__ == "__main__":
    standalone(lambda log, port: FakeReceiver(log=log, port=port))
