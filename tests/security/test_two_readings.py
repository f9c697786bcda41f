"""Row "request smuggling, proxy headers": what two programs could read in two ways is refused."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import pytest

from tests.intake.bodies import recorded
from tests.web.conftest import logged, rig, starter
from tests.web.rig import ADMIN, Rig

__all__ = ["logged", "rig", "starter"]

POST = b"POST /hooks/open HTTP/1.1\r\nHost: localhost\r\n"
HIDDEN = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKS = b"2\r\n{}\r\n0\r\n\r\n"
FIRING = recorded("firing")

SMUGGLED = {
    "two lengths": b"Content-Length: 2\r\nContent-Length: 60\r\n\r\n{}",
    "the same length twice": b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a list of lengths": b"Content-Length: 2, 2\r\n\r\n{}",
    "a length with a sign": b"Content-Length: +2\r\n\r\n{}",
    "a length with an underscore": b"Content-Length: 0_2\r\n\r\n{}",
    "a negative length": b"Content-Length: -1\r\n\r\n{}",
    "a huge length": b"Content-Length: 99999999999999999999999\r\n\r\n{}",
    "length and chunks": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "unknown coding": b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKS,
    "chunked is not last": b"Transfer-Encoding: chunked, identity\r\n\r\n" + CHUNKS,
    "two codings": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + CHUNKS,
    "a blank before the colon": b"Transfer-Encoding : chunked\r\n\r\n" + CHUNKS,
    "a folded line": b"X: a\r\n Transfer-Encoding: chunked\r\n\r\n",
    "a bare CR": b"X: a\rTransfer-Encoding: chunked\r\n\r\n",
    "a NUL": b"X: a\0b\r\nContent-Length: 2\r\n\r\n{}",
    "a chunk size in 0x": b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
    "a chunk ended by LF": b"Transfer-Encoding: chunked\r\n\r\n2;a=b\n{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("rest", SMUGGLED.values(), ids=SMUGGLED)
async def test_framing_that_can_be_read_in_two_ways_ends_the_connection(rig: Rig, rest: bytes) -> None:
    """One 400 and the end: what follows is never taken for a request of its own."""
    answer = await rig.raw(POST + rest + HIDDEN)
    assert answer.count(b"HTTP/1.") == 1, answer
    assert answer.split(b" ")[1] == b"400"
    assert b"healthy\n" not in answer
    assert rig.shelf.reports == []


@pytest.mark.parametrize(
    ("path", "value"),
    [("/hooks/locked", "new-token"), ("/-/reload", ADMIN)],
)
async def test_of_two_authorization_headers_none_counts(rig: Rig, path: str, value: str) -> None:
    """A proxy before us may have looked at the other one."""
    for first, second in ((value, "wrong"), ("wrong", value), (value, value)):
        headers = [("Authorization", f"Bearer {first}"), ("Authorization", f"Bearer {second}")]
        assert (await rig.post(path, FIRING, headers=headers)).status == 401
    assert rig.shelf.empty
    assert rig.state.reloads == 0


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer near-canary\x01\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization Bearer near-canary\r\n\r\n",
        b"GET / HTTP/1.1\r\nAuthorization: Bearer near-canary" + b"x" * 9_000 + b"\r\n\r\n",
    ],
    ids=["control", "no colon", "too long"],
)
async def test_what_is_no_request_is_not_repeated_in_the_log(
    rig: Rig, logged: list[MutableMapping[str, Any]], sent: bytes
) -> None:
    """The broken line may be the one with the token, misspelled so that no filter knows it."""
    assert (await rig.raw(sent)).split(b" ")[1] == b"400"
    (line,) = [one for one in logged if one["event"] == "not HTTP"]
    assert line["reason"]
    assert "near-canary" not in repr(line)
