"""From an accepted alert to the reader: how soon the page shows it, how soon a channel hears it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bench.bodies import Bodies, Place
from bench.load import Job, percentile
from bench.report import Row, judge, milliseconds
from bench.sink import Sink
from bench.systems import CLOCK, TOKEN, Tocsin, send

PATIENCE = 10.0
LOOK_EVERY = 0.002  # seconds between two looks at the page
MARK = b'href="/incidents/'


class Talk:
    """One keep-alive connection for plain requests."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)

    async def ask(self, head: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body of the answer."""
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        self._writer.write(f"{head} HTTP/1.1\r\nHost: 127.0.0.1\r\n{length}".encode())
        self._writer.write(f"Authorization: Bearer {TOKEN}\r\n\r\n".encode() + body)
        status = int((await self._reader.readline()).split()[1])
        size = 0
        while line := (await self._reader.readline()).strip():
            name, _, value = line.lower().partition(b":")
            size = int(value) if name == b"content-length" else size
        return status, await self._reader.readexactly(size)

    def close(self) -> None:
        self._writer.close()


async def open_incident(talk: Talk, bodies: Bodies, place: Place, size: int = 1) -> None:
    """Post a body of one place; returns once it is accepted."""
    status, answer = await talk.ask("POST /hooks/am", bodies.webhook(size, place=place))
    if status != 200:
        raise RuntimeError(f"the daemon answered {status}: {answer[:200]!r}")


async def page_shows(talk: Talk, count: int) -> float:
    """When the home page first had more than ``count`` links to incidents."""
    until = CLOCK.monotonic() + PATIENCE
    while CLOCK.monotonic() < until:
        _, page = await talk.ask("GET /")
        if page.count(MARK) > count:
            return CLOCK.monotonic()
        await CLOCK.sleep(LOOK_EVERY)
    raise RuntimeError("the page does not show the incident")


async def one_by_one(system: Tocsin, sink: Sink, samples: int) -> tuple[list[float], list[float]]:
    """Seconds from the 200 to the page and to the channel's first byte, for incidents one after the other."""
    hooks, page = Talk(system.port), Talk(system.public)
    await hooks.open()
    await page.open()
    bodies = Bodies(samples)
    to_page, to_channel = [], []
    for number in range(samples):
        _, before = await page.ask("GET /")
        count, posts = before.count(MARK), len(sink.posts)
        await open_incident(hooks, bodies, Place(f"service_{number % 20}", f"fresh-{number}"))
        accepted = CLOCK.monotonic()
        to_page.append(await page_shows(page, count) - accepted)
        post = await sink.post_after(posts, PATIENCE)
        if post is None:
            raise RuntimeError("the channel hears nothing")
        to_channel.append(max(post - accepted, 0.0))
        await CLOCK.sleep(0.05)
    hooks.close()
    page.close()
    return to_page, to_channel


async def idle(folder: Path, sink: Sink, samples: int) -> list[Row]:
    """Both spans while nothing else goes on."""
    async with Tocsin(folder / "reach", sink.port) as system:
        to_page, to_channel = await one_by_one(system, sink, samples)
    return [
        _row("alert accepted → visible on the page", to_page, median=0.05, p99=0.25),
        _row("alert accepted → first byte at a channel", to_channel, median=0.01),
    ]


async def loaded(folder: Path, sink: Sink, seconds: float) -> list[Row]:
    """The same while webhooks of 5 go in as fast as they are taken; page alone, for the channel has a queue."""
    async with Tocsin(folder / "reach-loaded", sink.port) as system:
        job = Job(0, "", 5, 74, int(4_000 * seconds), 32, seconds)
        load = asyncio.create_task(send(system.job(job)))
        await CLOCK.sleep(3.0)  # its own incidents are open by then
        settled = len(sink.posts)
        while await sink.post_after(settled, 0.5) is not None:
            settled = len(sink.posts)
        to_page: list[float] = []
        to_channel: list[float] = []
        while not load.done():
            more = await one_by_one(system, sink, 2)
            to_page += more[0]
            to_channel += more[1]
        await load
    return [
        _row("the same two under full load: page", to_page, p99=1.0),
        _row("the same two under full load: channel", to_channel, p99=5.0),
    ]


def _row(measure: str, spans: list[float], median: float = 0.0, p99: float = 0.0) -> Row:
    middle, slow = percentile(spans, 0.5), percentile(spans, 0.99)
    wanted = [f"median {milliseconds(median)}"] if median else []
    wanted += [f"p99 {milliseconds(p99)}"] if p99 else []
    return Row(
        measure,
        f"median {milliseconds(middle)}, p99 {milliseconds(slow)} ({len(spans)} incidents)",
        ", ".join(wanted),
        judge(("median", not median or middle <= median), ("p99", not p99 or slow <= p99)),
    )
