"""One listening socket with its connections: limits before the first byte, order at the end."""

from __future__ import annotations

import asyncio
import functools
import ssl
from typing import Any

import structlog
from aiohttp import web

from daemon.web.problem import Problem

log = structlog.get_logger("tocsin.web")

BACKLOG = 1024
"""Connections that wait for accept: 128 overflowed at 1,000 senders (performance.md, rule 11)."""

IDLE = 60.0
"""Seconds between requests, and for the headers of one: whoever dribbles them is cut off."""

LINGER = 3.0
"""Seconds in which a body that nobody wants is read away, so that its sender sees the answer."""

HANDSHAKE = 10.0
"""Seconds for a TLS handshake."""


class _Connection(web.RequestHandler):
    """aiohttp's connection, with our form for what is not HTTP at all."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        log.info("not HTTP", peer=request.remote, status=status, reason=message, error=repr(exc))
        if request.writer.output_size > 0:
            raise ConnectionError("the answer had begun already")
        response = Problem(status, "the request is not valid HTTP").response()
        response.headers["Server"] = "tocsin"
        response.force_close()
        return response


class Listener:
    """Serves an application on one address.

    Port 0 takes a free one; ``port`` then tells which.  ``grace``: seconds that
    requests under way get at the end.
    """

    def __init__(
        self,
        app: web.Application,
        host: str,
        port: int,
        *,
        ssl_context: ssl.SSLContext | None = None,
        grace: float = 15.0,
        idle: float = IDLE,
        linger: float = LINGER,
    ) -> None:
        self._app = app
        self._host = host
        self.port = port
        self._ssl = ssl_context
        self._idle = idle
        self._linger = linger
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=grace)
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen.  Raises OSError when the address is taken."""
        await self._runner.setup()
        manager = self._runner.server
        assert manager is not None  # noqa: S101 - setup made it
        loop = asyncio.get_running_loop()
        options: dict[str, Any] = {
            "loop": loop,
            "access_log": None,
            "keepalive_timeout": self._idle,
            "lingering_time": self._linger,
            "auto_decompress": False,  # bodies are unpacked within our own limits
        }
        self._server = await loop.create_server(
            functools.partial(_Connection, manager, **options),
            self._host,
            self.port,
            backlog=BACKLOG,
            ssl=self._ssl,
            ssl_handshake_timeout=None if self._ssl is None else HANDSHAKE,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Accept no more, let what is under way end within ``grace`` seconds, then cut."""
        if self._server is not None:
            self._server.close()
        await self._runner.cleanup()
