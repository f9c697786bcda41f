"""Who is on the other end of a connection: only what the connection itself proves.

``X-Forwarded-*`` is never believed.  It is noticed, though: a request that came
through a proxy on this machine has a loopback address and is not local, so it
loses what loopback may do without a token.
"""

from __future__ import annotations

import functools
import hashlib
import ipaddress
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

PEER: web.AppKey[Callable[[web.Request], str]] = web.AppKey("peer")
"""How an application learns the peer's address; tests put another one here."""

_PROXY_HEADERS = (
    "Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto",
    "X-Forwarded-Server", "X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Certificate:
    """A client certificate that the TLS layer has verified against the configured authority."""

    common_name: str
    fingerprint: bytes  # SHA-256 of the DER form


def socket_peer(request: web.Request) -> str:
    """The address at the other end of the socket, "" where there is none."""
    name = request.transport.get_extra_info("peername") if request.transport is not None else None
    return str(name[0]) if isinstance(name, tuple) else ""


def on_loopback(request: web.Request) -> bool:
    """Whether the caller is on this machine, by its address and without a proxy in between."""
    if any(header in request.headers for header in _PROXY_HEADERS):
        return False
    return is_loopback(request.config_dict.get(PEER, socket_peer)(request))


@functools.lru_cache(maxsize=256)
def is_loopback(address: str) -> bool:
    """Whether the text is a loopback address; names are not asked for."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped.is_loopback
    return parsed.is_loopback


def certificate(request: web.Request) -> Certificate | None:
    """The peer's verified certificate, None without TLS or without one."""
    transport = request.transport
    layer = transport.get_extra_info("ssl_object") if transport is not None else None
    if not isinstance(layer, ssl.SSLObject):
        return None
    raw, fields = layer.getpeercert(binary_form=True), layer.getpeercert()
    if raw is None or not fields:
        return None
    subject: Any = fields.get("subject", ())  # typeshed's type is wider than what a subject is
    names = [value for part in subject for key, value in part if key == "commonName"]
    return Certificate(names[0] if len(names) == 1 else "", hashlib.sha256(raw).digest())
