"""Mastodon as far as Tocsin uses it: posts with an Idempotency-Key, own posts, their source, the limits.

A key is kept for an hour and only once its post is stored, as in the server's
older versions; lists hold HTML, as there.

Run alone: ``python -m tests.fakes.mastodon --port 0 --log FILE``.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import regex
from aiohttp import web

from daemon.core.clock import HOUR, Clock, to_iso
from tests.fakes.server import FakeServer, Stored, standalone

TOKEN = "fake-mastodon-access-token-0001"
ACCOUNT = "109000000000000001"
KEY_LIFE = HOUR
_URL = re.compile(r"https?://\S+")
_NAME = "[a-z0-9_]+(?:[.-]+[a-z0-9_]+)*"
_MENTION = regex.compile(rf"(?<![=/\w])@({_NAME})(?:@\w+(?:[.-]+\w+)*)?", regex.IGNORECASE)


class FakeMastodon(FakeServer):
    """One server with one account; ``characters`` is its limit."""

    def __init__(
        self,
        *,
        token: str = TOKEN,
        characters: int = 500,
        clock: Clock | None = None,
        log: Path | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(clock=clock, log=log, port=port)
        self.token = token
        self.characters = characters
        self.lists_nothing = False
        """A follower database that lags: posts are there, lists do not show them yet."""

    def identity(self, post: Stored) -> str:
        return str(post["key"] or post["text"])

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/v1/statuses", self._post),
            web.get("/api/v1/statuses/{id}/source", self._source),
            web.get("/api/v1/accounts/verify_credentials", self._me),
            web.get("/api/v1/accounts/{id}/statuses", self._list_own),
            web.get("/api/v2/instance{slash:/?}", self._instance),
        ]

    def forget(self, status: str) -> None:
        """Somebody deletes a post."""
        self.posts = [post for post in self.posts if post["id"] != status]

    async def _post(self, request: web.Request) -> web.StreamResponse:
        if not self._allowed(request):
            return _no(401, "The access token is invalid")
        fields = await _fields(request)
        key = request.headers.get("Idempotency-Key", "")
        text = str(fields.get("status") or "").strip()
        before = fields.get("in_reply_to_id")
        if fields.get("visibility", "public") not in ("public", "unlisted", "private", "direct"):
            return _no(422, "Validation failed: Visibility is not included in the list")
        if before is not None and not any(post["id"] == before for post in self.posts):
            return _no(404, "The post you are trying to reply to does not appear to exist.")
        known = [
            post
            for post in self.posts
            if key and post["key"] == key and self.clock.now() - post["at"] < KEY_LIFE
        ]
        if not known and not text:
            return _no(422, "Validation failed: Text can't be blank")
        if not known and countable(text) > self.characters:
            return _no(422, f"Validation failed: Text character limit of {self.characters} exceeded")

        def answer() -> web.Response:
            return web.json_response(self._shown(known[0] if known else self._stored(fields, text, key)))

        return await self.accept(request, answer)

    async def _source(self, request: web.Request) -> web.Response:
        if not self._allowed(request):
            return _no(401, "The access token is invalid")
        found = next((post for post in self.posts if post["id"] == request.match_info["id"]), None)
        if found is None:
            return _no(404, "Record not found")
        return web.json_response({"id": found["id"], "text": found["text"], "spoiler_text": ""})

    async def _me(self, request: web.Request) -> web.Response:
        if not self._allowed(request):
            return _no(401, "The access token is invalid")
        return web.json_response(self._account())

    async def _list_own(self, request: web.Request) -> web.Response:
        if request.match_info["id"] != ACCOUNT:
            return _no(404, "Record not found")
        size = min(int(request.query.get("limit", 20)), 40)
        below = int(request.query.get("max_id", 10**20))
        found = [] if self.lists_nothing else [p for p in reversed(self.posts) if int(p["id"]) < below]
        return web.json_response([self._shown(post) for post in found[:size]])

    async def _instance(self, request: web.Request) -> web.Response:
        statuses = {"max_characters": self.characters, "characters_reserved_per_url": 23}
        return web.json_response(
            {"domain": "127.0.0.1", "version": "4.5.0", "configuration": {"statuses": statuses}}
        )

    def _allowed(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {self.token}"

    def _stored(self, fields: dict[str, Any], text: str, key: str) -> Stored:
        now = self.clock.now()
        newest = max((int(post["id"]) for post in self.posts), default=0)
        return self.store(
            {
                "id": str(max(newest + 1, now << 16)),
                "text": text,
                "key": key,
                "reply_to": fields.get("in_reply_to_id"),
                "visibility": fields.get("visibility", "public"),
                "language": fields.get("language"),
                "at": now,
            }
        )

    def _account(self) -> dict[str, Any]:
        return {
            "id": ACCOUNT, "username": "status", "acct": "status", "url": f"{self.url}/@status",
            "created_at": "2026-01-01T00:00:00.000Z",
        }  # fmt: skip

    def _shown(self, post: Stored) -> dict[str, Any]:
        words = html.escape(post["text"], quote=False)
        linked = _URL.sub(lambda found: f'<a href="{found[0]}"><span>{found[0]}</span></a>', words)
        return {
            "id": post["id"],
            "created_at": to_iso(post["at"]),
            "in_reply_to_id": post["reply_to"],
            "visibility": post["visibility"],
            "language": post["language"],
            "url": f"{self.url}/@status/{post['id']}",
            "content": "<p>" + linked.replace("\n\n", "</p><p>").replace("\n", "<br />") + "</p>",
            "account": self._account(),
        }


def countable(text: str) -> int:
    """The server's count: graphemes, an address as 23, a mention without its host."""
    return len(regex.findall(r"\X", _MENTION.sub(r"@\1", _URL.sub("x" * 23, text))))


async def _fields(request: web.Request) -> dict[str, Any]:
    if request.content_type == "application/json":
        found = json.loads(await request.read() or b"{}")
        return found if isinstance(found, dict) else {}
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def _no(status: int, error: str) -> web.Response:
    return web.json_response({"error": error}, status=status)


if __name__ == "__main__":
    standalone(lambda log, port: FakeMastodon(log=log, port=port))
