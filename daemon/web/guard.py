"""What keeps browsers from being used against the private listener.

A page from elsewhere can make a visitor's browser send requests to loopback: by
a name of its own that suddenly resolves to 127.0.0.1 (so only known Host names
are answered), or by a plain cross-site POST (so acts with a foreign Origin are
refused, webhooks among them).
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from daemon.web.problem import Problem

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/@\[\]]+))(?::[0-9]{1,5})?")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def make_guard(names: Iterable[str] = ()) -> Middleware:
    """A middleware that answers only to its own names: loopback's, the configured, the socket's address."""
    known = LOCAL_NAMES | {_plain(name) for name in names}

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        check_host(request, known)
        if request.method not in _SAFE:
            check_origin(request)
        return await handler(request)

    return guard


def check_host(request: web.Request, known: frozenset[str]) -> None:
    """Raise Problem 421 for a Host that is not ours, 400 for one that is not a Host."""
    if not request.raw_path.startswith("/"):
        raise Problem(400, "the request target must be a path")
    hosts = request.headers.getall("Host", [])
    match = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
    if match is None:
        raise Problem(400, "exactly one valid Host header is needed")
    name = _plain(match[1] or match[2])
    if name not in known and name != _own_address(request):
        raise Problem(
            421, f"{name[:100]!r} is no name of this listener; add it to api.allowed_hosts if it should be"
        )


def check_origin(request: web.Request) -> None:
    """Raise Problem 403 when a browser says that another site's page sent this."""
    origin = request.headers.get("Origin")
    foreign = request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
    if foreign or (origin is not None and not _is_own(origin, request.headers.get("Host", ""))):
        raise Problem(403, "this came from another site's page")


def _is_own(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


def _own_address(request: web.Request) -> str:
    """The address that the connection came in on; a number cannot be rebound to another machine."""
    name = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return _plain(str(name[0])) if isinstance(name, tuple) else ""


@functools.lru_cache(maxsize=256)  # bounded: strangers choose the names
def _plain(name: str) -> str:
    """A host name in the form in which it is compared."""
    try:
        return str(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        return name.lower().removesuffix(".")
