"""Bytes ready to be sent: body, its gzip form, and the headers of both.

A large document is made of fragments that are compressed once each: their raw
deflate streams end on a byte boundary without looking back, so they may be put
one behind the other (RFC 1951, 2; the empty stored block of a full flush).
"""

from __future__ import annotations

import gzip
import hashlib
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from daemon.core.clock import Instant
from daemon.page.times import http_date

HTML = "text/html; charset=utf-8"
JSON = "application/json; charset=utf-8"
SCRIPT = "text/javascript; charset=utf-8"

WHOLE_BELOW = 65_536
"""Smaller documents are compressed in one piece: better ratio, about a millisecond."""
GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
DEFLATE_END = b"\x03\x00"  # an empty block marked as the last one


class Fragment:
    """A piece of a document; its compressed form is made at most once."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.digest = hashlib.sha256(raw).digest()[:12]

    @cached_property
    def deflated(self) -> bytes:
        squeeze = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
        return squeeze.compress(self.raw) + squeeze.flush(zlib.Z_FULL_FLUSH)


@dataclass(frozen=True, slots=True)
class Resource:
    """One address of the page.  ``body`` and ``gzip`` are the same document."""

    body: bytes
    gzip: bytes
    content_type: str
    etag: str
    last_modified: str
    cache_control: str
    headers: dict[str, str]
    plain_headers: dict[str, str]
    gzip_headers: dict[str, str]


def zipped(fragments: Sequence[Fragment], body: bytes) -> bytes:
    """One gzip member with all fragments."""
    if len(body) < WHOLE_BELOW:
        return gzip.compress(body, 9, mtime=0)
    tail = struct.pack("<LL", zlib.crc32(body), len(body) & 0xFFFF_FFFF)
    return b"".join([GZIP_HEAD, *[fragment.deflated for fragment in fragments], DEFLATE_END, tail])


def resource(
    fragments: Sequence[Fragment],
    *,
    content_type: str,
    cache_control: str,
    modified: Instant,
    extra: dict[str, str],
) -> Resource:
    """Join the fragments and prepare everything that a hit needs.

    The tag is weak (RFC 9110, 8.8.1): both encodings carry the same one.
    """
    body = b"".join([fragment.raw for fragment in fragments])
    packed = zipped(fragments, body)
    digest = hashlib.sha256(b"".join([fragment.digest for fragment in fragments])).hexdigest()[:24]
    etag, date = f'W/"{digest}"', http_date(modified)
    headers = {
        "ETag": etag,
        "Last-Modified": date,
        "Cache-Control": cache_control,
        "Vary": "Accept-Encoding",
        **extra,
    }
    plain = {"Content-Type": content_type, **headers}
    return Resource(
        body=body,
        gzip=packed,
        content_type=content_type,
        etag=etag,
        last_modified=date,
        cache_control=cache_control,
        headers=headers,
        plain_headers=plain,
        gzip_headers={**plain, "Content-Encoding": "gzip"},
    )
