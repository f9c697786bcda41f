"""The service manager's end of sd_notify(3): a datagram socket that keeps what it hears."""

from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Self

from tests.processes.waiting import CLOCK


class NotifySocket(asyncio.DatagramProtocol):
    """``async with NotifySocket() as manager``; ``address`` is for NOTIFY_SOCKET.

    ``heard`` has (monotonic seconds, message) of every datagram.
    """

    def __init__(self) -> None:
        # Not in pytest's folder: the path of a socket may have some 100 bytes at most.
        self._folder = tempfile.mkdtemp(prefix="tocsin-notify-")
        self.address = str(Path(self._folder, "s"))
        self.heard: list[tuple[float, dict[str, str]]] = []
        self._news = asyncio.Event()
        self._transport: asyncio.BaseTransport | None = None

    async def __aenter__(self) -> Self:
        own = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        own.bind(self.address)
        own.setblocking(False)
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=own)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._transport is not None:
            self._transport.close()
        shutil.rmtree(self._folder)

    def datagram_received(self, data: bytes, addr: object) -> None:
        lines = (line.partition("=") for line in data.decode().splitlines())
        self.heard.append((CLOCK.monotonic(), {name: value for name, _, value in lines}))
        self._news.set()

    def times(self, name: str) -> list[float]:
        """When a variable was heard, oldest first."""
        return [at for at, message in self.heard if name in message]

    async def wait_for(self, name: str, count: int = 1) -> None:
        """Return once ``name`` was heard ``count`` times; the caller sets the limit."""
        while len(self.times(name)) < count:
            self._news.clear()
            await self._news.wait()
