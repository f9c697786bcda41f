"""What Apprise's own plugins call: its JSON form and ntfy's, on loopback.

Run alone: ``python -m tests.fakes.apprise --port 0 --log FILE``.
"""

from __future__ import annotations

import json

from aiohttp import web

from tests.fakes.server import FakeServer, Stored, standalone

SECRET = "hook-9f8e7d6c5b4a"
ADDRESS = f"json://localhost/{SECRET}"


class FakeAppriseTarget(FakeServer):
    """Takes what ``json://`` and ``ntfy://`` addresses send; ``address`` is of the first form."""

    @property
    def address(self) -> str:
        return f"json://127.0.0.1:{self.port}/{SECRET}"

    @property
    def ntfy(self) -> str:
        return f"ntfy://user:{SECRET}@127.0.0.1:{self.port}/topic"

    def identity(self, post: Stored) -> str:
        return f"{post['title']} {post['message']}"

    def routes(self) -> list[web.RouteDef]:
        return [web.post(f"/{SECRET}", self._json), web.post("/", self._ntfy)]

    async def _json(self, request: web.Request) -> web.StreamResponse:
        fields = json.loads(await request.read())
        return await self._take(request, {key: fields[key] for key in ("title", "message", "type")})

    async def _ntfy(self, request: web.Request) -> web.StreamResponse:
        fields = json.loads(await request.read())
        kept = {"title": fields.get("title", ""), "message": fields["message"], "type": fields["topic"]}
        return await self._take(request, kept)

    async def _take(self, request: web.Request, kept: Stored) -> web.StreamResponse:
        def answer() -> web.Response:
            self.store(kept)
            return web.json_response({})

        return await self.accept(request, answer)


if __name__ == "__main__":
    standalone(lambda log, port: FakeAppriseTarget(log=log, port=port))
