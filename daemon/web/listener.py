"""One listening socket with its connections: limits before the first byte, order at the end."""

from __future__ import annotations

import asyncio
import functools
import ssl
from typing import Any

from aiohttp import web

from daemon.web.connection import Connection, Places

BACKLOG = 1024
"""Connections that wait for accept: 128 overflowed at 1,000 senders (performance.md, rule 11)."""

IDLE = 60.0
"""Seconds between requests, and for the headers of one: whoever dribbles them is cut off."""

LINGER = 3.0
"""Seconds in which a body that nobody wants is read away, so that its sender sees the answer."""

HANDSHAKE = 10.0
"""Seconds for a TLS handshake."""


class Listener:
    """Serves an application on one address.

    Port 0 takes a free one; ``port`` then tells which.  ``grace``: seconds that
    requests under way get at the end.  ``most``: connections at one time (None:
    what the limit of open files allows).
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
        most: int | None = None,
    ) -> None:
        self._app = app
        self._host = host
        self.port = port
        self._ssl = ssl_context
        self._idle = idle
        self._linger = linger
        self._places = Places(most)
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
            functools.partial(Connection, manager, places=self._places, **options),
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
