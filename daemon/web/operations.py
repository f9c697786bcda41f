"""What operators' machines ask: metrics, health, readiness, and the order to reload."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import prometheus_client
from aiohttp import web
from prometheus_client import CollectorRegistry

from daemon.web.api_input import LONGEST_NAME, USER_HEADER
from daemon.web.auth import has_token, require_reader, require_token
from daemon.web.peer import on_loopback
from daemon.web.problem import Problem


@dataclass(frozen=True, slots=True)
class Operations:
    """``alive``: the loops turned recently.  ``unready``: why nothing can be accepted now, empty when it can.

    ``reload`` loads the rule files again, for whoever is named, and returns what
    is wrong with them; then the old ones stay.
    """

    registry: CollectorRegistry
    alive: Callable[[], bool]
    unready: Callable[[], list[str]]
    reload: Callable[[str], Awaitable[list[str]]]

    def setup(self, app: web.Application) -> None:
        app.router.add_get("/metrics", self.metrics)
        app.router.add_get("/-/healthy", self.healthy)
        app.router.add_get("/-/ready", self.ready)
        app.router.add_post("/-/reload", self.reload_rules)

    async def metrics(self, request: web.Request) -> web.Response:
        require_reader(request)
        # No gzip: scrapes come from near, and the loop has better things to do.
        page = prometheus_client.generate_latest(self.registry)
        return web.Response(body=page, headers={"Content-Type": prometheus_client.CONTENT_TYPE_LATEST})

    async def healthy(self, _request: web.Request) -> web.Response:
        if not self.alive():
            raise Problem(503, "a loop of this daemon has stopped turning")
        return web.Response(text="healthy\n")

    async def ready(self, request: web.Request) -> web.Response:
        """Probes may ask from anywhere; why not is told only to those who may read."""
        reasons = self.unready()
        if not reasons:
            return web.Response(text="ready\n")
        if on_loopback(request) or has_token(request):
            raise Problem(503, "\n".join(reasons), more={"reasons": reasons})
        raise Problem(503, "not ready")

    async def reload_rules(self, request: web.Request) -> web.Response:
        require_token(request)
        who = request.headers.get(USER_HEADER, "").strip()
        if len(who) > LONGEST_NAME or not who.isprintable():
            raise Problem(400, f"{USER_HEADER}: a name has at most {LONGEST_NAME} printable characters")
        problems = await self.reload(who or "a request")
        if problems:
            raise Problem(422, "\n".join(problems), more={"problems": problems})
        return web.Response(text="reloaded\n")
