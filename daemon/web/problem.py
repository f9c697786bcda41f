"""Every error as problem+json (RFC 9457): what went wrong and what to do, never our insides."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

from daemon.core.errors import (
    BadConfig,
    BadInput,
    Conflict,
    NotFound,
    Refused,
    TocsinError,
    Unavailable,
)

CONTENT_TYPE = "application/problem+json"

_STATUS: dict[type[TocsinError], int] = {
    BadInput: 400,
    Refused: 409,
    Conflict: 409,
    NotFound: 404,
    Unavailable: 503,
    BadConfig: 422,
}


class Problem(Exception):
    """An answer that is an error.  ``hold`` slows down a sender that would retry at once."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, object] | None = None,
        hold: bool = False,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = dict(more or {})
        self.hold = hold

    def body(self, request_id: str = "") -> bytes:
        """The document; ``request_id`` lets an operator find the log line."""
        document: dict[str, object] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if request_id:
            document["request"] = request_id
        return msgspec.json.encode(document | self.more)

    def response(self, request_id: str = "") -> web.Response:
        return web.Response(
            status=self.status, body=self.body(request_id), content_type=CONTENT_TYPE, headers=self.headers
        )


def from_error(error: TocsinError) -> Problem:
    """The answer to an error that a use case raised on purpose; its text is meant for the caller."""
    for kind in type(error).__mro__:
        if kind in _STATUS:
            return Problem(_STATUS[kind], str(error))
    return Problem(500, "an error that this program cannot name")


def from_http(error: web.HTTPException, path: str) -> Problem:
    """The answer to what aiohttp itself refuses (no such path, wrong method)."""
    details = {
        404: f"nothing is served at {path[:200]}",
        405: f"this path takes {error.headers.get('Allow', 'other methods')}",
    }
    detail = details.get(error.status, HTTPStatus(error.status).description)
    kept = {name: error.headers[name] for name in ("Allow", "Location") if name in error.headers}
    return Problem(error.status, detail, headers=kept)
