"""From an accepted alert to the reader: how soon the page shows it, how soon a channel hears it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from bench.bodies import CLUSTERS, SERVICES, Bodies, Place
from bench.load import Job, percentile
from bench.report import Row, judge, milliseconds
from bench.sink import Sink
from bench.systems import CLOCK, TOKEN, Tocsin, send

PATIENCE = 10.0
LOOK_EVERY = 0.002  # seconds between two looks at the page
LINK = re.compile(rb'href="/incidents/(\w+)')


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


async def shown(talk: Talk) -> set[bytes]:
    """The incidents that the home page leads to; it lists the newest."""
    _, page = await talk.ask("GET /")
    return set(LINK.findall(page))


async def page_shows_more(talk: Talk, before: set[bytes]) -> float:
    """When the home page first showed an incident that was not on it before."""
    until = CLOCK.monotonic() + PATIENCE
    while CLOCK.monotonic() < until:
        if await shown(talk) - before:
            return CLOCK.monotonic()
        await CLOCK.sleep(LOOK_EVERY)
    raise RuntimeError("the page does not show the incident")


async def one_by_one(system: Tocsin, sink: Sink, numbers: Iterable[int]) -> tuple[list[float], list[float]]:
    """Seconds from the 200 to the page and to the channel's first byte, for incidents one after the other."""
    hooks, page = Talk(system.port), Talk(system.public)
    await hooks.open()
    await page.open()
    to_page, to_channel = [], []
    for number in numbers:
        before, posts = await shown(page), len(sink.posts)
        bodies = Bodies(1_000 + number)  # a seed of its own: a known fingerprint is a repeat
        await open_incident(hooks, bodies, Place(f"service_{number % SERVICES}", f"fresh-{number}"))
        accepted = CLOCK.monotonic()
        to_page.append(await page_shows_more(page, before) - accepted)
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
        to_page, to_channel = await one_by_one(system, sink, range(samples))
    return [
        _row("alert accepted → visible on the page", to_page, median=0.05, p99=0.25),
        _row("alert accepted → first byte at a channel", to_channel, median=0.01),
    ]


async def loaded(folder: Path, sink: Sink, seconds: float) -> list[Row]:
    """The same while webhooks of 5 go in as fast as they are taken, for incidents that are open already."""
    async with Tocsin(folder / "reach-loaded", sink.port) as system:
        await open_all(system, sink)
        begin = CLOCK.monotonic() + 3.0
        job = Job(0, "", 5, 74, int(4_000 * seconds), 32, seconds, begin_at=begin)
        load = asyncio.create_task(send(system.job(job)))
        await CLOCK.sleep(begin + 0.5 - CLOCK.monotonic())
        numbers = iter(range(100_000))
        to_page: list[float] = []
        to_channel: list[float] = []
        while CLOCK.monotonic() < begin + seconds - 0.5:
            page, channel = await one_by_one(system, sink, islice(numbers, 1))
            to_page += page
            to_channel += channel
        await load
    return [
        _row("the same two under full load: page", to_page, p99=1.0),
        _row("the same two under full load: channel", to_channel, p99=5.0),
    ]


async def open_all(system: Tocsin, sink: Sink) -> None:
    """Open an incident for every service and cluster, and wait until the channel has heard of all."""
    talk, bodies, posts = Talk(system.port), Bodies(78), len(sink.posts)
    await talk.open()
    places = [
        Place(f"service_{service}", f"cluster-{cluster}")
        for service in range(SERVICES)
        for cluster in range(CLUSTERS)
    ]
    for place in places:
        await open_incident(talk, bodies, place, 12)
    talk.close()
    if await sink.post_after(posts + len(places) - 1, 60.0) is None:
        raise RuntimeError("the channel did not hear of all incidents")


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
