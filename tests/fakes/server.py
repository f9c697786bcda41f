"""A fake provider: a real aiohttp server on loopback with a memory, a log file and a script of faults.

The log file has one JSON line for each accepted post, written before the
answer; a fake that starts on an old file goes on from it.  So a test can kill
anything, the fake too, and still count.

Another process steers it by ``POST /_fake/faults`` (a list of faults) and reads
``GET /_fake/posts``.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import json
import os
import signal
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, Self

from aiohttp import web

from daemon.core.clock import Clock, SystemClock
from tests.fakes.faults import Fault

Stored = dict[str, Any]


class Journal:
    """An append-only file of accepted posts, one JSON line each; no file when ``path`` is None."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def read(self) -> list[Stored]:
        if self._path is None or not self._path.exists():
            return []
        return [json.loads(line) for line in self._path.read_text("utf-8").splitlines()]

    def write(self, post: Stored) -> None:
        """On disk when this returns."""
        if self._path is None:
            return
        with self._path.open("ab") as file:
            file.write(json.dumps(post, ensure_ascii=True).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


class FakeServer(ABC):
    """What all fake HTTP providers share; a kind adds its routes and says what counts as the same post."""

    def __init__(self, *, clock: Clock | None = None, log: Path | None = None, port: int = 0) -> None:
        self.clock = clock or SystemClock()
        self.faults: collections.deque[Fault] = collections.deque()
        self.calls: list[str] = []
        self.bodies: list[bytes] = []
        self.tried: list[bytes] = []
        """Bodies of the calls that came as far as posting."""
        self.port = port
        self._journal = Journal(log)
        self.posts: list[Stored] = self._journal.read()
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @abstractmethod
    def identity(self, post: Stored) -> str:
        """What makes two posts the same intent."""

    @abstractmethod
    def routes(self) -> list[web.RouteDef]: ...

    def counts(self) -> collections.Counter[str]:
        """How often each intent was accepted; anything above 1 is what must never happen."""
        return collections.Counter(self.identity(post) for post in self.posts)

    def script(self, *faults: Fault) -> None:
        """These happen, one each, to the next posts."""
        self.faults.extend(faults)

    async def start(self) -> Self:
        application = web.Application(middlewares=[self._note])
        application.add_routes([*self.routes(), web.post("/_fake/faults", self._script)])
        application.add_routes([web.get("/_fake/posts", self._list)])
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        self._closing.clear()
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        if not self.port:
            self.port = self._runner.addresses[0][1]
        return self

    async def stop(self) -> None:
        """Refuse connections until ``start`` (on the same port)."""
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def store(self, post: Stored) -> Stored:
        """Accept a post: on disk first, then in memory."""
        self._journal.write(post)
        self.posts.append(post)
        return post

    async def accept(self, request: web.Request, answer: Callable[[], web.Response]) -> web.StreamResponse:
        """Answer a posting call, by the script if it has something; ``answer`` stores and answers."""
        self.tried.append(await request.read())
        fault = self.faults.popleft() if self.faults else None
        if fault is None:
            return answer()
        proper = answer() if fault.stores else None
        if fault.hangs:
            await self._closing.wait()
        if fault.cuts is not None or fault.hangs:
            transport = request.transport
            if transport is None:  # the client has gone by itself
                return web.Response()
            if fault.cuts and isinstance(transport, asyncio.WriteTransport):
                body = proper.body if proper is not None and isinstance(proper.body, bytes) else b"{}"
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body) + 500}\r\n\r\n".encode()
                transport.write((head + body)[: fault.cuts])
            transport.close()
            return web.Response()
        return web.Response(status=fault.status, text=fault.body, headers=fault.headers or None)

    @web.middleware
    async def _note(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if not request.path.startswith("/_fake/"):
            self.calls.append(f"{request.method} {request.path}")
            self.bodies.append(await request.read())
        response: web.StreamResponse = await handler(request)
        return response

    async def _script(self, request: web.Request) -> web.Response:
        self.script(*(Fault.from_json(fields) for fields in await request.json()))
        return web.json_response({})

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response(self.posts)


class Fake(Protocol):
    """What can run by itself."""

    port: int

    async def start(self) -> Self: ...

    async def stop(self) -> None: ...


def standalone(build: Callable[[Path | None, int], Fake]) -> None:
    """``--port 0 --log FILE``: serve until SIGTERM; the first line printed is the port."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path)
    arguments = parser.parse_args()

    async def serve() -> None:
        stop = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        fake = await build(arguments.log, arguments.port).start()
        sys.stdout.write(f"{fake.port}\n")
        sys.stdout.flush()
        await stop.wait()
        await fake.stop()

    asyncio.run(serve())
