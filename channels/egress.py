"""Calls to addresses that somebody wrote down: none of them may reach the networks that we stand in.

A name is resolved anew for every connection, all of its addresses are judged,
and the connection goes to one of exactly those: what a name says later changes
nothing.  No redirects, no proxies, no answer longer than 64 KiB.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import aiohttp
from aiohappyeyeballs import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override
from yarl import URL

from channels.http import Answer, exchange, open_session

Network = IPv4Network | IPv6Network

PORTS = frozenset({443, 8443})

# IANA's registries of special-purpose addresses, but for the few blocks that are public servers.
# Python's own is_global changes with its version, and takes multicast for global.
_SPECIAL_4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
    )
)  # fmt: skip
_UNICAST_6 = IPv6Network("2000::/3")  # all else is loopback, local, multicast, mapped, translated or nobody's
_SPECIAL_6 = tuple(
    IPv6Network(block)
    for block in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")  # Teredo, examples, 6to4, examples
)


class NotAllowed(ValueError):
    """An address that must not be called; the text says why and holds no secret part of it."""


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether it is a host of the public internet: not ours, nobody's, nor a way around (NAT64, 6to4)."""
    if isinstance(address, IPv4Address):
        return not any(address in block for block in _SPECIAL_4)
    return address in _UNICAST_6 and not any(address in block for block in _SPECIAL_6)


class Egress:
    """The way out.  ``networks`` are the operator's own that may be called, by http and at any port too."""

    def __init__(self, networks: Sequence[Network] = (), resolver: AbstractResolver | None = None) -> None:
        self._networks = tuple(networks)
        self._resolver = resolver

    def judge_url(self, url: URL) -> None:
        """Look at an address before anybody is asked where it leads.

        Raises:
            NotAllowed: with what to write instead.

        """
        host = url.raw_host
        if url.scheme not in ("http", "https") or not host or url.raw_user or url.raw_password:
            raise NotAllowed("write a whole address without a user, such as https://example.com/hook")
        if self._own_only(url) and not self._networks:
            raise NotAllowed("only https at port 443 or 8443; a receiver of your own goes under `networks`")
        if _is_odd(host):
            raise NotAllowed("an IP address in an odd form; write a name, or the address as usual")
        if _is_literal(host):
            self._judge(host, own_only=self._own_only(url))

    async def exchange(
        self,
        method: str,
        url: URL,
        *,
        timeout: float,  # noqa: ASYNC109 - handed on
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """One call within ``timeout`` seconds, as ``channels.http.exchange`` makes it.

        Raises:
            NoAnswer: as there.
            NotAllowed: it leads where it must not; nothing was sent.

        """
        self.judge_url(url)
        async with open_session(self._connector(own_only=self._own_only(url))) as session:
            return await exchange(session, method, url, timeout=timeout, headers=headers, body=body)

    def _own_only(self, url: URL) -> bool:
        """In the clear and at odd ports only the operator's own receivers may be called."""
        return url.scheme != "https" or url.port not in PORTS

    def _connector(self, *, own_only: bool) -> aiohttp.TCPConnector:
        judge = partial(self._judge, own_only=own_only)

        def judged(info: AddrInfoType) -> socket.socket:
            family, kind, protocol, _, address = info
            judge(address[0])  # once more, at the last moment; literal addresses come here unresolved
            return socket.socket(family, kind, protocol)

        return aiohttp.TCPConnector(
            force_close=True,
            use_dns_cache=False,
            resolver=_Judging(judge, self._resolver or aiohttp.ThreadedResolver()),
            socket_factory=judged,
        )

    def _judge(self, host: str, *, own_only: bool) -> None:
        address = ip_address(host)
        if any(address in network for network in self._networks):
            return
        if own_only:
            raise NotAllowed(f"{address} is not within `networks`: only https at port 443 or 8443")
        if not is_public(address):
            raise NotAllowed(f"{address} is no public address; a receiver of your own goes under `networks`")


class _Judging(AbstractResolver):
    """Another resolver's answers, all or none of them."""

    def __init__(self, judge: Callable[[str], None], inner: AbstractResolver) -> None:
        self._judge, self._inner = judge, inner

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        for one in found:
            self._judge(one["host"])
        return found

    @override
    async def close(self) -> None:
        await self._inner.close()


def _is_odd(host: str) -> bool:
    """Whether it is an IPv4 address to the C library alone: 127.1, 0x7f000001, 017700000001, 2130706433."""
    try:
        socket.inet_aton(host.rstrip("."))
    except (OSError, UnicodeError):
        return False
    return not _is_literal(host)


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
