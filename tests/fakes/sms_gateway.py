"""Some provider of SMS, as small ones are: JSON, form or query in, a status and an id out."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.fakes.server import FakeServer, Stored

TOKEN = "gateway-token-0123456789"
FIELDS: dict[str, Any] = {
    "headers": {"Authorization": "Bearer {secret}"},
    "body": {
        "messages": [{"destination": "{digits}", "content": {"text": "{text}"}, "reference": "{key}"}],
        "flash": False,
        "parts": 1,
    },
    "answer": {
        "id": "messages.0.id",
        "status": "messages.0.status",
        "sent": ["0"],
        "later": ["1"],
        "gone": ["7"],
        "refused": ["2"],
    },
}
"""How the channel's ``request`` describes it, but for the address."""


class FakeGateway(FakeServer):
    """``/json`` takes JSON, ``/form`` a form, ``/query`` a query; ``status`` is its word for each."""

    status = "0"

    def identity(self, post: Stored) -> str:
        return f"{post['to']} {post['key']}"

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/json", self._json),
            web.post("/form", self._form),
            web.get("/query", self._query, allow_head=False),
        ]

    async def _json(self, request: web.Request) -> web.StreamResponse:
        (message,) = (await request.json())["messages"]
        return await self._take(
            request, message["destination"], message["content"]["text"], message["reference"]
        )

    async def _form(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        if set(form) != {"number", "message", "ref"}:
            return web.Response(status=400)
        return await self._take(request, str(form["number"]), str(form["message"]), str(form["ref"]))

    async def _query(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        if set(query) != {"number", "message", "ref"}:
            return web.Response(status=400)
        return await self._take(request, query["number"], query["message"], query["ref"])

    async def _take(self, request: web.Request, to: str, text: str, key: str) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(status=401)

        def answer() -> web.Response:
            if self.status == "0":
                self.store({"to": to, "text": text, "key": key, "at": self.clock.now()})
            message = {"id": len(self.posts), "status": self.status}
            return web.json_response({"messages": [message]})

        return await self.accept(request, answer)
