"""/api/v1 on the private listener: what the command line, the console and scripts talk to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
import structlog
from aiohttp import web

from daemon.service.deliveries import DeliveryDesk
from daemon.service.desk import Desk
from daemon.service.incidents import IncidentDesk
from daemon.version import version
from daemon.web import api_input
from daemon.web.api_act import Acts
from daemon.web.api_models import Done
from daemon.web.api_openapi import document
from daemon.web.api_read import Reads
from daemon.web.api_route import PREFIX, Call, Operation
from daemon.web.api_suppressions import SuppressionRoutes
from daemon.web.auth import require_reader, require_token
from daemon.web.budget import MEBI, Budget

log = structlog.get_logger("tocsin.api")

OPENAPI = f"{PREFIX}/openapi.json"


class Api:
    """All routes; ``setup`` adds them to an application."""

    def __init__(self, desk: Desk, incidents: IncidentDesk, deliveries: DeliveryDesk) -> None:
        self._clock = desk.clock
        self._budget = Budget(16 * MEBI)  # of its own: people get through while webhooks flood
        self.operations = [
            *Reads(desk).operations(),
            *Acts(desk, incidents, deliveries).operations(),
            *SuppressionRoutes(desk).operations(),
        ]
        self._document = msgspec.json.encode(document(self.operations, version()))

    def setup(self, app: web.Application) -> None:
        app.router.add_get(OPENAPI, self.openapi)
        for operation in self.operations:
            app.router.add_route(operation.method, operation.full_path, self._handler(operation))

    async def openapi(self, request: web.Request) -> web.Response:
        require_reader(request)
        return web.Response(body=self._document, content_type="application/json")

    def _handler(self, operation: Operation) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            if operation.acts:
                require_token(request)
            else:
                require_reader(request)
            call = await self._read(request, operation)
            answer = await operation.run(call)
            if operation.acts:
                log.info("act", act=operation.name, who=call.who, on=call.name or None)
            return _answer(operation, answer)

        return handle

    async def _read(self, request: web.Request, operation: Operation) -> Call:
        name = request.match_info.get("id", "")
        query = api_input.query(request, operation.query or api_input.Nothing)
        if operation.body is None:
            return Call(name=name, query=query)
        content = await api_input.read_body(request, self._clock, self._budget)
        body = api_input.decode(content, operation.body)
        return Call(name=name, query=query, body=body, who=api_input.person(request, body.who))


def _answer(operation: Operation, answer: msgspec.Struct) -> web.Response:
    response = web.Response(
        status=operation.status, body=msgspec.json.encode(answer), content_type="application/json"
    )
    if operation.status == 201 and isinstance(answer, Done):
        response.headers["Location"] = f"{PREFIX}/incidents/{answer.incident.id}"
    return response
