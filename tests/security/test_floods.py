"""Rows "request smuggling" and "huge label sets": what strangers can make us hold, and for how long."""

from __future__ import annotations

import asyncio
import resource
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from typing import Self

import pytest
import regex
from aiohttp import web

from channels.fit import characters, fit
from channels.weight import weighted
from daemon.core.page_view import PageView
from daemon.logs import Redactor
from daemon.page import site
from daemon.web import connection
from daemon.web.connection import KEPT, Places
from daemon.web.listener import Listener
from daemon.web.server import public_app
from rules.texts import GRAPHEME, tidy
from tests.page.sample import OPEN, TROUBLE
from tests.processes.waiting import CLOCK, until, until_heard
from tests.web.rig import Counted

LARGE = b"/api/v2/summary.json"


def large(count: int = 400) -> PageView:
    """A page whose JSON is some 4 MB."""
    said = replace(OPEN.updates[0], body="word " * 2_000)
    many = tuple(replace(OPEN, public_id=f"i{number:011d}", updates=(said,)) for number in range(count))
    return replace(TROUBLE, open_incidents=many)


@asynccontextmanager
async def listening(view: PageView, most: int | None = None) -> AsyncIterator[Listener]:
    """The public listener with that page."""
    page = site.PageSite()
    page.replace(view)

    def setup(app: web.Application) -> None:
        app.add_routes(page.routes())

    listener = Listener(public_app(meter=Counted(), setups=[setup]), "127.0.0.1", 0, grace=0.2, most=most)
    await listener.start()
    try:
        yield listener
    finally:
        await listener.stop()


class Visitor:
    """A bare connection that reads what it wants, when it wants; ``room``: bytes that its side buffers."""

    def __init__(self, listener: Listener, room: int = 65_536) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        self._socket.setblocking(False)
        self._port = listener.port

    async def __aenter__(self) -> Self:
        await self._loop.sock_connect(self._socket, ("127.0.0.1", self._port))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._socket.close()

    async def ask(self, path: bytes) -> None:
        await self._loop.sock_sendall(self._socket, b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path)

    async def take(self, most: int = 65_536) -> bytes:
        """What is there; nothing when the connection has ended in whatever way."""
        try:
            return await asyncio.wait_for(self._loop.sock_recv(self._socket, most), 10)
        except ConnectionError:
            return b""

    async def is_served(self) -> bool:
        try:
            await self.ask(b"/")
        except ConnectionError:
            return False
        return (await self.take()).startswith(b"HTTP/1.1 200")


async def test_connections_are_counted_and_the_next_one_is_cut() -> None:
    """Idle visitors take places, not all files; when they leave, others are served."""
    async with listening(TROUBLE, most=3) as listener:
        async with AsyncExitStack() as stack:
            held = [await stack.enter_async_context(Visitor(listener)) for _ in range(3)]
            assert await held[2].is_served()
            async with Visitor(listener) as fourth:
                assert not await fourth.is_served()
            assert await held[0].is_served(), "those who were there stay"

        async def once_more() -> bool:
            async with Visitor(listener) as another:
                return await another.is_served()

        await until_heard(once_more)


def test_two_listeners_leave_files_for_everything_else() -> None:
    """Both full, the database, the log and the channels still get theirs."""
    most = Places().most
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert 8 <= most <= (soft - KEPT) // 2 or soft == resource.RLIM_INFINITY


async def test_a_reader_who_stops_reading_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody holds an answer for ever."""
    monkeypatch.setattr(connection, "STALL", 0.2)
    async with listening(large()) as listener, Visitor(listener, 4_096) as visitor:
        await visitor.ask(LARGE)
        assert await visitor.take(100)
        await until(lambda: not connections(listener))


async def test_a_reader_who_never_reads_a_small_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many small answers asked for at once wait in the same buffer, and end the same way."""
    monkeypatch.setattr(connection, "STALL", 0.2)
    async with listening(large()) as listener, Visitor(listener, 4_096) as visitor:
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(1):  # the other end reads no more requests than it can answer
                while True:
                    await visitor.ask(b"/")
        await until(lambda: not connections(listener))


async def test_a_slow_reader_gets_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow is not the same as gone: whoever goes on reading is served to the end, byte for byte."""
    monkeypatch.setattr(connection, "STALL", 0.5)
    view = large()
    found = site.PageSite().replace(view).get(LARGE.decode())
    assert found is not None
    assert len(found.body) > site.LARGE
    async with listening(view) as listener, Visitor(listener) as visitor:
        await visitor.ask(LARGE)
        got = b""
        while b"\r\n\r\n" not in got:
            got += await visitor.take()
        head, _, start = got.partition(b"\r\n\r\n")
        assert b"Content-Length: %d\r\n" % len(found.body) in head
        body = bytearray(start)
        while len(body) < len(found.body):
            piece = await visitor.take()
            assert piece, "cut off"
            body += piece
            await CLOCK.sleep(0.015)
        assert bytes(body) == found.body
        assert await visitor.is_served(), "the connection goes on"


async def test_many_slow_readers_do_not_each_hold_a_copy() -> None:
    """Forty readers of 8 MB who take nothing cost less than two copies of it."""
    async with listening(large()) as listener, AsyncExitStack() as stack:
        for _ in range(40):
            visitor = await stack.enter_async_context(Visitor(listener, 4_096))
            await visitor.ask(LARGE)
        await until(lambda: sum(one > 0 for one in connections(listener)) == 40)
        assert sum(connections(listener)) < 8_000_000


@pytest.mark.parametrize(
    "story",
    [
        lambda _: test_connections_are_counted_and_the_next_one_is_cut(),
        lambda _: test_many_slow_readers_do_not_each_hold_a_copy(),
        test_a_reader_who_stops_reading_is_cut_off,
        test_a_slow_reader_gets_all_of_it,
    ],
    ids=["connections", "many", "stopped", "slow"],
)
def test_the_fast_loop_does_the_same(
    monkeypatch: pytest.MonkeyPatch, story: Callable[[pytest.MonkeyPatch], Coroutine[None, None, None]]
) -> None:
    """Its transports are of other classes, and it is what serves where it is installed."""
    uvloop = pytest.importorskip("uvloop")
    with asyncio.Runner(loop_factory=uvloop.Loop) as runner:
        runner.run(story(monkeypatch))


def connections(listener: Listener) -> list[int]:
    """For each connection the bytes that wait in the server's own buffer."""
    server = listener._runner.server
    assert server is not None
    return [one.transport.get_write_buffer_size() for one in server.connections if one.transport is not None]


def test_long_headers_are_not_remembered() -> None:
    """Thousands of different headers of 8 kB leave nothing behind; the answer stays right."""
    tags = site._kept_tags.cache_info().currsize
    codings = site._kept_gzip.cache_info().currsize
    for number in range(300):
        assert f'"{number}"' in site._tags(f'W/"{number}", ' + '"x", ' * 1_000)
        assert site.takes_gzip(f"x{number}, " * 500 + "gzip")
    assert site._kept_tags.cache_info().currsize == tags
    assert site._kept_gzip.cache_info().currsize == codings


@pytest.mark.parametrize(
    "unit",
    ["a-", "a.", "http://", "https://x/api/", "https://a/bot", "/bot1", "://", "bearer ", "?key=", "/api/v1"],
)
def test_redaction_takes_linear_time(unit: str) -> None:
    """A text of 100,000 characters that a stranger wrote is looked through in a moment."""
    redactor = Redactor(["canary-secret"])
    text = (unit * 100_000)[:100_000]
    began = time.process_time()
    redactor.line(text)
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("unit", ["\U0001f1e6", "\U0001f468\u200d", "a\u0301", "e. http://x.y ", "@a", ". "])
def test_cutting_a_text_takes_linear_time(unit: str) -> None:
    """Rows of flags, of accents, of addresses: a label of any kind stops the daemon for no second."""
    text = unit * 20_000
    began = time.process_time()
    tidy(text)
    fit(text[:20_000], "https://status.example.com/x", characters, 4_000)
    fit(text[:2_000], "https://status.example.com/x", weighted, 280, always=True)
    assert time.process_time() - began < 0.5


def test_flags_are_cut_between_letters() -> None:
    """The quick way through rows of flags finds the same borders as the standard's."""
    text = "\U0001f1e9\U0001f1ea" * 9 + "x\U0001f1e9\u0301" + "\U0001f1e9" * 7 + "\u200d"
    assert [found[0] for found in GRAPHEME.finditer(text)] == regex.findall(r"\X", text)
    assert fit("\U0001f1e9\U0001f1ea" * 9, "", characters, 6) == "\U0001f1e9\U0001f1ea" * 2 + "…"
