"""A private listener with everything behind it replaced by what a test can look at."""

from __future__ import annotations

import asyncio
import io
import random
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter

from daemon.core.alert import Report
from daemon.core.clock import Clock, FakeClock, SystemClock
from daemon.core.errors import Unavailable
from daemon.intake.registry import PARSERS
from daemon.web.body import LIMIT
from daemon.web.budget import Budget
from daemon.web.credentials import SourceCredentials, basic_digest, digest
from daemon.web.hooks import Hooks, Intake, Parser
from daemon.web.listener import Listener
from daemon.web.operations import Operations
from daemon.web.peer import socket_peer
from daemon.web.server import Setup, private_app
from daemon.web.sources import FixedSources, Source

ADMIN = "the-admin-token"
TOKENS = SourceCredentials(
    tokens=(digest("old-token"), digest("new-token")),
    basic=(basic_digest("am", "secret"), basic_digest("second", "geheim ü")),
)
SOURCES = (Source("open", "alertmanager"), Source("locked", "alertmanager", TOKENS))
OUTSIDE = "203.0.113.7"


@dataclass
class Shelf:
    """The intake: keeps what it is given, or refuses, or takes its time."""

    reports: list[Report] = field(default_factory=list)
    kept: list[tuple[str, str, bytes]] = field(default_factory=list)
    refusal: Exception | None = None
    gate: asyncio.Event | None = None
    entered: asyncio.Event = field(default_factory=asyncio.Event)

    def recall(self, source: str, body: bytes) -> tuple[int, int] | None:
        return None

    def knows(self, report: Report) -> bool:
        return False

    def note(self, source: str, body: bytes, report: Report) -> None:
        raise AssertionError(f"nothing is known here, {source} neither")

    async def take_in(self, report: Report) -> None:
        await self._pass()
        self.reports.append(report)

    async def keep(self, source: str, reason: str, body: bytes) -> None:
        await self._pass()
        self.kept.append((source, reason, body))

    async def _pass(self) -> None:
        self.entered.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.refusal is not None:
            raise self.refusal

    @property
    def empty(self) -> bool:
        return not self.reports and not self.kept


@dataclass
class Counted:
    """What was counted."""

    answers: list[tuple[str, int]] = field(default_factory=list)
    alerts: list[tuple[str, int, int]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def alerts_received(self, source: str, *, firing: int = 0, resolved: int = 0) -> None:
        self.alerts.append((source, firing, resolved))

    def webhook_answered(self, source: str, code: int, seconds: float) -> None:
        assert seconds >= 0
        self.answers.append((source, code))

    def unexpected_error(self, where: str) -> None:
        self.errors.append(where)


@dataclass
class Answer:
    """An answer as a test wants to look at it."""

    status: int
    headers: Any
    text: str
    json: Any


@dataclass
class Rig:
    """The running listener."""

    listener: Listener
    hooks: Hooks
    shelf: Shelf
    counted: Counted
    session: aiohttp.ClientSession
    state: State
    budget: Budget
    scheme: str = "http"

    @property
    def address(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.listener.port}"

    async def ask(self, method: str, path: str, **options: Any) -> Answer:
        async with self.session.request(method, self.address + path, **options) as response:
            text = await response.text()
            is_json = "json" in response.headers.get("Content-Type", "") and text
            return Answer(
                response.status,
                response.headers,
                text,
                await response.json(content_type=None) if is_json else None,
            )

    async def post(self, path: str, data: Any = b"", **options: Any) -> Answer:
        large = isinstance(data, bytes) and len(data) > 1 << 20
        return await self.ask("POST", path, data=io.BytesIO(data) if large else data, **options)

    async def raw(self, sent: bytes) -> bytes:
        """All that the server answers to these bytes, until it closes the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.listener.port)
        try:
            writer.write(sent)
            return await reader.read()
        finally:
            writer.close()


@dataclass
class State:
    """What the operations' callables tell."""

    alive: bool = True
    reasons: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    reloads: int = 0
    reloaders: list[str] = field(default_factory=list)

    async def reload(self, who: str) -> list[str]:
        self.reloaders.append(who)
        self.reloads += 1
        return self.problems


Starter = Callable[..., Awaitable[Rig]]


async def start(
    *,
    sources: Iterable[Source] = SOURCES,
    clock: Clock | None = None,
    peer: str = "",
    limit: int = LIMIT,
    budget: Budget | None = None,
    names: Iterable[str] = (),
    setups: Iterable[Setup] = (),
    intake: Intake | None = None,
    parsers: Mapping[str, Parser] = PARSERS,
    ssl_context: ssl.SSLContext | None = None,
    grace: float = 5.0,
    idle: float = 60.0,
) -> Rig:
    """Start a listener; ``peer`` replaces the caller's address."""
    shelf, counted, state = Shelf(), Counted(), State()
    budget = budget or Budget()
    hooks = Hooks(
        sources=FixedSources(sources),
        parsers=parsers,
        intake=intake or shelf,
        clock=clock or SystemClock(),
        meter=counted,
        rng=random.Random(7),  # noqa: S311 - it spreads delays, no secret hangs on it
        budget=budget,
        limit=limit,
    )
    registry = CollectorRegistry()
    Counter("tocsin_example_total", "An example.", registry=registry).inc()
    operations = Operations(registry, lambda: state.alive, lambda: state.reasons, state.reload)

    def find_peer(request: web.Request) -> str:
        return peer or socket_peer(request)

    app = private_app(
        hooks=hooks,
        operations=operations,
        meter=counted,
        admin=[digest(ADMIN)],
        names=names,
        setups=setups,
        peer=find_peer,
    )
    listener = Listener(app, "127.0.0.1", 0, ssl_context=ssl_context, grace=grace, idle=idle, linger=0.1)
    await listener.start()
    session = aiohttp.ClientSession(auto_decompress=True)
    scheme = "http" if ssl_context is None else "https"
    return Rig(listener, hooks, shelf, counted, session, state, budget, scheme)


async def drive(clock: FakeClock, task: asyncio.Task[Any], span: int = 250) -> float:
    """Let the clock run until the task is done; the seconds that it took on that clock."""
    began = clock.monotonic()
    while not task.done():
        await SystemClock().sleep(0.002)  # real sockets need real time to bring their bytes
        clock.advance(span)
        assert clock.monotonic() - began < 600
    return clock.monotonic() - began


def unavailable() -> Unavailable:
    return Unavailable("the database is locked")
