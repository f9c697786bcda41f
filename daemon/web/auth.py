"""The administrator's token: who may act, and who may look."""

from __future__ import annotations

from aiohttp import web

from daemon.web.credentials import bearer, is_among
from daemon.web.peer import on_loopback
from daemon.web.problem import Problem

ADMIN: web.AppKey[tuple[bytes, ...]] = web.AppKey("admin")
"""Digests (``credentials.digest``) of the tokens that may act; empty means that nobody may."""

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="tocsin"'}


def has_token(request: web.Request) -> bool:
    """Whether the request carries one of the administrator's tokens."""
    digests = request.config_dict.get(ADMIN) or ()
    return is_among(bearer(authorization(request)), digests)


def authorization(request: web.Request) -> str:
    """The one ``Authorization`` header; of several none counts: a proxy may have looked at another."""
    found = request.headers.getall("Authorization", [])
    return found[0] if len(found) == 1 else ""


def require_token(request: web.Request) -> None:
    """Let acts pass that carry the token; raises Problem 401 for all others, from loopback too."""
    if not has_token(request):
        raise Problem(
            401,
            "this needs the administrator's token: Authorization: Bearer <token>"
            " (the daemon writes it to its state directory, the tocsin command reads it there)",
            headers=_CHALLENGE,
        )


def require_reader(request: web.Request) -> None:
    """Let readers pass: anybody on loopback, elsewhere who has the token; else Problem 401."""
    if not on_loopback(request):
        require_token(request)
