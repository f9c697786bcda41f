"""Statuspage as far as Tocsin uses it: incidents, a PATCH of one is an update, metadata, components.

A PATCH with a body always makes an update, the same one twice too; metadata is
replaced as a whole.

Run alone: ``python -m tests.fakes.statuspage_io --port 0 --log FILE``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiohttp import web

from daemon.core.clock import Clock
from tests.fakes.hosted import PAGE, FakeHosted, checked, strict, words
from tests.fakes.server import Stored, standalone

TOKEN = "fake-statuspage-api-key-0001"
STATES = ("operational", "under_maintenance", "degraded_performance", "partial_outage", "major_outage")
STATUSES = ("investigating", "identified", "monitoring", "resolved")
_INCIDENT: dict[str, Any] = {
    "name": {"type": "string", "minLength": 1, "maxLength": 255},
    "status": words(*STATUSES),
    "impact_override": words("none", "maintenance", "minor", "major", "critical"),
    "body": {"type": "string", "maxLength": 25_000},
    "components": {"type": "object", "additionalProperties": words(*STATES)},
    "component_ids": {"type": "array", "items": {"type": "string"}},
    "deliver_notifications": {"type": "boolean"},
    "metadata": {"type": "object", "additionalProperties": {"type": "object"}},
}
CREATE = strict(("incident",), incident=strict(("name",), **_INCIDENT))
UPDATE = strict(("incident",), incident=strict((), **_INCIDENT))


class FakeStatuspage(FakeHosted):
    """One page; ``api`` is what a channel takes for ``api_url``."""

    scheme = "OAuth"

    def __init__(
        self, *, token: str = TOKEN, clock: Clock | None = None, log: Path | None = None, port: int = 0
    ) -> None:
        super().__init__(token=token, clock=clock, log=log, port=port)

    @property
    def api(self) -> str:
        return f"{self.url}/v1"

    def routes(self) -> list[web.RouteDef]:
        base = f"/v1/pages/{PAGE}"
        return [
            web.post(f"{base}/incidents", self._create),
            web.get(f"{base}/incidents", self._list),
            web.get(f"{base}/incidents/{{id}}", self._get),
            web.patch(f"{base}/incidents/{{id}}", self._update),
            web.get(f"{base}/components", self._components),
        ]

    async def _create(self, request: web.Request) -> web.StreamResponse:
        return await self._take(request, None, CREATE, 201)

    async def _update(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["id"]
        return await self._take(request, name, UPDATE, 200) if self.incident(name) else _no(404, "not found")

    async def _take(
        self, request: web.Request, name: str | None, schema: dict[str, Any], status: int
    ) -> web.StreamResponse:
        if not self.known(request):
            return _no(401, "Could not authenticate")
        body = await checked(request, schema)
        if isinstance(body, str):
            return _no(422, body)
        given = body["incident"]
        unknown = {*given.get("components", {}), *given.get("component_ids", ())} - set(self.states)
        if unknown:
            return _no(422, f"component {min(unknown)} is not on this page")

        def answer() -> web.Response:
            before = self.incident(name or "")
            metadata = given.get("metadata", before[0]["metadata"] if before else {})
            for post in before:
                post["metadata"] = metadata
            self.colour(given.get("components", {}))
            kept = self.said(
                name,
                given.get("name") or before[0]["name"],
                given.get("status") or "investigating",
                given.get("body", ""),
                metadata=metadata,
                impact=given.get("impact_override"),
                deliver_notifications=given.get("deliver_notifications", True),
            )
            return web.json_response(self._shown(self.incident(kept["incident"])), status=status)

        return await self.accept(request, answer)

    async def _list(self, request: web.Request) -> web.Response:
        if not self.known(request):
            return _no(401, "Could not authenticate")
        return web.json_response([self._shown(one) for one in self.page(request, "limit")])

    async def _get(self, request: web.Request) -> web.Response:
        if not self.known(request):
            return _no(401, "Could not authenticate")
        found = self.incident(request.match_info["id"])
        return web.json_response(self._shown(found)) if found else _no(404, "not found")

    async def _components(self, request: web.Request) -> web.Response:
        if not self.known(request):
            return _no(401, "Could not authenticate")
        later = request.query.get("page", "1") != "1"
        rows = [{"id": part, "name": part, "status": state} for part, state in self.states.items()]
        return web.json_response([] if later else rows)

    def _shown(self, updates: list[Stored]) -> dict[str, Any]:
        newest = updates[-1]
        return {
            "id": newest["incident"],
            "name": newest["name"],
            "status": newest["status"],
            "impact": newest["impact"],
            "created_at": newest["opened"],
            "metadata": newest["metadata"],
            "shortlink": f"https://stspg.io/{newest['incident']}",
            "incident_updates": [
                {
                    "id": one["id"],
                    "incident_id": one["incident"],
                    "status": one["status"],
                    "body": one["text"],
                    "created_at": one["at"],
                    "deliver_notifications": one["deliver_notifications"],
                }
                for one in reversed(updates)
            ],
        }


def _no(status: int, error: str) -> web.Response:
    return web.json_response({"error": error}, status=status)


if __name__ == "__main__":
    standalone(lambda log, port: FakeStatuspage(log=log, port=port))
