"""A stand-in for Slack: one channel, posts with threads, edits, and what read-back asks for."""

from __future__ import annotations

import html
import json
from typing import Any

from aiohttp import web

from daemon.demo.stand_in import HttpStandIn, Ledger, throw_away

CHANNEL = "C0DEMO001"


class Slack(HttpStandIn):
    """https://docs.slack.dev/reference/methods/chat.postMessage."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.token = throw_away("xoxb-demo-")
        self._messages: list[dict[str, Any]] = []

    @property
    def api_url(self) -> str:
        return f"{self.url}/api"

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/chat.postMessage", self._post),
            web.post("/api/chat.update", self._change),
            web.get("/api/conversations.history", self._list),
            web.get("/api/conversations.replies", self._list),
            web.get("/api/auth.test", self._who),
        ]

    async def _post(self, request: web.Request) -> web.Response:
        fields = json.loads(await request.read())
        if problem := self._problem(request, fields.get("channel")):
            return _no(problem)
        now = self.ledger.clock.now()
        message = {
            "ts": f"{now // 1000}.{len(self._messages):06d}",
            "text": fields["text"],
            "metadata": fields.get("metadata") or {},
            "thread_ts": fields.get("thread_ts", ""),
        }
        self._messages.append(message)
        payload = message["metadata"].get("event_payload", {})
        self.ledger.take(
            html.unescape(fields["text"]),
            payload.get("key", fields["text"]),
            thread=message["thread_ts"],
            title=payload.get("update", ""),
        )
        return web.json_response({"ok": True, "channel": CHANNEL, "ts": message["ts"], "message": message})

    async def _change(self, request: web.Request) -> web.Response:
        """An edit notifies nobody, so the ledger takes no note of it."""
        fields = json.loads(await request.read())
        if problem := self._problem(request, fields.get("channel")):
            return _no(problem)
        message = next((one for one in self._messages if one["ts"] == fields.get("ts")), None)
        if message is None:
            return _no("message_not_found")
        message["text"] = fields["text"]
        return web.json_response(
            {"ok": True, "channel": CHANNEL, "ts": message["ts"], "text": message["text"]}
        )

    async def _list(self, request: web.Request) -> web.Response:
        if problem := self._problem(request, request.query.get("channel")):
            return _no(problem)
        thread = request.query.get("ts", "")
        found = [one for one in self._messages if thread in (one["ts"], one["thread_ts"]) or not thread]
        return web.json_response({"ok": True, "messages": found[::-1], "has_more": False})

    async def _who(self, request: web.Request) -> web.Response:
        problem = self._problem(request, CHANNEL)
        return _no(problem) if problem else web.json_response({"ok": True, "user_id": "U0DEMO001"})

    def _problem(self, request: web.Request, channel: object) -> str:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return "invalid_auth"
        if self.ledger.refuses:
            self.ledger.refuse()
            return "is_archived"
        return "" if channel == CHANNEL else "channel_not_found"


def _no(error: str) -> web.Response:
    return web.json_response({"ok": False, "error": error})
