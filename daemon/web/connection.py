"""One connection: aiohttp's, with limits for whoever keeps one without using it."""

from __future__ import annotations

import asyncio
import fcntl
import resource
import struct
import termios
from contextlib import suppress
from typing import Any, cast

import structlog
from aiohttp import web
from typing_extensions import override

from daemon.web.problem import Problem

log = structlog.get_logger("tocsin.web")

STALL = 20.0
"""Seconds in which whoever is being sent something takes at least ``SLOWEST`` bytes of it."""

SLOWEST = 20_000
"""A thousand bytes a second: less than any line that loads a page."""

FILES = 65_536
"""Open files that are asked of the system; what it has to give is taken."""

KEPT = 64
"""Open files that no listener may use: the database, its log, channels, and the next backup."""

MOST = 8_192
"""Connections of one listener, however many files there are."""


def raise_limit() -> int:
    """Raise the process's limit of open files as far as that is allowed; how many there are then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(hard, FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return FILES if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


class Places:
    """The connections that one listener may hold: half of all files, so that visitors shut no monitor out."""

    def __init__(self, most: int | None = None) -> None:
        self.most = most or min(max((raise_limit() - KEPT) // 2, 8), MOST)
        self.taken = 0
        self._told = False

    def take(self) -> bool:
        """Take one; whether there was one left."""
        if self.taken < self.most:
            self.taken += 1
            return True
        if not self._told:  # once until it is better: a flood must not fill the log as well
            self._told = True
            log.warning("no connection left; new ones are cut", most=self.most)
        return False

    def give_back(self) -> None:
        self.taken -= 1
        if self.taken <= self.most * 3 // 4:
            self._told = False


class Connection(web.RequestHandler):
    """A place is taken for as long as it lives; a reader that stops reading is cut off."""

    __slots__ = ("_due", "_left", "_placed", "_places")

    def __init__(self, manager: web.Server, *, places: Places, **options: Any) -> None:
        super().__init__(manager, **options)
        self._places = places
        self._placed = False
        self._left = 0
        self._due: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._placed = self._places.take()
        if not self._placed:
            # No isinstance anywhere here: uvloop's transports are no asyncio.Transport.
            cast("asyncio.Transport", transport).abort()

    @override
    def connection_lost(self, exc: BaseException | None) -> None:
        if self._placed:
            self._placed = False
            self._places.give_back()
        self._settle()
        super().connection_lost(exc)

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch()

    @override
    def resume_writing(self) -> None:
        self._settle()
        super().resume_writing()

    @override
    def force_close(self) -> None:
        # Closing waits until all is sent, which is never when nobody reads.
        transport = self.transport
        super().force_close()
        if transport is not None and transport.get_write_buffer_size():
            self._loop.call_later(STALL, transport.abort)

    @override
    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        # What stands behind the colon are the sender's bytes: half an Authorization header, at worst.
        reason = (message or "").partition("\n")[0].partition(":")[0][:100]
        log.info("not HTTP", peer=request.remote, status=status, reason=reason, error=type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer had begun already")
        response = Problem(status, "the request is not valid HTTP").response()
        response.headers["Server"] = "tocsin"
        response.force_close()
        return response

    def _watch(self) -> None:
        self._settle()
        if self.transport is not None:
            self._left = _outstanding(self.transport)
            self._due = self._loop.call_later(STALL, self._check)

    def _check(self) -> None:
        if self.transport is None:
            return
        if _outstanding(self.transport) > max(self._left - SLOWEST, 0):
            self.transport.abort()
        else:
            self._watch()

    def _settle(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None


def _outstanding(transport: asyncio.Transport) -> int:
    """Bytes that the other end has not taken: ours, and the system's, maybe megabytes that move first."""
    size = transport.get_write_buffer_size()
    with suppress(OSError):  # tcp(7), SIOCOUTQ: Linux has it; elsewhere our own buffer has to do
        file = transport.get_extra_info("socket").fileno()
        size += struct.unpack("i", fcntl.ioctl(file, termios.TIOCOUTQ, bytes(4)))[0]
    return size
