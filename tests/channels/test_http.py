"""The one HTTP call: waits in every form, no redirects, no proxies, one connection each."""

from __future__ import annotations

import asyncio
import math

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from channels.http import BODY_LIMIT, NoAnswer, encoded, exchange, parse_wait
from daemon.core.ports import Reason, Retry, Unknown
from tests.channels.posts import AT
from tests.fakes.raw import raw_server, tick


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("12", 12.0),
        (" 1.5 ", 1.5),
        ("-3", 0.0),
        ("1e2", 100.0),
        ("315360000", 315_360_000.0),
        ("1798797660", 60.0),
        ("1798797660.5", 60.5),
        ("1798797660000", 60.0),
        ("Fri, 01 Jan 2027 10:01:00 GMT", 60.0),
        ("Friday, 01-Jan-27 10:01:00 GMT", 60.0),
        ("2027-01-01T10:01:00Z", 60.0),
        ("2027-01-01T11:01:00+01:00", 60.0),
        ("2027-01-01T10:01:00", 60.0),
        ("2020-01-01T00:00:00Z", 0.0),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_row_54_each_form_of_a_wait_is_read(value: str, seconds: float | None) -> None:
    """Seconds, fractions, unix times, dates of both sorts; nonsense is no wait at all."""
    assert parse_wait(value, AT) == seconds


@given(st.text(max_size=60))
def test_a_wait_is_never_negative_and_never_raises(value: str) -> None:
    """Whatever a header holds, the answer is None or a finite number from 0 on."""
    found = parse_wait(value, AT)
    assert found is None or (found >= 0 and math.isfinite(found))


def test_bodies_depend_on_values_alone() -> None:
    """The order of keys changes no byte."""
    assert encoded({"b": 1, "a": "é"}) == encoded({"a": "é", "b": 1}) == '{"a":"é","b":1}'.encode()


async def _serve(handler: web.RequestHandler | object) -> tuple[web.AppRunner, str]:
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", handler)  # type: ignore[arg-type]
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


async def test_row_60_redirects_proxies_and_long_answers_change_nothing(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A redirect is an answer, a proxy in the environment is ignored, and 64 KiB are all that is read."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        if request.path == "/moved":
            return web.Response(status=302, headers={"Location": "/elsewhere"})
        return web.Response(body=b"x" * 1_000_000)

    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    runner, url = await _serve(answer)
    try:
        assert (await exchange(session, "POST", f"{url}/moved", timeout=5, body=b"{}")).status == 302
        assert len((await exchange(session, "GET", f"{url}/long", timeout=5)).body) == BODY_LIMIT
        assert asked == ["/moved", "/long"]
    finally:
        await runner.cleanup()


async def test_no_connection_is_used_twice(session: aiohttp.ClientSession) -> None:
    """A kept connection that dies would look like a lost answer: each call has its own."""
    peers: list[object] = []

    async def answer(request: web.Request) -> web.Response:
        peers.append(request.transport.get_extra_info("peername") if request.transport else None)
        assert request.headers["Connection"] == "close"
        return web.Response()

    runner, url = await _serve(answer)
    try:
        for _ in range(3):
            await exchange(session, "POST", url, timeout=5, body=b"{}")
        assert len(set(peers)) == 3
    finally:
        await runner.cleanup()


async def test_a_trickling_answer_ends_at_the_deadline(session: aiohttp.ClientSession) -> None:
    """One byte now and then does not push the deadline back."""

    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await tick(0.02)

    async with raw_server(trickle) as port:
        with pytest.raises(NoAnswer) as found:
            await exchange(session, "POST", f"http://127.0.0.1:{port}", timeout=0.3, body=b"{}")
    assert isinstance(found.value.outcome, Unknown)
    assert found.value.outcome.reason is Reason.timeout


async def test_no_answer_names_no_address(session: aiohttp.ClientSession) -> None:
    """Addresses can be secrets: neither the error nor what is chained to it may hold them."""
    with pytest.raises(NoAnswer) as found:
        await exchange(session, "POST", "http://127.0.0.1:1/secret-path", timeout=1, body=b"{}")
    assert isinstance(found.value.outcome, Retry)
    assert "secret-path" not in f"{found.value!r} {found.value.outcome}"
    assert found.value.__cause__ is None
    assert found.value.__suppress_context__
