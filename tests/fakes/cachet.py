"""Cachet 3 as far as Tocsin uses it: JSON:API, incidents with metadata, numbered updates, components.

The words of a new incident are its message and no update.  An incident takes
states of components at its creation alone, and they hold until it is fixed.
Anybody may read; who may not write learns it by 401.

Run alone: ``python -m tests.fakes.cachet --port 0 --log FILE``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiohttp import web

from daemon.core.clock import Clock
from tests.fakes.hosted import FakeHosted, checked, strict
from tests.fakes.server import Stored, standalone

TOKEN = "1|fake-cachet-api-token-0001"
FIXED = 4
_STATUS = {"enum": [0, 1, 2, 3, FIXED]}
_STATE = {"enum": [1, 2, 3, 4, 5, 6]}
CREATE = strict(
    ("name", "status", "message"),
    name={"type": "string", "minLength": 1, "maxLength": 255},
    message={"type": "string", "minLength": 1},
    status=_STATUS,
    visible={"type": "boolean"},
    stickied={"type": "boolean"},
    notifications={"type": "boolean"},
    occurred_at={"type": "string"},
    components={"type": "array", "items": strict(("id", "status"), id={"type": "integer"}, status=_STATE)},
    meta={"type": "object"},
)
UPDATE = strict(("status", "message"), status=_STATUS, message={"type": "string", "minLength": 1})
COMPONENT = strict((), status=_STATE)


class FakeCachet(FakeHosted):
    """One Cachet; ``api`` is what a channel takes for ``api_url``.  ``old``: it knows no metadata yet."""

    parts = ("1", "2")
    operational = 1

    def __init__(
        self, *, token: str = TOKEN, clock: Clock | None = None, log: Path | None = None, port: int = 0
    ) -> None:
        super().__init__(token=token, clock=clock, log=log, port=port)
        self.old = False

    @property
    def api(self) -> str:
        return f"{self.url}/api"

    def name_of(self, number: int) -> str:
        return str(number)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/incidents", self._create),
            web.get("/api/incidents", self._list),
            web.get("/api/incidents/{id}", self._get),
            web.post("/api/incidents/{id}/updates", self._update),
            web.get("/api/components", self._components),
            web.put("/api/components/{id}", self._colour),
            web.get("/api/subscribers/{id}", self._subscriber),
        ]

    def shown_states(self) -> dict[str, int]:
        """What a visitor sees: the worst of a component's own state and those of open incidents."""
        worst = dict(self.states)
        for updates in self.incidents():
            for part, state in updates[0]["states"].items():
                if updates[-1]["status"] != FIXED:
                    worst[part] = max(worst[part], state)
        return worst

    async def _create(self, request: web.Request) -> web.StreamResponse:
        body = await self._taken(request, CREATE)
        if isinstance(body, web.Response):
            return body
        states = {str(one["id"]): one["status"] for one in body.get("components", ())}
        if set(states) - set(self.states):
            return _no(422, "The selected components.0.id is invalid.")

        def answer() -> web.Response:
            kept = self.said(
                None, body["name"], body["status"], body["message"],
                states=states, meta=body.get("meta", {}), notifications=body.get("notifications", False),
            )  # fmt: skip
            return web.json_response({"data": _incident([kept], with_meta=False)}, status=201)

        return await self.accept(request, answer)

    async def _update(self, request: web.Request) -> web.StreamResponse:
        body = await self._taken(request, UPDATE)
        if isinstance(body, web.Response):
            return body
        before = self.incident(request.match_info["id"])
        if not before:
            return _no(404, "No query results for model")

        def answer() -> web.Response:
            name = before[0]["incident"]
            kept = self.said(name, before[0]["name"], body["status"], body["message"])
            return web.json_response({"data": _said(kept)}, status=201)

        return await self.accept(request, answer)

    async def _colour(self, request: web.Request) -> web.Response:
        body = await self._taken(request, COMPONENT)
        if isinstance(body, web.Response):
            return body
        part = request.match_info["id"]
        if part not in self.states:
            return _no(404, "No query results for model")
        self.colour({part: body["status"]})
        return web.json_response({"data": {"id": part, "type": "components", "attributes": body}})

    async def _taken(self, request: web.Request, schema: dict[str, Any]) -> dict[str, Any] | web.Response:
        if not self.known(request):
            return _no(401, "Unauthenticated.")
        body = await checked(request, schema)
        return _no(422, body) if isinstance(body, str) else body

    async def _list(self, request: web.Request) -> web.Response:
        if self.old:
            return _no(400, "Requested filter(s) `meta` are not allowed.")
        wanted = {
            key.removeprefix("filter[meta][").removesuffix("]"): value
            for key, value in request.query.items()
            if key.startswith("filter[meta][")
        }
        found = self.page(request, "per_page", lambda first: wanted.items() <= first["meta"].items())
        rows = [_incident(one, with_meta=True) for one in found]
        return web.json_response({"data": rows, "links": {}, "meta": {}})

    async def _get(self, request: web.Request) -> web.Response:
        found = self.incident(request.match_info["id"])
        if not found:
            return _no(404, "No query results for model")
        included = [_said(one) for one in found[1:]]
        names = [{"id": one["id"], "type": one["type"]} for one in included]
        data = {**_incident(found, with_meta=True), "relationships": {"updates": {"data": names}}}
        return web.json_response({"data": data, "included": included[::-1]})

    async def _components(self, request: web.Request) -> web.Response:
        if self.old and "include" in request.query:
            return _no(400, "Requested include(s) `meta` are not allowed.")
        later = request.query.get("page", "1") != "1"
        rows = [{"id": part, "type": "components", "attributes": {"name": part}} for part in self.states]
        return web.json_response({"data": [] if later else rows})

    async def _subscriber(self, request: web.Request) -> web.Response:
        return _no(404, "No query results") if self.known(request) else _no(401, "Unauthenticated.")


def _incident(updates: list[Stored], *, with_meta: bool) -> dict[str, Any]:
    first = updates[0]
    attributes = {
        "id": int(first["incident"]),
        "name": first["name"],
        "message": first["text"],
        "status": {"human": "", "value": updates[-1]["status"]},
        **({"meta": first["meta"] or []} if with_meta else {}),
    }
    return {"id": first["incident"], "type": "incidents", "attributes": attributes}


def _said(one: Stored) -> dict[str, Any]:
    attributes = {"message": one["text"], "status": {"human": "", "value": one["status"]}}
    return {"id": one["id"], "type": "updates", "attributes": attributes}


def _no(status: int, message: str) -> web.Response:
    return web.json_response({"message": message}, status=status)


if __name__ == "__main__":
    standalone(lambda log, port: FakeCachet(log=log, port=port))
