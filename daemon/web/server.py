"""The two applications: what outsiders may reach, and what is for us."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import web

from daemon.core.errors import BadConfig
from daemon.web.auth import ADMIN
from daemon.web.errors import REQUEST_ID, make_errors
from daemon.web.guard import make_guard
from daemon.web.hooks import Hooks
from daemon.web.meter import Meter
from daemon.web.operations import Operations
from daemon.web.peer import PEER, is_loopback, socket_peer
from daemon.web.sources import Source

Setup = Callable[[web.Application], None]
"""Adds routes to an application."""

_EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_PRIVATE = _EVERYWHERE | {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
}
_PUBLIC = _EVERYWHERE | {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self';"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "cross-origin",  # badges and JSON are made to be embedded
}


def public_app(*, meter: Meter, setups: Iterable[Setup] = ()) -> web.Application:
    """The status page's application; its routes come from ``setups``.

    Headers that a handler sets itself win over the ones that every answer gets.
    """
    app = web.Application(middlewares=[make_errors(meter)])
    app.on_response_prepare.append(_header_setter(_PUBLIC))
    for setup in setups:
        setup(app)
    return app


def private_app(
    *,
    hooks: Hooks,
    operations: Operations,
    meter: Meter,
    admin: Iterable[bytes] = (),
    names: Iterable[str] = (),
    setups: Iterable[Setup] = (),
    peer: Callable[[web.Request], str] = socket_peer,
) -> web.Application:
    """The private listener's application.

    ``admin``: digests of tokens that may act.  ``names``: Host names that it
    answers to besides loopback's and the address it is reached at.  ``peer``
    tells the caller's address.
    """
    app = web.Application(middlewares=[make_errors(meter), make_guard(names)])
    app[ADMIN] = tuple(admin)
    app[PEER] = peer
    app.on_response_prepare.append(_header_setter(_PRIVATE))
    hooks.setup(app)
    operations.setup(app)
    for setup in setups:
        setup(app)
    return app


def check_exposure(host: str, sources: Iterable[Source], admin: Iterable[bytes]) -> None:
    """Raise BadConfig when the private listener would be open to others than this machine."""
    if host == "localhost" or is_loopback(host):
        return
    unguarded = [source.name for source in sources if source.credentials.open]
    if unguarded:
        raise BadConfig(
            f"listen.private: {host} can be reached from outside and sources without credentials are"
            f" {', '.join(unguarded)}; give each a token_file, basic or client_certs, or listen on 127.0.0.1"
        )
    if not list(admin):
        raise BadConfig(
            f"listen.private: {host} can be reached from outside and there is no administrator's token;"
            " set admin_token_file, or listen on 127.0.0.1"
        )


def _header_setter(headers: dict[str, str]) -> Callable[[web.Request, web.StreamResponse], Any]:
    async def set_headers(request: web.Request, response: web.StreamResponse) -> None:
        found = response.headers
        for name, value in headers.items():
            found.setdefault(name, value)
        found["Server"] = "tocsin"
        if REQUEST_ID in request:
            found["X-Request-Id"] = request[REQUEST_ID]

    return set_headers
