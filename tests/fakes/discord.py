"""Discord as far as Tocsin uses it: messages of channels with nonces, replies and edits; a webhook.

A nonce counts for five minutes, for messages that were deleted since too; it is
in the answer to the post and in no list.  A bot without the right to read the
history is shown an empty one.

Run alone: ``python -m tests.fakes.discord --port 0 --log FILE``.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from daemon.core.clock import MINUTE, Clock
from tests.fakes.server import FakeServer, Stored, standalone

TOKEN = "MTAwMDAwMDAwMDAwMDAwMDAwMA.Fake.a-token-of-a-bot"
CHANNEL = "1200000000000000001"
BOT = "1100000000000000001"
HOOK_ID = "1300000000000000001"
HOOK = f"/api/webhooks/{HOOK_ID}/aVeryLongSecretTokenOfAWebhook_-aVeryLongSecretTokenOfAWebhook_-0123"
EPOCH = 1_420_070_400_000
NONCE_LIVES = 5 * MINUTE
MAX_CONTENT = 2_000


class FakeDiscord(FakeServer):
    """One bot, one webhook, some channels."""

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
        self.shows_history = True
        self.nonces: dict[str, Stored] = {post["nonce"]: post for post in self.posts if post["nonce"]}
        self._last = max((int(post["id"]) for post in self.posts), default=0)

    @property
    def api(self) -> str:
        return f"{self.url}/api/v10"

    @property
    def hook(self) -> str:
        return self.url + HOOK

    def identity(self, post: Stored) -> str:
        return str(post["nonce"] or post["content"])

    def forget(self, message: str) -> None:
        """Somebody deletes a message; its nonce is remembered."""
        self.posts = [post for post in self.posts if post["id"] != message]

    def routes(self) -> list[web.RouteDef]:
        channel, hook = "/api/v10/channels/{channel}", HOOK.replace("/api/", "/api/v10/")
        return [
            web.get("/api/v10/users/@me", self._me),
            web.get(channel, self._channel),
            web.get(f"{channel}/messages", self._history),
            web.post(f"{channel}/messages", self._post),
            web.patch(f"{channel}/messages/{{message}}", self._edit),
            web.get(hook, self._webhook),
            web.post(hook, self._execute),
            web.patch(f"{hook}/messages/{{message}}", self._edit),
        ]

    async def _me(self, request: web.Request) -> web.Response:
        return self._problem(request) or _json(_BOT)

    async def _channel(self, request: web.Request) -> web.Response:
        if problem := self._problem(request):
            return problem
        channel = request.match_info["channel"]
        own = [post["id"] for post in self.posts if post["channel_id"] == channel]
        shown = {"id": channel, "type": 0, "guild_id": "1000000000000000001", "name": "status", "position": 0}
        return _json({**shown, "last_message_id": own[-1] if own else None})

    async def _history(self, request: web.Request) -> web.Response:
        if problem := self._problem(request):
            return problem
        limit = int(request.query.get("limit", 50))
        if not 1 <= limit <= 100:
            return _no(400, 50035, "Invalid Form Body")
        own = [post for post in self.posts if post["channel_id"] == request.match_info["channel"]]
        if "after" in request.query:  # the oldest ones after it, but newest first within the page
            own = [post for post in own if int(post["id"]) > int(request.query["after"])][:limit]
        elif "before" in request.query:
            own = [post for post in own if int(post["id"]) < int(request.query["before"])]
        page = own[::-1][:limit] if self.shows_history else []
        return _json([_shown(post) for post in page])

    async def _post(self, request: web.Request) -> web.StreamResponse:
        if problem := self._problem(request):
            return problem
        fields = json.loads(await request.read())
        if (problem := _misshapen(fields)) is not None:
            return problem
        parent = (fields.get("message_reference") or {}).get("message_id")
        strict = (fields.get("message_reference") or {}).get("fail_if_not_exists", True)
        if parent and strict and not any(post["id"] == parent for post in self.posts):
            return _no(400, 50035, "Invalid Form Body")

        def answer() -> web.Response:
            nonce = str(fields.get("nonce") or "")
            before = self.nonces.get(nonce) if fields.get("enforce_nonce") else None
            if before is not None and self.clock.now() - before["at"] <= NONCE_LIVES:
                there = any(post["id"] == before["id"] for post in self.posts)
                return _accepted(before) if there else _no(404, 10008, "Unknown Message")
            return _accepted(self._stored(request.match_info["channel"], fields))

        return await self.accept(request, answer)

    async def _webhook(self, request: web.Request) -> web.Response:
        return _json({"id": HOOK_ID, "type": 1, "channel_id": CHANNEL, "name": "status"})

    async def _execute(self, request: web.Request) -> web.StreamResponse:
        fields = json.loads(await request.read())
        if (problem := _misshapen(fields)) is not None:
            return problem
        thread = request.query.get("thread_id", CHANNEL)
        if thread not in self.channels:
            return _no(404, 10003, "Unknown Channel")

        def answer() -> web.Response:
            post = self._stored(thread, {**fields, "nonce": ""}, webhook=True)
            return (
                _accepted(post)
                if request.query.get("wait") in ("true", "True", "1")
                else web.Response(status=204)
            )

        return await self.accept(request, answer)

    async def _edit(self, request: web.Request) -> web.StreamResponse:
        webhook = "/webhooks/" in request.path
        if not webhook and (refusal := self._problem(request)):
            return refusal
        fields = json.loads(await request.read())
        if (problem := _misshapen(fields)) is not None:
            return problem
        post = next((post for post in self.posts if post["id"] == request.match_info["message"]), None)
        if post is None:
            return _no(404, 10008, "Unknown Message")

        def answer() -> web.Response:
            post["content"] = fields["content"]
            post["allowed_mentions"] = fields.get("allowed_mentions")
            return _accepted(post)

        return await self.accept(request, answer)

    def _problem(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Authorization") != f"Bot {self.token}":
            return _json({"message": "401: Unauthorized", "code": 0}, status=401)
        if not request.headers.get("User-Agent", "").startswith("DiscordBot ("):
            return _no(403, 40333, "internal network error")
        channel = request.match_info.get("channel")
        return None if channel is None or channel in self.channels else _no(404, 10003, "Unknown Channel")

    def _stored(self, channel: str, fields: dict[str, Any], *, webhook: bool = False) -> Stored:
        now = self.clock.now()
        self._last = max(self._last + 1, (now - EPOCH) << 22)  # unique even when the clock stands still
        post = {
            "id": str(self._last),
            "channel_id": channel,
            "content": fields["content"],
            "author": HOOK_ID if webhook else fields.get("author", BOT),
            "nonce": str(fields.get("nonce") or ""),
            "flags": fields.get("flags", 0),
            "message_reference": fields.get("message_reference"),
            "allowed_mentions": fields.get("allowed_mentions"),
            "at": now,
        }
        if post["nonce"]:
            self.nonces[post["nonce"]] = post
        return self.store(post)


_BOT = {"id": BOT, "username": "tocsin", "discriminator": "0", "avatar": None, "bot": True}


def _misshapen(fields: Any) -> web.Response | None:
    """What the fields' own limits refuse."""
    content = fields.get("content") if isinstance(fields, dict) else None
    if not isinstance(content, str) or not content.strip():
        return _no(400, 50006, "Cannot send an empty message")
    if len(content) > MAX_CONTENT or len(str(fields.get("nonce") or "")) > 25:
        return _no(400, 50035, "Invalid Form Body")
    return None


def _json(found: Any, status: int = 200) -> web.Response:
    """Discord names no character set; clients look at the header as a whole."""
    return web.Response(body=json.dumps(found).encode(), status=status, content_type="application/json")


def _no(status: int, code: int, message: str) -> web.Response:
    return _json({"message": message, "code": code}, status=status)


def _accepted(post: Stored) -> web.Response:
    return _json({**_shown(post), **({"nonce": post["nonce"]} if post["nonce"] else {})})


def _shown(post: Stored) -> dict[str, Any]:
    reference = post["message_reference"]
    shown = {name: post[name] for name in ("id", "channel_id", "flags")}
    return {
        **shown,
        "content": post["content"].strip(),
        "author": {**_BOT, "id": post["author"]},
        "timestamp": datetime.fromtimestamp(post["at"] / 1000, UTC).isoformat(),
        **({"message_reference": {"channel_id": post["channel_id"], **reference}} if reference else {}),
        "edited_timestamp": None,
        "type": 19 if reference else 0,
        **dict.fromkeys(("tts", "mention_everyone", "pinned"), False),
        **{name: [] for name in ("mentions", "mention_roles", "attachments", "embeds", "components")},
    }


if __name__ == "__main__":
    standalone(lambda log, port: FakeDiscord(log=log, port=port))
