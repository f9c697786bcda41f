"""Unpacking of gzip and deflate bodies that cannot be used as a bomb."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

SLICE = 1 << 20
"""Bytes that are unpacked in one go: a bomb is noticed after one of them."""

ENCODINGS = frozenset({"gzip", "x-gzip", "deflate"})


class Damaged(Exception):
    """The packed data is broken."""


class Inflater:
    """Unpacks a stream of chunks slice by slice."""

    def __init__(self, encoding: str) -> None:
        self._raw_allowed = encoding == "deflate"
        self._machine: zlib._Decompress | None = None

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """The unpacked slices of this chunk.  Raises Damaged."""
        if self._machine is None:
            self._machine = self._made_for(packed)
        while packed:
            if self._machine.eof:
                raise Damaged("there is data behind the end of the packed body")
            try:
                unpacked = self._machine.decompress(packed, SLICE)
            except zlib.error as error:
                raise Damaged(str(error)) from error
            yield unpacked
            packed = self._machine.unconsumed_tail or self._machine.unused_data

    def finish(self) -> Iterator[bytes]:
        """What is left when no chunk follows.  Raises Damaged when the end is missing."""
        while self._machine is not None and not self._machine.eof:
            try:
                unpacked = self._machine.decompress(b"", SLICE)
            except zlib.error as error:
                raise Damaged(str(error)) from error
            if not unpacked and not self._machine.eof:
                raise Damaged("the packed body ends too early")
            yield unpacked

    def _made_for(self, first: bytes) -> zlib._Decompress:
        # "deflate" is zlib's format by the standard and raw deflate by old habit; the first byte tells.
        raw = self._raw_allowed and first[0] & 0x0F != 8
        return zlib.decompressobj(-zlib.MAX_WBITS if raw else zlib.MAX_WBITS | 32)
