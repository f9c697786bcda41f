"""The body of a webhook: read in full, within limits of size, memory and time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress

from aiohttp import StreamReader, web

from daemon.core.clock import Clock
from daemon.web.budget import MEBI, Share
from daemon.web.inflate import ENCODINGS, Damaged, Inflater

LIMIT = 64 * MEBI
"""Unpacked; 10,000 alerts are 8 MiB (architecture.md)."""

STALL = 10.0
"""Seconds without a byte."""

LONGEST = 60.0
"""Seconds for the whole body."""


class TooLarge(Exception):
    """The body is larger than ``LIMIT``, packed or unpacked."""


class Stalled(TimeoutError):
    """The sender stopped, or is too slow to go on with.

    A TimeoutError because aiohttp, which drains what a handler leaves unread,
    takes that as the end of its patience.
    """


class Unreadable(Exception):
    """The framing or the packing is broken; no bytes can be made of it."""


class UnknownEncoding(Exception):
    """The body is packed in a way that this program cannot unpack."""


class Body:
    """Reads one request's body; what came of it so far is there for a person when it goes wrong."""

    def __init__(self, request: web.Request, clock: Clock, share: Share, limit: int = LIMIT) -> None:
        self._stream = request.content
        self._announced = request.content_length or 0
        self._clock = clock
        self._share = share
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._packed = 0
        self._progress = 0.0
        self._inflater = self._unpacker(request.headers.get("Content-Encoding", ""))

    def beginning(self, size: int) -> bytes:
        """The first bytes of what was read."""
        found = b""
        for part in self._parts:
            if len(found) >= size:
                break
            found += part[: size - len(found)]
        return found

    async def read(self) -> bytes:
        """The whole body, unpacked.

        Raises TooLarge, Stalled, Unreadable and budget.OverBudget.
        """
        if self._announced > self._limit:
            raise TooLarge
        if self._stream.is_eof():  # the usual small body came together with its headers
            self._add(self._stream.read_nowait())
        else:
            await self._read_watched(self._stream)
        if self._inflater is not None:
            self._keep(self._inflater.finish())
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    async def _read_watched(self, stream: StreamReader) -> None:
        self._progress = self._clock.monotonic()
        watcher = asyncio.create_task(self._watch(stream))
        try:
            while chunk := await stream.readany():
                self._progress = self._clock.monotonic()
                self._add(chunk)
        except web.RequestPayloadError as error:
            raise Unreadable("the framing of the body is broken") from error
        finally:
            watcher.cancel()
            with suppress(asyncio.CancelledError):
                await watcher

    async def _watch(self, stream: StreamReader) -> None:
        """End the reading when nothing comes or when it takes too long."""
        end = self._clock.monotonic() + LONGEST
        while True:
            left = min(self._progress + STALL, end) - self._clock.monotonic()
            if left <= 0:
                stream.set_exception(Stalled())
                return
            await self._clock.sleep(left)

    def _add(self, chunk: bytes) -> None:
        if not chunk:
            return
        self._packed += len(chunk)
        if self._packed > self._limit:
            raise TooLarge
        self._keep(iter((chunk,)) if self._inflater is None else self._inflater.feed(chunk))

    def _keep(self, parts: Iterator[bytes]) -> None:
        try:
            for part in parts:
                self._size += len(part)
                if self._size > self._limit:
                    raise TooLarge
                self._share.take(len(part))
                self._parts.append(part)
        except Damaged as error:
            raise Unreadable(f"the packed body is damaged: {error}") from error

    def _unpacker(self, encoding: str) -> Inflater | None:
        name = encoding.strip().lower()
        if name in ("", "identity"):
            return None
        if name not in ENCODINGS:
            raise UnknownEncoding(name[:40])
        return Inflater(name)
