"""A browser cannot be used against the private listener."""

from __future__ import annotations

import asyncio

import pytest

from tests.intake.bodies import recorded
from tests.web.rig import ADMIN, Rig, Starter

GOOD = {"Authorization": f"Bearer {ADMIN}"}
FIRING = recorded("firing")


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.:8081", "127.0.0.1", "127.0.0.1:1", "[::1]:8081", "[0:0::1]"]
)
async def test_own_names_are_answered(rig: Rig, host: str) -> None:
    """Whatever the port: a tunnel may have changed it."""
    assert (await rig.ask("GET", "/-/healthy", headers={"Host": host})).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "10.0.0.1", "[::2]"]
)
async def test_other_names_are_not(rig: Rig, host: str) -> None:
    """DNS rebinding: the visitor's browser sends the attacker's name."""
    for method, path in (
        ("GET", "/-/healthy"),
        ("GET", "/metrics"),
        ("POST", "/hooks/open"),
        ("GET", "/nowhere"),
    ):
        answer = await rig.ask(method, path, headers={"Host": host})
        assert answer.status == 421
        assert "api.allowed_hosts" in answer.json["detail"]
    assert rig.shelf.empty


async def test_configured_names_are_answered(starter: Starter) -> None:
    """In any spelling that means the same."""
    rig = await starter(names=["Tocsin.Internal.", "2001:DB8::1", "10.0.0.1"])
    for host in ("tocsin.internal:8081", "[2001:db8:0::1]", "10.0.0.1:80"):
        assert (await rig.ask("GET", "/-/healthy", headers={"Host": host})).status == 200


@pytest.mark.parametrize(
    "host", ["", "a b", "localhost@evil", "localhost:port", "localhost:123456", "[::1", "http://x"]
)
async def test_what_is_no_host_is_refused(rig: Rig, host: str) -> None:
    """No guess is made about what was meant."""
    answer = await rig.raw(f"GET /-/healthy HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert answer.split(b" ")[1] in (b"400", b"421")
    assert b"healthy\n" not in answer


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /-/healthy HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET /-/healthy HTTP/1.0\r\n\r\n",
        b"GET http://evil.example/-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET http://localhost/-/healthy HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ],
    ids=["no host", "old version", "absolute", "absolute own", "asterisk", "connect"],
)
async def test_targets_and_hosts_that_can_be_read_in_two_ways_are_refused(rig: Rig, sent: bytes) -> None:
    """A path and one Host, nothing else."""
    answer = await asyncio.wait_for(rig.raw(sent), 5)
    assert answer.split(b" ")[1] in (b"400", b"421"), answer


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://["},
        {"Origin": "file://"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_other_sites_pages_cannot_act(rig: Rig, headers: dict[str, str]) -> None:
    """Not with the token in the browser, and not as a source that needs none."""
    assert (await rig.post("/-/reload", headers=GOOD | headers)).status == 403
    assert (await rig.post("/hooks/open", FIRING, headers=headers)).status == 403
    assert rig.state.reloads == 0
    assert rig.shelf.empty


async def test_our_own_pages_can(rig: Rig) -> None:
    """The console's forms carry our own origin."""
    headers = GOOD | {"Origin": rig.address, "Sec-Fetch-Site": "same-origin"}
    assert (await rig.post("/-/reload", headers=headers)).status == 200


async def test_dribbled_headers_are_cut_off(starter: Starter) -> None:
    """A connection that never becomes a request does not live for ever."""
    rig = await starter(idle=0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.listener.port)
    writer.write(b"POST /hooks/open HTTP/1.1\r\n")
    answer = asyncio.create_task(reader.read())
    while not answer.done():
        writer.write(b"X-A: b\r\n")
        await asyncio.wait([answer], timeout=0.02)
    assert answer.exception() is not None or answer.result() == b""
    writer.close()
