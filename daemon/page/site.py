"""Serves the rendered page from memory: no query, no template and no clock per hit."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace as changed
from functools import lru_cache

from aiohttp import web
from multidict import CIMultiDict

from daemon.core.clock import Instant
from daemon.core.page_view import PageView
from daemon.page.render import Rendered, Renderer
from daemon.page.resource import Resource

STARTING = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Starting</title>"
    "<main><h1>The status page is starting</h1><p>Please look again in a few seconds.</p></main></html>"
)


LONGEST_KEPT = 128
"""Characters of a header whose meaning is remembered: strangers choose both how many and how long."""
LARGE = 1 << 20
PIECE = 1 << 16


def takes_gzip(accept: str) -> bool:
    """Whether an ``Accept-Encoding`` allows gzip (RFC 9110, 12.5.3): named, or by ``*``, and not at q=0."""
    return _kept_gzip(accept) if len(accept) <= LONGEST_KEPT else _allows_gzip(accept)


def _allows_gzip(accept: str) -> bool:
    weights: dict[str, float] = {}
    for part in accept.lower().split(","):
        coding, _, parameter = part.partition(";")
        name, _, value = parameter.strip().partition("=")
        try:
            weights[coding.strip()] = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            weights[coding.strip()] = 0.0  # unreadable: the plain form is always right
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


_kept_gzip = lru_cache(maxsize=256)(_allows_gzip)


def _tags(header: str) -> frozenset[str]:
    """The opaque parts of ``If-None-Match``; weak and strong compare alike (RFC 9110, 13.1.2)."""
    return _kept_tags(header) if len(header) <= LONGEST_KEPT else _split_tags(header)


def _split_tags(header: str) -> frozenset[str]:
    return frozenset(tag.strip().removeprefix("W/") for tag in header.split(","))


_kept_tags = lru_cache(maxsize=256)(_split_tags)


class PageSite:
    """The public page of one daemon.  Every method belongs to the event loop's thread."""

    def __init__(self, renderer: Renderer | None = None) -> None:
        self._renderer = renderer or Renderer()
        self.current: Rendered | None = None

    def replace(self, view: PageView) -> Rendered:
        """Show this view from now on; the hits of this very moment already see it."""
        self.current = self._renderer.render(view)
        return self.current

    def stamp(self, now: Instant) -> None:
        """Say that the current view is still true; about once a minute (``render.FRESH_EVERY``)."""
        if self.current is not None:
            self.replace(changed(self.current.view, generated_at=now))

    def routes(self) -> list[web.RouteDef]:
        """One route for everything that no earlier route of the public listener took."""
        return [web.get("/{path:.*}", self.handle)]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        current = self.current
        if current is None:
            return web.Response(
                status=503,
                text=STARTING,
                content_type="text/html",
                headers={"Retry-After": "2", "Cache-Control": "no-store"},
            )
        found = current.get(request.path)
        if found is None:
            if request.path.startswith("/api/"):
                return web.json_response({"error": "not found"}, status=404)
            return _answer(request, current.missing, status=404)
        if len(found.body) > LARGE and request.method == "GET":
            return await _in_pieces(request, found)
        return _answer(request, found)


def _answer(request: web.Request, found: Resource, status: int = 200) -> web.Response:
    headers = request.headers
    if status == 200 and _is_known(request, found):
        return web.Response(status=304, headers=CIMultiDict(found.headers))
    if takes_gzip(headers.get("Accept-Encoding", "")):
        return web.Response(status=status, body=found.gzip, headers=CIMultiDict(found.gzip_headers))
    return web.Response(status=status, body=found.body, headers=CIMultiDict(found.plain_headers))


def _is_known(request: web.Request, found: Resource) -> bool:
    wanted = request.headers.get("If-None-Match")
    return wanted is not None and (wanted.strip() == "*" or found.etag[2:] in _tags(wanted))


async def _in_pieces(request: web.Request, found: Resource) -> web.StreamResponse:
    """A large document as fast as it is read: given away whole, every slow reader would hold a copy."""
    if _is_known(request, found):
        return _answer(request, found)
    packed = takes_gzip(request.headers.get("Accept-Encoding", ""))
    body = found.gzip if packed else found.body
    response = web.StreamResponse(headers=CIMultiDict(found.gzip_headers if packed else found.plain_headers))
    response.content_length = len(body)
    await response.prepare(request)
    whole = memoryview(body)
    with suppress(ConnectionError):  # the reader left: what is left of it is for nobody
        for start in range(0, len(body), PIECE):
            await response.write(whole[start : start + PIECE])
        await response.write_eof()
    return response
