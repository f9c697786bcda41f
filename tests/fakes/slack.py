"""Slack as far as Tocsin uses it: posting, editing, history, replies, auth.test, an incoming webhook.

Run alone: ``python -m tests.fakes.slack --port 0 --log FILE``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aiohttp import web

from daemon.core.clock import Clock
from tests.fakes.server import FakeServer, Stored, standalone

TOKEN = "xoxb-000000000000-fake-token"
CHANNEL = "C0FAKE001"
HOOK = "/services/T0FAKE001/B0FAKE001/aVeryLongSecretPathOfAHook"


class FakeSlack(FakeServer):
    """One workspace, one bot token, some channels, one webhook."""

    def __init__(
        self,
        *,
        token: str = TOKEN,
        channels: tuple[str, ...] = (CHANNEL,),
        clock: Clock | None = None,
        log: Path | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(clock=clock, log=log, port=port)
        self.token = token
        self.channels = set(channels)
        self.edits: list[tuple[str, str]] = []  # every change that was made: ts, text
        self._micro = max((int(post["ts"].replace(".", "")) for post in self.posts), default=0)

    @property
    def api(self) -> str:
        return f"{self.url}/api"

    @property
    def hook(self) -> str:
        return self.url + HOOK

    def identity(self, post: Stored) -> str:
        metadata = post.get("metadata") or {}
        return str((metadata.get("event_payload") or {}).get("key") or post["text"])

    def routes(self) -> list[web.RouteDef]:
        found = [web.post("/api/chat.postMessage", self._post), web.post(HOOK, self._webhook)]
        found.append(web.post("/api/chat.update", self._update))
        for method, handler in (
            ("auth.test", self._auth),
            ("conversations.history", self._history),
            ("conversations.replies", self._replies),
        ):
            found += [web.get(f"/api/{method}", handler), web.post(f"/api/{method}", handler)]
        return found

    def forget(self, ts: str) -> None:
        """Somebody deletes a message."""
        self.posts = [post for post in self.posts if post["ts"] != ts]

    async def _post(self, request: web.Request) -> web.StreamResponse:
        fields = await _fields(request)
        if problem := self._problem(request, fields):
            return _no(problem)
        text = fields.get("text")
        if not text and not fields.get("blocks"):
            return _no("no_text")
        if len(str(text)) > 40_000:
            return _no("msg_too_long")
        thread = fields.get("thread_ts")
        if thread and not any(post["ts"] == thread for post in self.posts):
            return _no("thread_not_found")

        def answer() -> web.Response:
            post = self._stored(str(fields["channel"]), fields)
            return web.json_response(
                {
                    "ok": True,
                    "channel": post["channel"],
                    "ts": post["ts"],
                    "message": _shown(post, metadata=False),
                }
            )

        return await self.accept(request, answer)

    async def _update(self, request: web.Request) -> web.StreamResponse:
        """Only a bot's own message, in the channel where it stands; metadata stays where none is given."""
        fields = await _fields(request)
        if problem := self._problem(request, fields):
            return _no(problem)
        post = next((p for p in self.posts if p["ts"] == fields.get("ts")), None)
        if post is None or post["channel"] != fields["channel"]:
            return _no("message_not_found")
        if not fields.get("text") and not fields.get("blocks"):
            return _no("no_text")

        def answer() -> web.Response:
            post["text"], post["blocks"] = fields.get("text", ""), fields.get("blocks")
            post["metadata"] = _metadata(fields) or post["metadata"]
            self.edits.append((post["ts"], post["text"]))
            shown = {"channel": post["channel"], "ts": post["ts"], "text": post["text"]}
            return web.json_response({"ok": True, **shown, "message": _shown(post, metadata=False)})

        return await self.accept(request, answer)

    async def _webhook(self, request: web.Request) -> web.StreamResponse:
        try:
            fields = json.loads(await request.read())
        except ValueError:
            return web.Response(status=400, text="invalid_payload")
        if not isinstance(fields, dict) or not fields.get("text"):
            return web.Response(status=400, text="no_text")

        def answer() -> web.Response:
            self._stored("hook", fields)
            return web.Response(text="ok")

        return await self.accept(request, answer)

    async def _auth(self, request: web.Request) -> web.Response:
        if problem := self._problem(request, None):
            return _no(problem)
        return web.json_response(
            {"ok": True, "url": "https://fake.slack.com/", "bot_id": "B0FAKE", "user_id": "U0FAKE"}
        )

    async def _history(self, request: web.Request) -> web.Response:
        fields = await _fields(request)
        if problem := self._problem(request, fields):
            return _no(problem)
        oldest = float(fields.get("oldest", 0))
        roots = [p for p in self.posts if p["channel"] == fields["channel"] and not p["thread_ts"]]
        newest_first = [p for p in reversed(roots) if float(p["ts"]) > oldest]
        return _page(newest_first, fields)

    async def _replies(self, request: web.Request) -> web.Response:
        fields = await _fields(request)
        if problem := self._problem(request, fields):
            return _no(problem)
        root = next((p for p in self.posts if p["ts"] == fields.get("ts")), None)
        if root is None:
            return _no("thread_not_found")
        oldest = float(fields.get("oldest", 0))
        replies = [p for p in self.posts if p["thread_ts"] == root["ts"] and float(p["ts"]) > oldest]
        return _page([root, *replies], fields)

    def _problem(self, request: web.Request, fields: dict[str, Any] | None) -> str:
        given = request.headers.get("Authorization", "")
        if not given:
            return "not_authed"
        if given != f"Bearer {self.token}":
            return "invalid_auth"
        return (
            "channel_not_found" if fields is not None and fields.get("channel") not in self.channels else ""
        )

    def _stored(self, channel: str, fields: dict[str, Any]) -> Stored:
        now = self.clock.now()
        self._micro = max(self._micro + 1, now * 1000)  # unique even when the clock stands still
        return self.store(
            {
                "ts": f"{self._micro // 1_000_000}.{self._micro % 1_000_000:06d}",
                "channel": channel,
                "thread_ts": fields.get("thread_ts", ""),
                "text": fields.get("text", ""),
                "blocks": fields.get("blocks"),
                "metadata": _metadata(fields),
                "at": now,
            }
        )


async def _fields(request: web.Request) -> dict[str, Any]:
    """Slack takes a query, a form or JSON."""
    if request.content_type == "application/json":
        found = json.loads(await request.read() or b"{}")
        return found if isinstance(found, dict) else {}
    return {**request.query, **{k: v for k, v in (await request.post()).items() if isinstance(v, str)}}


def _metadata(fields: dict[str, Any]) -> Any:
    """Form-encoded clients send JSON within the form."""
    metadata = fields.get("metadata")
    return json.loads(metadata) if isinstance(metadata, str) else metadata


def _no(error: str) -> web.Response:
    return web.json_response({"ok": False, "error": error})


def _shown(post: Stored, *, metadata: bool) -> dict[str, Any]:
    shown = {"type": "message", "ts": post["ts"], "text": post["text"], "bot_id": "B0FAKE"}
    if post["thread_ts"]:
        shown["thread_ts"] = post["thread_ts"]
    if metadata and post["metadata"]:
        shown["metadata"] = post["metadata"]
    return shown


def _page(posts: list[Stored], fields: dict[str, Any]) -> web.Response:
    start, size = int(fields.get("cursor") or 0), min(int(fields.get("limit") or 100), 999)
    metadata = str(fields.get("include_all_metadata", "")).lower() in ("true", "1")
    more = start + size < len(posts)
    return web.json_response(
        {
            "ok": True,
            "messages": [_shown(post, metadata=metadata) for post in posts[start : start + size]],
            "has_more": more,
            "response_metadata": {"next_cursor": str(start + size) if more else ""},
        }
    )


if __name__ == "__main__":
    standalone(lambda log, port: FakeSlack(log=log, port=port))
