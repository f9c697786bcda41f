"""The guard: no address that somebody wrote down leads into our own networks, whatever form it has."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from channels.egress import Egress, NotAllowed, is_public
from channels.http import BODY_LIMIT, open_session
from tests.fakes.raw import raw_server
from tests.fakes.webhook import PATH, FakeReceiver

LOOPBACK = IPv4Network("127.0.0.1/32")


class Names(AbstractResolver):
    """Says each of the answers once, in their order."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in self.answers.pop(0)
        ]

    async def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254",
        "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.9", "192.0.2.1", "192.88.99.1",
        "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1",
        "255.255.255.255", "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1",
        "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1",
        "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1",
    ],
)  # fmt: skip
def test_addresses_that_are_nobodys_business(address: str) -> None:
    """Local, private, shared, multicast, reserved, and IPv4 in IPv6 clothes."""
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "100.63.255.255", "100.128.0.1", "172.32.0.1", "193.0.6.139", "2606:4700::1111"]
)
def test_the_public_internet_is_public(address: str) -> None:
    """Neighbours of the special blocks too."""
    assert is_public(ip_address(address))


@given(st.ip_addresses())
def test_nothing_is_public_that_python_calls_special(address: IPv4Address | IPv6Address) -> None:
    """Our tables are never looser than the standard library's, whatever its version."""
    if is_public(address):
        assert address.is_global
        assert not address.is_multicast
        assert not address.is_reserved


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://localhost/hook", "127.0.0.1|::1"),
        ("https://127.0.0.1/", "no public address"),
        ("https://127.1/", "odd form"),
        ("https://2130706433/", "odd form"),
        ("https://017700000001/", "odd form"),
        ("https://0x7f000001/", "odd form"),
        ("https://0177.0.0.1/", "odd form"),
        ("https://127.0.0.1./", "odd form"),
        ("https://0/", "odd form"),
        ("https://１２７.0.0.1/", "no public address"),
        ("https://①②⑦.⓪.⓪.①/", "no public address"),
        ("https://169.254.169.254/latest/meta-data/", "no public address"),
        ("https://[::1]/", "no public address"),
        ("https://[::ffff:127.0.0.1]/", "no public address"),
        ("https://[64:ff9b::7f00:1]/", "no public address"),
        ("https://[2002:7f00:1::]/", "no public address"),
        ("https://[fe80::1%25lo]/", "no public address"),
        ("http://example.com/", "only https"),
        ("https://example.com:22/", "only https"),
        ("https://example.com:80/", "only https"),
        ("https://user:pass@example.com/", "without a user"),
        ("ftp://example.com/", "whole address"),
        ("/hook", "whole address"),
    ],
)
async def test_no_form_of_an_address_gets_through(url: str, says: str) -> None:
    """Before anything is sent, and with words that an operator can act on."""
    with pytest.raises(NotAllowed, match=says):
        await Egress().exchange("POST", URL(url), timeout=5.0)
    if "localhost" not in url:  # all but names are judged as they are read
        with pytest.raises(NotAllowed, match=says):
            Egress().judge_url(URL(url))


@pytest.mark.parametrize(
    "answers",
    [
        ["10.0.0.1"],
        ["93.184.216.34", "10.0.0.1"],
        ["10.0.0.1", "93.184.216.34"],
        ["2606:4700::1111", "::ffff:10.0.0.1"],
        ["93.184.216.34", "fe80::1%2"],
    ],
)
async def test_one_wrong_address_of_a_name_is_enough(answers: list[str]) -> None:
    """Which of them would be called is chance: none is."""
    with pytest.raises(NotAllowed):
        await Egress(resolver=Names(answers)).exchange("POST", URL("https://x.example.com/"), timeout=5.0)


async def test_a_name_that_changes_its_answer_is_asked_and_judged_each_time(receiver: FakeReceiver) -> None:
    """Rebinding: the call goes to the very address that was judged; the next call is judged anew."""
    names = Names(["127.0.0.1"], ["127.0.0.2"], ["127.0.0.1", "10.0.0.1"], ["127.0.0.1"])
    egress = Egress([LOOPBACK], names)
    url = URL(f"http://receiver.example.com:{receiver.port}{PATH}")
    assert (await egress.exchange("POST", url, timeout=10.0, body=b"{}")).status == 401
    assert names.asked == ["receiver.example.com"], "asked once for one call"
    for _ in range(2):
        with pytest.raises(NotAllowed):
            await egress.exchange("POST", url, timeout=10.0, body=b"{}")
    assert len(receiver.calls) == 1
    assert (await egress.exchange("POST", url, timeout=10.0, body=b"{}")).status == 401
    assert len(names.asked) == 4
    assert len(receiver.headers) == 2
    assert {one["host"] for one in receiver.headers} == {f"receiver.example.com:{receiver.port}"}


async def test_plain_http_and_odd_ports_are_for_the_operators_own(receiver: FakeReceiver) -> None:
    """With an allow-list, a public host is still called by https at its ports alone."""
    url = URL(f"http://receiver.example.com:{receiver.port}{PATH}")
    with pytest.raises(NotAllowed, match="not within"):
        await Egress([LOOPBACK], Names(["93.184.216.34"])).exchange("POST", url, timeout=5.0)
    with pytest.raises(NotAllowed, match="not within"):
        await Egress([LOOPBACK]).exchange("POST", URL("https://93.184.216.34:8444/"), timeout=5.0)
    assert receiver.calls == []


async def test_the_socket_itself_is_judged(receiver: FakeReceiver) -> None:
    """Should a literal address ever come as far as the connector, it ends there."""
    async with open_session(Egress()._connector(own_only=False)) as session:
        with pytest.raises(NotAllowed, match="no public address"):
            await session.post(receiver.url + PATH)
    assert receiver.calls == []


async def test_proxies_of_the_environment_are_not_asked(
    receiver: FakeReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would resolve the name themselves, and nobody would have judged what they call."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    answer = await Egress([LOOPBACK]).exchange("POST", URL(receiver.url + PATH), timeout=10.0)
    assert answer.status == 401


async def test_an_answer_is_read_to_its_limit() -> None:
    """64 KiB, whatever is sent; and a redirect is an answer, not a way."""
    answers = [
        b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000,
    ]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        with contextlib.suppress(ConnectionError):  # it hangs up when it has read enough
            writer.write(answers.pop(0))
            await writer.drain()
        writer.close()

    async with raw_server(answer) as port:
        url = URL(f"http://127.0.0.1:{port}/")
        found = [await Egress([LOOPBACK]).exchange("GET", url, timeout=10.0) for _ in range(2)]
    assert [(one.status, len(one.body)) for one in found] == [(302, 0), (200, BODY_LIMIT)]
