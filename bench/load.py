"""The load generator, a process of its own: bodies are made first, then sent over keep-alive connections.

``python -m bench.load JOB`` (JSON, see ``Job``) prints one line of JSON: a ``Result``.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from typing import cast

import msgspec
import uvloop

from bench.bodies import CLUSTERS, Bodies
from daemon.core.clock import SystemClock

CLOCK = SystemClock()
GRACE = 15.0
"""Seconds that answers may still take after the last body was sent."""


class Job(msgspec.Struct, frozen=True):
    """What to send where.

    ``bodies`` are made beforehand and sent once each, or over and over in random
    order (``repeats``) after they were sent once outside the measurement.
    ``pause``: seconds a connection rests between answer and next body.
    ``begin_at``: the monotonic clock's instant to begin at, when two generators run together.
    """

    port: int
    path: str
    size: int
    seed: int
    bodies: int
    connections: int
    seconds: float
    token: str = ""
    api: bool = False
    mixed: bool = False
    repeats: bool = False
    pause: float = 0.0
    begin_at: float = 0.0
    clusters: int = CLUSTERS
    get: bool = False


class Result(msgspec.Struct):
    """What came of it; times in seconds."""

    answered: int = 0
    elapsed: float = 0.0
    alerts: int = 0
    p50: float = 0.0
    p99: float = 0.0
    longest: float = 0.0
    codes: dict[str, int] = {}

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return self.codes.get("200", 0) / self.elapsed if self.elapsed else 0.0

    @property
    def alert_rate(self) -> float:
        return self.alerts / self.elapsed if self.elapsed else 0.0


def percentile(values: list[float], share: float) -> float:
    """The smallest value that this share of all values does not exceed; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


class Connection(asyncio.Protocol):
    """One keep-alive connection that sends the next request when it has its answer."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.transport: asyncio.Transport
        self.buffer = b""
        self.sent_at = 0.0
        self.busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's own is none by inheritance

    def send(self) -> None:
        request = self.run.take()
        if request is None:
            self.transport.close()
            return
        self.busy = True
        self.sent_at = CLOCK.monotonic()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.buffer[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self.buffer) < end + 4 + length:
            return
        code = head[9:12].decode()
        self.buffer = b""
        self.busy = False
        self.run.answered(code, CLOCK.monotonic() - self.sent_at)
        if self.run.job.pause:
            asyncio.get_running_loop().call_later(self.run.job.pause, self.send)
        else:
            self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self.busy:
            self.run.answered("lost", CLOCK.monotonic() - self.sent_at)
        self.run.ended()


class Run:
    """Sends requests until they or the time are used up."""

    def __init__(self, job: Job, requests: list[bytes], *, endless: bool) -> None:
        self.job = job
        self.requests = requests
        self.endless = endless
        self.times: list[float] = []
        self.codes: Counter[str] = Counter()
        self._next = 0
        self._open = 0
        self._done: asyncio.Future[None]
        self._until = 0.0
        self._last = 0.0

    def take(self) -> bytes | None:
        if self._next >= len(self.requests):
            if not self.endless:
                return None
            random.Random(self._next).shuffle(self.requests)
            self._next = 0
        if CLOCK.monotonic() >= self._until:
            return None
        self._next += 1
        return self.requests[self._next - 1]

    def answered(self, code: str, seconds: float) -> None:
        self.codes[code] += 1
        self.times.append(seconds)
        self._last = CLOCK.monotonic()

    def ended(self) -> None:
        self._open -= 1
        if self._open == 0 and not self._done.done():
            self._done.set_result(None)

    async def run(self, seconds: float) -> Result:
        """Connect all, then go; the clock stops at the last answer."""
        loop = asyncio.get_running_loop()
        self._done = loop.create_future()
        self._open = self.job.connections
        connections = []
        for _ in range(self.job.connections):
            _, connection = await loop.create_connection(lambda: Connection(self), "127.0.0.1", self.job.port)
            connections.append(connection)
        began = CLOCK.monotonic()
        self._until = began + seconds
        for connection in connections:
            connection.send()
        async with asyncio.timeout(seconds + GRACE):
            await self._done
        return Result(
            answered=len(self.times),
            elapsed=self._last - began,
            alerts=self.codes["200"] * self.job.size,
            p50=percentile(self.times, 0.5),
            p99=percentile(self.times, 0.99),
            longest=max(self.times, default=0.0),
            codes=dict(self.codes),
        )


def requests_for(job: Job) -> list[bytes]:
    """The requests as bytes, headers and all."""
    credentials = f"Authorization: Bearer {job.token}\r\n" if job.token else ""
    if job.get:
        return [f"GET {job.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n\r\n".encode()]
    maker = Bodies(job.seed, job.clusters)
    make = maker.api if job.api else maker.webhook
    made = []
    for _ in range(job.bodies):
        body = make(job.size, mixed=job.mixed)
        head = (
            f"POST {job.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Alertmanager/0.25.0\r\n"
            f"Content-Length: {len(body)}\r\n{credentials}Content-Type: application/json\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


async def main(job: Job) -> Result:
    requests = requests_for(job)
    if job.repeats:
        await Run(job, list(requests), endless=False).run(60.0)
    if job.begin_at:
        await CLOCK.sleep(max(job.begin_at - CLOCK.monotonic(), 0))
    return await Run(job, requests, endless=job.repeats or job.get).run(job.seconds)


if __name__ == "__main__":
    outcome = uvloop.run(main(msgspec.json.decode(sys.argv[1], type=Job)))
    print(msgspec.json.encode(outcome).decode())
