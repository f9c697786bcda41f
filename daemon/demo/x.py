"""A stand-in for X: one account that posts, replies and lists its own posts.

Who calls is told by the two public halves of the keys; the signature is not
checked here (the tests' fake does that).
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from daemon.core.clock import to_iso
from daemon.demo.stand_in import HttpStandIn, Ledger, throw_away

KEYS = ("api_key", "api_key_secret", "access_token", "access_token_secret")
USER = "1000001"


class X(HttpStandIn):
    """https://docs.x.com/x-api/posts/create-post."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.keys = {name: throw_away() for name in KEYS}
        self._posts: list[dict[str, Any]] = []

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/2/tweets", self._post),
            web.get("/2/users/me", self._who),
            web.get("/2/users/{id}/tweets", self._list),
        ]

    async def _post(self, request: web.Request) -> web.Response:
        if not self._known(request):
            return _no(401, "Unauthorized")
        if self.ledger.refuses:
            self.ledger.refuse()
            return _no(403, "This account may not post.")
        fields = json.loads(await request.read())
        if any(one["text"] == fields["text"] for one in self._posts):
            return _no(403, "You are not allowed to create a Tweet with duplicate content.")
        thread = (fields.get("reply") or {}).get("in_reply_to_tweet_id", "")
        post = {
            "id": str(1_900_000_000_000_000_000 + len(self._posts)),
            "text": fields["text"],
            "created_at": to_iso(self.ledger.clock.now()),
        }
        self._posts.append(post)
        self.ledger.take(fields["text"], fields["text"], thread=thread)
        return web.json_response({"data": {"id": post["id"], "text": post["text"]}}, status=201)

    async def _who(self, request: web.Request) -> web.Response:
        if not self._known(request):
            return _no(401, "Unauthorized")
        return web.json_response({"data": {"id": USER, "name": "Demo", "username": "demo"}})

    async def _list(self, request: web.Request) -> web.Response:
        if not self._known(request):
            return _no(401, "Unauthorized")
        return web.json_response({"data": self._posts[::-1], "meta": {"result_count": len(self._posts)}})

    def _known(self, request: web.Request) -> bool:
        header = request.headers.get("Authorization", "")
        given = {key: unquote(value) for key, value in re.findall(r'(\w+)="([^"]*)"', header)}
        return (given.get("oauth_consumer_key"), given.get("oauth_token")) == (
            self.keys["api_key"],
            self.keys["access_token"],
        )


def _no(status: int, detail: str) -> web.Response:
    body = {"title": detail, "detail": detail, "type": "about:blank", "status": status}
    return web.json_response(body, status=status, content_type="application/problem+json")
