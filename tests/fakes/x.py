"""X as far as Tocsin uses it: posting with OAuth 1.0a, the own timeline, users/me.

Signatures are verified for the address that was really called; a text that was
posted before is refused with 403, as X does; timelines show wrapped links and
entities, as X does.

Run alone: ``python -m tests.fakes.x --port 0 --log FILE``.
"""

from __future__ import annotations

import base64
import hmac
import html
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from aiohttp import web
from oauthlib.oauth1.rfc5849 import signature  # type: ignore[import-untyped]

from daemon.core.clock import Clock, from_datetime, to_iso
from tests.fakes.server import FakeServer, Stored, standalone

KEYS = {
    "api_key": "fake-api-key-0001",
    "api_key_secret": "fake-api-key-secret-0002",
    "access_token": "900001-fake-access-token-0003",
    "access_token_secret": "fake-access-token-secret-0004",
}
USER = "900001"
_URL = re.compile(r"https?://[^\s]+")


class FakeX(FakeServer):
    """One account."""

    def __init__(
        self,
        *,
        keys: dict[str, str] | None = None,
        clock: Clock | None = None,
        log: Path | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(clock=clock, log=log, port=port)
        self.keys = keys or KEYS
        self._next = max([1_700_000_000_000_000_000, *(int(post["id"]) for post in self.posts)])

    def identity(self, post: Stored) -> str:
        return str(post["text"])

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/2/tweets", self._post),
            web.get("/2/users/me", self._me),
            web.get("/2/users/{id}/tweets", self._timeline),
        ]

    def forget(self, post: str) -> None:
        """Somebody deletes a post."""
        self.posts = [stored for stored in self.posts if stored["id"] != post]

    async def _post(self, request: web.Request) -> web.StreamResponse:
        if not self._signed(request):
            return _problem(401, "Unauthorized", "Unauthorized")
        try:
            fields = json.loads(await request.read())
        except ValueError:
            fields = None
        if not isinstance(fields, dict) or not fields.get("text") or set(fields) - {"text", "reply"}:
            return _problem(400, "Invalid Request", "One or more parameters to your request was invalid.")
        before = str((fields.get("reply") or {}).get("in_reply_to_tweet_id", ""))
        if before and not any(post["id"] == before for post in self.posts):
            return _problem(
                403, "Forbidden", "You attempted to reply to a Tweet that is deleted or not visible to you."
            )
        if any(post["text"] == fields["text"] for post in self.posts):
            return _problem(403, "Forbidden", "You are not allowed to create a Tweet with duplicate content.")

        def answer() -> web.Response:
            self._next += 1
            post = self.store(
                {"id": str(self._next), "text": fields["text"], "reply_to": before, "at": self.clock.now()}
            )
            return web.json_response({"data": {"id": post["id"], "text": post["text"]}}, status=201)

        return await self.accept(request, answer)

    async def _me(self, request: web.Request) -> web.Response:
        if not self._signed(request):
            return _problem(401, "Unauthorized", "Unauthorized")
        return web.json_response({"data": {"id": USER, "name": "Fake", "username": "fake"}})

    async def _timeline(self, request: web.Request) -> web.Response:
        if not self._signed(request):
            return _problem(401, "Unauthorized", "Unauthorized")
        since = from_datetime(datetime.fromisoformat(request.query.get("start_time", "2010-11-06T00:00:00Z")))
        size = int(request.query.get("max_results", 10))
        if request.match_info["id"] != USER or not 5 <= size <= 100:
            return _problem(400, "Invalid Request", "One or more parameters to your request was invalid.")
        found = [post for post in reversed(self.posts) if post["at"] >= since]
        start = int(request.query.get("pagination_token") or 0)
        meta: dict[str, Any] = {"result_count": len(found[start : start + size])}
        if start + size < len(found):
            meta["next_token"] = str(start + size)
        body: dict[str, Any] = {"meta": meta}
        if found:  # X leaves "data" out of an empty list
            body["data"] = [_shown(post) for post in found[start : start + size]]
        return web.json_response(body)

    def _signed(self, request: web.Request) -> bool:
        header = request.headers.get("Authorization", "")
        given = {k: unquote(v) for k, v in re.findall(r'(\w+)="([^"]*)"', header)}
        if (given.get("oauth_consumer_key"), given.get("oauth_token")) != (
            self.keys["api_key"],
            self.keys["access_token"],
        ):
            return False
        parameters = signature.collect_parameters(
            uri_query=request.rel_url.raw_query_string,
            headers={"Authorization": header},
            exclude_oauth_signature=True,
        )
        base = signature.signature_base_string(
            request.method,
            signature.base_string_uri(f"http://{request.headers['Host']}{request.rel_url.raw_path}"),
            signature.normalize_parameters(parameters),
        )
        secret = f"{quote(self.keys['api_key_secret'], '~')}&{quote(self.keys['access_token_secret'], '~')}"
        proper = base64.b64encode(hmac.digest(secret.encode(), base.encode(), "sha1")).decode()
        return hmac.compare_digest(proper, given.get("oauth_signature", ""))


def _shown(post: Stored) -> dict[str, Any]:
    """The text as X gives it back: links wrapped, the three special characters as entities."""
    text, urls = html.escape(post["text"], quote=False), []
    for number, found in enumerate(_URL.findall(post["text"])):
        short = f"https://t.co/{post['id'][-6:]}{number}"
        text = text.replace(html.escape(found, quote=False), short, 1)
        urls.append({"url": short, "expanded_url": found, "display_url": found.partition("//")[2]})
    shown: dict[str, Any] = {"id": post["id"], "text": text, "created_at": to_iso(post["at"])}
    return {**shown, "entities": {"urls": urls}} if urls else shown


def _problem(status: int, title: str, detail: str) -> web.Response:
    return web.json_response(
        {"title": title, "detail": detail, "type": "about:blank", "status": status},
        status=status,
        content_type="application/problem+json",
    )


if __name__ == "__main__":
    standalone(lambda log, port: FakeX(log=log, port=port))
