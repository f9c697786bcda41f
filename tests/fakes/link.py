"""The way to a database server, with a hand on it: cut, held, slow, or deaf to notifications.

A TCP proxy on loopback; tests give its address to a node in place of the server's.
"""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import Self
from urllib.parse import urlsplit

from tests.processes.waiting import CLOCK

COMMIT = b"COMMIT\0"
NOTIFICATION = ord("A")  # PostgreSQL's message type for it
_HEADER = 5  # its type and its length


class AtCommit(Enum):
    """What becomes of the connection that sends the next COMMIT."""

    cut_before = "cut, the server never sees it"
    cut_after = "cut, the server has it and its answer is lost"
    held_before = "silent, the server never sees it"
    held_after = "silent, the server has it and its answer is lost"


class Link:
    """``async with Link(address) as link``; nodes connect to ``link.address``."""

    def __init__(self, address: str) -> None:
        self._parts = urlsplit(address)
        self._server: asyncio.Server | None = None
        self._lines: set[_Line] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.open = asyncio.Event()  # clear: whatever is sent waits, and nobody hears of it
        self.open.set()
        self.delay = 0.0  # seconds, each way
        self.deaf = False  # notifications are lost
        self.refusing = False
        self.at_commit: AtCommit | None = None  # for the next one, once
        self.connections = 0  # that were asked for

    @property
    def address(self) -> str:
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        user = f"{self._parts.username}@" if self._parts.username else ""
        # Without TLS, so that the proxy can read what it passes on.
        return f"postgresql://{user}127.0.0.1:{port}{self._parts.path}?sslmode=disable"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Reset every connection."""
        for line in list(self._lines):
            line.cut()

    def hold(self) -> None:
        """From now on nothing goes through, and nobody is told."""
        self.open.clear()

    def heal(self) -> None:
        """As it should be; what was held is lost with its connections."""
        self.delay, self.deaf, self.refusing, self.at_commit = 0.0, False, False, None
        if not self.open.is_set():
            self.cut()
            self.open.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        if self.refusing:
            writer.transport.abort()
            return
        try:
            far = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        except OSError:
            writer.transport.abort()
            return
        line = _Line(self, (reader, writer), far)
        self._lines.add(line)
        try:
            await line.carry()
        finally:
            line.cut()
            self._lines.discard(line)


class _Line:
    """One connection."""

    def __init__(
        self,
        link: Link,
        near: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        far: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._link = link
        self._near, self._far = near, far
        self._open = asyncio.Event()  # of this line alone
        self._open.set()
        self._answered = asyncio.Event()  # the server, since the line was closed

    def cut(self) -> None:
        for _, writer in (self._near, self._far):
            writer.transport.abort()

    async def carry(self) -> None:
        ways = {asyncio.create_task(self._up()), asyncio.create_task(self._down())}
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _through(self) -> None:
        """Wait until the line lets something through."""
        if self._link.delay:
            await CLOCK.sleep(self._link.delay)
        await self._link.open.wait()
        await self._open.wait()

    async def _up(self) -> None:
        while content := await self._near[0].read(65_536):
            trouble = self._link.at_commit
            if trouble is None or COMMIT not in content:
                await self._through()
                self._far[1].write(content)
                continue
            self._link.at_commit = None
            if trouble is AtCommit.cut_before:
                return
            self._open.clear()
            if trouble is not AtCommit.held_before:
                self._far[1].write(content)
                await self._answered.wait()
            if trouble is AtCommit.cut_after:
                return
        await self._through()  # the end is heard of no more than anything else

    async def _down(self) -> None:
        rest = b""
        while content := await self._far[0].read(65_536):
            if not self._open.is_set():
                self._answered.set()
            messages, rest = _whole(rest + content)
            kept = [one for one in messages if not (self._link.deaf and one[0] == NOTIFICATION)]
            if kept:
                await self._through()
                self._near[1].write(b"".join(kept))
        await self._through()


def _whole(content: bytes) -> tuple[list[bytes], bytes]:
    """The whole messages of a server, and the beginning of the next one."""
    messages = []
    while len(content) >= _HEADER:
        length = 1 + int.from_bytes(content[1:_HEADER], "big")
        if len(content) < length:
            break
        messages.append(content[:length])
        content = content[length:]
    return messages, content
