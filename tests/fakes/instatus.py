"""Instatus as far as Tocsin uses it: incidents with their start, updates beside them, components.

Run alone: ``python -m tests.fakes.instatus --port 0 --log FILE``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiohttp import web

from daemon.core.clock import Clock
from tests.fakes.hosted import PAGE, FakeHosted, checked, strict, words
from tests.fakes.server import Stored, standalone

TOKEN = "fake-instatus-api-key-0001"
STATES = ("OPERATIONAL", "UNDERMAINTENANCE", "DEGRADEDPERFORMANCE", "PARTIALOUTAGE", "MAJOROUTAGE")
_INSTANT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"}
_SAID: dict[str, Any] = {
    "message": {"type": "string"},
    "components": {"type": "array", "items": {"type": "string"}},
    "started": _INSTANT,
    "status": words("INVESTIGATING", "IDENTIFIED", "MONITORING", "RESOLVED"),
    "notify": {"type": "boolean"},
    "statuses": {
        "type": "array",
        "items": strict(("id", "status"), id={"type": "string"}, status=words(*STATES)),
    },
}
CREATE = strict(
    ("name", "status"), name={"type": "string", "minLength": 1}, shouldPublish={"type": "boolean"}, **_SAID
)
UPDATE = strict(("status", "components", "statuses"), **_SAID)


class FakeInstatus(FakeHosted):
    """One page."""

    operational = "OPERATIONAL"

    def __init__(
        self, *, token: str = TOKEN, clock: Clock | None = None, log: Path | None = None, port: int = 0
    ) -> None:
        super().__init__(token=token, clock=clock, log=log, port=port)

    def routes(self) -> list[web.RouteDef]:
        base = f"/v1/{PAGE}"
        return [
            web.post(f"{base}/incidents", self._create),
            web.get(f"{base}/incidents", self._list),
            web.get(f"{base}/incidents/{{id}}", self._get),
            web.post(f"{base}/incidents/{{id}}/incident-updates", self._update),
            web.get(f"{base}/components", self._components),
        ]

    async def _create(self, request: web.Request) -> web.StreamResponse:
        return await self._take(request, None, CREATE)

    async def _update(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["id"]
        return await self._take(request, name, UPDATE) if self.incident(name) else _no(404, "Not found")

    async def _take(
        self, request: web.Request, name: str | None, schema: dict[str, Any]
    ) -> web.StreamResponse:
        if not self.known(request):
            return _no(401, "Unauthorized")
        body = await checked(request, schema)
        if isinstance(body, str):
            return _no(400, body)
        states = {one["id"]: one["status"] for one in body.get("statuses", ())}
        if set(states) != set(body.get("components", ())) or set(states) - set(self.states):
            return _no(400, "statuses and components must be the same components of this page")

        def answer() -> web.Response:
            self.colour(states)
            before = self.incident(name or "")
            kept = self.said(
                name,
                body.get("name") or before[0]["name"],
                body["status"],
                body.get("message", ""),
                notify=body.get("notify", True),
                **({} if before else {"started": body.get("started")}),
            )
            return web.json_response(_update(kept) if name else self._shown(self.incident(kept["incident"])))

        return await self.accept(request, answer)

    async def _list(self, request: web.Request) -> web.Response:
        if not self.known(request):
            return _no(401, "Unauthorized")
        return web.json_response([self._shown(one) for one in self.page(request, "per_page")])

    async def _get(self, request: web.Request) -> web.Response:
        if not self.known(request):
            return _no(401, "Unauthorized")
        found = self.incident(request.match_info["id"])
        return web.json_response(self._shown(found)) if found else _no(404, "Not found")

    async def _components(self, request: web.Request) -> web.Response:
        if not self.known(request):
            return _no(401, "Unauthorized")
        later = request.query.get("page", "1") != "1"
        rows = [{"id": part, "name": part, "status": state} for part, state in self.states.items()]
        return web.json_response([] if later else rows)

    def _shown(self, updates: list[Stored]) -> dict[str, Any]:
        newest = updates[-1]
        return {
            "id": newest["incident"],
            "name": newest["name"],
            "status": newest["status"],
            "started": newest["started"] or newest["opened"],
            "resolved": newest["at"] if newest["status"] == "RESOLVED" else None,
            "updates": [_update(one) for one in updates],
            "components": [],
        }


def _update(one: Stored) -> dict[str, Any]:
    return {
        "id": one["id"],
        "message": one["text"],
        "messageHtml": None,
        "status": one["status"],
        "notify": one["notify"],
        "started": one["at"],
        "createdAt": one["at"],
    }


def _no(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"code": "error", "message": message}}, status=status)


if __name__ == "__main__":
    standalone(lambda log, port: FakeInstatus(log=log, port=port))
