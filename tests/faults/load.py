"""A monitor under load: it posts until it hears 200, as Alertmanager does, and remembers what was taken."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Protocol, Self

import aiohttp

from tests.intake.bodies import alert, body
from tests.processes.waiting import CLOCK

OPEN_AT_ONCE = 3  # incidents that one client keeps open
PAUSE_AFTER_TROUBLE = 0.03  # seconds; a monitor that hammers would starve the daemon's start


class Target(Protocol):
    """A daemon, or whoever stands before several of them."""

    async def post(self, body: bytes) -> tuple[int, str]:
        """Status and text.  Raises aiohttp.ClientError or TimeoutError when there is no answer."""
        ...


@dataclass(slots=True)
class Incident:
    """A service that is down, as the monitor sees it."""

    service: str
    alerts: list[str] = field(default_factory=list)  # fingerprints that fire


@dataclass(slots=True)
class Book:
    """What was acknowledged, over all clients: fingerprint -> whether it fires."""

    acknowledged: dict[str, bool] = field(default_factory=dict)
    services: set[str] = field(default_factory=set)
    posts: int = 0
    repeats: int = 0
    refusals: dict[int, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)  # answers that a monitor would take as final


class Client:
    """One connection's worth of load.  ``stop`` ends it after the body in hand was acknowledged."""

    def __init__(self, name: str, daemon: Target, book: Book, seed: str, pause: float) -> None:
        self._name = name
        self._daemon = daemon
        self._book = book
        self._pause = pause
        self._random = random.Random(f"{seed}/{name}")  # noqa: S311 - a load, not a secret
        self._open: list[Incident] = []
        self._count = 0
        self._stopping = False

    def stop(self) -> None:
        self._stopping = True

    async def run(self) -> None:
        while not self._stopping:
            await self._step()
            if self._pause:
                await CLOCK.sleep(self._pause)

    async def clear_all(self) -> None:
        """Resolve what still fires."""
        while self._open:
            await self._resolve(self._open[0])

    async def _step(self) -> None:
        chance = self._random.random()
        if not self._open or (len(self._open) < OPEN_AT_ONCE and chance < 0.1):
            self._count += 1
            self._open.append(Incident(f"{self._name}x{self._count}"))
            self._book.services.add(self._open[-1].service)
            await self._fire(self._open[-1])
        elif chance < 0.9:
            await self._fire(self._random.choice(self._open))
        else:
            await self._resolve(self._random.choice(self._open))

    async def _fire(self, incident: Incident) -> None:
        names = [f"{incident.service}-{len(incident.alerts) + number}" for number in range(self._size())]
        await self._deliver(names, incident, firing=True)
        incident.alerts += names

    async def _resolve(self, incident: Incident) -> None:
        await self._deliver(incident.alerts, incident, firing=False)
        self._open.remove(incident)

    def _size(self) -> int:
        return self._random.choice((1, 1, 1, 2, 5))

    async def _deliver(self, names: list[str], incident: Incident, *, firing: bool) -> None:
        status = "firing" if firing else "resolved"
        alerts = [
            alert(
                status=status, fingerprint=name, labels={"service": incident.service, "instance": name},
                endsAt="0001-01-01T00:00:00Z" if firing else "2026-11-23T06:56:02Z",
            )
            for name in names
        ]  # fmt: skip
        content = body(*alerts, status=status)
        while not await self._accepted(content):
            self._book.repeats += 1
            await CLOCK.sleep(PAUSE_AFTER_TROUBLE)
        self._book.acknowledged |= dict.fromkeys(names, firing)

    async def _accepted(self, content: bytes) -> bool:
        self._book.posts += 1
        try:
            status, text = await self._daemon.post(content)
        except (aiohttp.ClientError, TimeoutError):
            return False
        if status != 200:
            self._book.refusals[status] = self._book.refusals.get(status, 0) + 1
            if status != 503:
                self._book.wrong.append(f"{status}: {text[:200]}")
        return status == 200


class Load:
    """Several clients at once.  ``async with Load(daemon, seed) as load``; leaving ends them at once.

    ``pause``: seconds between two bodies of one client; 0 is as fast as it goes.
    """

    def __init__(self, daemon: Target, seed: str, clients: int = 4, pause: float = 0.0) -> None:
        self.book = Book()
        self._clients = [Client(f"s{number}", daemon, self.book, seed, pause) for number in range(clients)]
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(client.run()) for client in self._clients]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def finish(self) -> Book:
        """Let each client's body in hand be acknowledged, clear everything, and give the book."""
        for client in self._clients:
            client.stop()
        await asyncio.gather(*self._tasks)
        await asyncio.gather(*(client.clear_all() for client in self._clients))
        return self.book
