"""The fake HTTP channel: says yes to every post and remembers when its first byte came."""

from __future__ import annotations

import asyncio
from typing import cast

from daemon.core.clock import SystemClock

CLOCK = SystemClock()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


class _Connection(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if not self._buffer:
            self._sink.first_byte(CLOCK.monotonic())
        self._buffer += data
        head, mark, body = self._buffer.partition(b"\r\n\r\n")
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if mark and len(body) >= length:
            self._buffer = b""
            self._transport.write(ANSWER)


class Sink:
    """A server on loopback; ``posts`` are the instants of the first bytes, in order."""

    def __init__(self) -> None:
        self.posts: list[float] = []
        self.port = 0
        self._came = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def first_byte(self, at: float) -> None:
        self.posts.append(at)
        self._came.set()

    async def post_after(self, count: int, seconds: float) -> float | None:
        """When the post number ``count`` (from 0) began; None if it does not come in time."""
        until = CLOCK.monotonic() + seconds
        while len(self.posts) <= count:
            self._came.clear()
            if not await CLOCK.wait(self._came, until - CLOCK.monotonic()):
                return None
        return self.posts[count]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
