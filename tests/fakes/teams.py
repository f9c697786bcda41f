"""A Power Automate flow with the trigger "When a Teams webhook request is received".

It says 202 to whatever is signed and JSON, whether its card is right or not:
what becomes of the card is seen later, in Teams.

Run alone: ``python -m tests.fakes.teams --port 0 --log FILE``.
"""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote

from aiohttp import web

from daemon.core.clock import Clock
from tests.fakes.server import FakeServer, Stored, standalone

SIGNATURE = "aFakeSignature%2FOfAFlow_0123456789-abc%3D"
FLOW = "0123456789abcdef0123456789abcdef"
PATH = f"/powerautomate/automations/direct/workflows/{FLOW}/triggers/manual/paths/invoke"
HOOK = f"{PATH}?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={SIGNATURE}"


class FakeTeams(FakeServer):
    """One flow."""

    enabled = True

    def __init__(self, *, clock: Clock | None = None, log: Path | None = None, port: int = 0) -> None:
        super().__init__(clock=clock, log=log, port=port)
        self.paths: list[str] = []

    @property
    def hook(self) -> str:
        return self.url + HOOK

    def identity(self, post: Stored) -> str:
        content = post["attachments"][0]["content"]
        return str(content["body"][0].get("id") or content)

    def routes(self) -> list[web.RouteDef]:
        return [web.post(PATH, self._run)]

    async def _run(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.raw_path)
        if request.query.get("sig") != unquote(SIGNATURE):
            return _no(401, "DirectApiAuthorizationRequired", "The request must be authenticated.")
        if not self.enabled:
            return _no(400, "WorkflowTriggerIsNotEnabled", "The trigger 'manual' is not enabled.")
        try:
            message = json.loads(await request.read())
        except ValueError:
            return _no(400, "InvalidRequestContent", "The request content is not valid.")

        def answer() -> web.Response:
            self.store(message)
            return web.Response(status=202)

        return await self.accept(request, answer)


def _no(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)


if __name__ == "__main__":
    standalone(lambda log, port: FakeTeams(log=log, port=port))
