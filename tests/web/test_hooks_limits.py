"""Bodies that are too large, too slow, packed, damaged, or meant to confuse."""

from __future__ import annotations

import asyncio
import gzip
import zlib

import pytest

from daemon.core.clock import FakeClock, SystemClock
from daemon.web.body import LIMIT
from daemon.web.budget import MEBI, Budget
from tests.intake.bodies import alert, body, recorded
from tests.web.rig import Rig, Starter, drive, unavailable

HEAD = b"POST /hooks/open HTTP/1.1\r\nHost: localhost\r\n"
FIRING = recorded("firing")


def padded(size: int) -> bytes:
    """A good body of exactly that size."""
    empty = body(alert(annotations={"summary": ""}))
    return body(alert(annotations={"summary": "x" * (size - len(empty))}))


async def test_64_mebibytes_are_taken_and_one_byte_more_is_not(rig: Rig) -> None:
    """The limit is exact, whether the size is announced or not."""
    largest = padded(LIMIT)
    assert (await rig.post("/hooks/open", largest)).status == 200
    answer = await rig.post("/hooks/open", padded(LIMIT + 1))
    assert answer.status == 413
    assert "67108864 bytes" in answer.json["detail"]
    assert len(rig.shelf.reports) == 1
    assert rig.shelf.kept[0][:2] == ("open", "larger than 67108864 bytes unpacked")
    assert rig.budget.used == 0


async def test_row_43_an_unannounced_size_is_limited_too(starter: Starter) -> None:
    """Chunks are counted as they come."""
    rig = await starter(limit=MEBI)
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    answer = await rig.raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 17)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nConnection: close\r\n" in answer
    ((_, _, kept),) = rig.shelf.kept
    assert kept == b"x" * 65536


async def test_an_announced_size_is_refused_before_it_is_sent(rig: Rig) -> None:
    """Nobody has to send 100 MB to learn that it is too much."""
    answer = await rig.raw(HEAD + b"Content-Length: 100000000\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("keep_fails", [False, True])
async def test_413_does_not_depend_on_the_store(starter: Starter, keep_fails: bool) -> None:
    """The same body would be too large again."""
    rig = await starter(limit=1000)
    if keep_fails:
        rig.shelf.refusal = unavailable()
    assert (await rig.post("/hooks/open", padded(1001))).status == 413


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(FIRING)),
        ("x-gzip", gzip.compress(FIRING)),
        ("GZIP", gzip.compress(FIRING)),
        ("deflate", zlib.compress(FIRING)),
        ("deflate", zlib.compress(FIRING)[2:-4]),
        ("identity", FIRING),
    ],
)
async def test_packed_bodies_are_unpacked(rig: Rig, encoding: str, packed: bytes) -> None:
    """gzip, and deflate in both its forms."""
    answer = await rig.post("/hooks/open", packed, headers={"Content-Encoding": encoding})
    assert (answer.status, len(rig.shelf.reports)) == (200, 1)


async def test_a_large_packed_body_arrives_whole(rig: Rig) -> None:
    """Slices and chunks do not lose a byte."""
    sent = padded(5 * MEBI)
    answer = await rig.post("/hooks/open", gzip.compress(sent, 1), headers={"Content-Encoding": "gzip"})
    assert answer.json["alerts"] == 1


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        (FIRING, "damaged"),
        (gzip.compress(FIRING)[:-20], "ends too early"),
        (gzip.compress(FIRING)[:-1], "ends too early"),
        (gzip.compress(FIRING)[:-8] + b"12345678", "damaged"),
        (gzip.compress(FIRING) + b"more", "behind the end"),
        (gzip.compress(FIRING) * 2, "behind the end"),
    ],
)
async def test_damaged_packing_is_refused_with_a_reason(rig: Rig, packed: bytes, reason: str) -> None:
    """No half of a body is taken for the whole."""
    answer = await rig.post("/hooks/open", packed, headers={"Content-Encoding": "gzip"})
    assert answer.status == 400
    assert reason in answer.json["detail"]
    assert rig.shelf.reports == []
    assert len(rig.shelf.kept) == 1


async def test_an_unknown_packing_is_named(rig: Rig) -> None:
    """415, and an operator is told: alerts are being lost."""
    answer = await rig.post("/hooks/open", b"x", headers={"Content-Encoding": "br"})
    assert answer.status == 415
    assert rig.shelf.kept == [("open", "unknown Content-Encoding br", b"")]


async def test_row_43_a_gzip_bomb_is_413_and_memory_stays(rig: Rig) -> None:
    """A hundred kilobytes that unpack to a hundred megabytes stop at the limit."""
    machine = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(machine.compress(bytes(MEBI)) for _ in range(100)) + machine.flush()
    answer = await rig.post("/hooks/open", bomb, headers={"Content-Encoding": "gzip"})
    assert answer.status == 413
    assert rig.budget.used == 0


async def test_row_43_a_stalled_body_is_408_after_ten_seconds(starter: Starter) -> None:
    """That sender is answered and cut off, an operator is told, others go on meanwhile."""
    clock = FakeClock()
    rig = await starter(clock=clock)
    asking = asyncio.create_task(rig.raw(HEAD + b"Content-Length: 100\r\n\r\n" + b"{"))
    clock.advance(9_000)
    assert (await rig.post("/hooks/open", FIRING)).status == 200
    await drive(clock, asking)
    answer = asking.result()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"\r\nConnection: close\r\n" in answer
    assert rig.shelf.kept == [("open", "the body stalled or took too long", b"{")]
    assert ("open", 408) in rig.counted.answers


async def test_row_43_a_dribbled_body_is_408_after_a_minute(starter: Starter) -> None:
    """A byte now and then is progress, but not for ever."""
    clock = FakeClock()
    rig = await starter(clock=clock)
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.listener.port)
    writer.write(HEAD + b"Content-Length: 1000\r\n\r\n")
    answering = asyncio.create_task(reader.read())
    began = clock.monotonic()
    while not answering.done():
        writer.write(b" ")
        await SystemClock().sleep(0.005)
        clock.advance(1_000)
    assert answering.result().startswith(b"HTTP/1.1 408 ")
    assert 55 < clock.monotonic() - began < 70
    writer.close()


async def test_row_43_many_stalled_senders_do_not_disturb_the_others(starter: Starter) -> None:
    """300 slow connections, and a webhook is taken at once."""
    rig = await starter()
    slow = []
    for number in range(300):
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.listener.port)
        # A third is slow in the request line, a third in the headers, a third in the body.
        writer.write([b"PO", HEAD, HEAD + b"Content-Length: 9\r\n\r\n{"][number % 3])
        slow.append((reader, writer))
    for _ in range(20):
        assert (await rig.post("/hooks/open", FIRING)).status == 200
    for _, writer in slow:
        writer.close()


async def test_large_bodies_in_flight_share_a_budget(starter: Starter) -> None:
    """Beyond it 503, not a dead process; small ones still find room."""
    rig = await starter(budget=Budget(40 * MEBI))
    rig.shelf.gate = asyncio.Event()
    large = padded(20 * MEBI)
    first = asyncio.create_task(rig.post("/hooks/open", large))
    await rig.shelf.entered.wait()
    assert (await rig.post("/hooks/open", large)).status == 503
    small = asyncio.create_task(rig.post("/hooks/open", padded(7 * MEBI)))
    rig.shelf.entered.clear()
    await rig.shelf.entered.wait()
    rig.shelf.gate.set()
    assert (await first).status == (await small).status == 200
    assert rig.budget.used == 0
    assert (await rig.post("/hooks/open", large)).status == 200


REFUSED = (b"HTTP/1.1 400 ", b"HTTP/1.0 400 ")
"""aiohttp answers to what it cannot read in the oldest version."""

SMUGGLING = {
    "two lengths": b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}   ",
    "two equal lengths": b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n{}   ",
    "a list of lengths": b"Content-Length: 5, 5\r\n\r\n{}   ",
    "length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "negative length": b"Content-Length: -1\r\n\r\n",
    "signed length": b"Content-Length: +5\r\n\r\n{}   ",
    "hexadecimal length": b"Content-Length: 0x5\r\n\r\n{}   ",
    "chunked twice": b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "other coding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked not last": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "space before colon": b"Content-Length : 5\r\n\r\n{}   ",
    "folded header": b"X-A: 1\r\n Content-Length: 5\r\n\r\n{}   ",
    "bare line feed": b"X-A: 1\nContent-Length: 5\r\n\r\n{}   ",
    "bad chunk size": b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "negative chunk": b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
    "chunk without end": b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}xx0\r\n\r\n",
    "huge chunk size": b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 64 + b"\r\n",
    "two hosts": b"Host: evil.example\r\nContent-Length: 2\r\n\r\n{}",
    "nul in header": b"X-A: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
    "endless header": b"X-A: " + b"a" * 100_000 + b"\r\n\r\n",
    "many headers": b"X-A: b\r\n" * 1_000 + b"\r\n",
}


@pytest.mark.parametrize("name", SMUGGLING)
async def test_ambiguous_requests_are_refused_and_cut_off(rig: Rig, name: str) -> None:
    """A second request cannot hide in the first: 400 for all, and nothing after it is read."""
    hidden = (
        b"POST /hooks/open HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(FIRING) + FIRING
    )
    answer = await rig.raw(HEAD + SMUGGLING[name] + hidden)
    assert answer.startswith(REFUSED), answer
    assert b"\r\nContent-Type: application/problem+json\r\n" in answer
    assert answer.count(b"HTTP/1.") == 1
    assert rig.shelf.reports == []
    assert (await rig.post("/hooks/open", FIRING)).status == 200


@pytest.mark.parametrize(
    "sent",
    [b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/9.9\r\n\r\n", b"\x00" * 100, b"HELO there\r\n\r\n"],
    ids=["tls", "version", "zeros", "mail"],
)
async def test_what_is_not_http_is_answered_politely(rig: Rig, sent: bytes) -> None:
    """A TLS hello or a mail client gets 400 and no look inside."""
    answer = await rig.raw(sent)
    assert answer.startswith(REFUSED), answer
    assert b"aiohttp" not in answer
    assert b"Server: tocsin" in answer


async def test_a_sender_that_hangs_up_leaves_nothing_behind(rig: Rig) -> None:
    """Half a body is no body."""
    _, writer = await asyncio.open_connection("127.0.0.1", rig.listener.port)
    writer.write(HEAD + b"Content-Length: 1000\r\n\r\n" + FIRING[:100])
    await writer.drain()
    await SystemClock().sleep(0.02)
    writer.close()
    while rig.budget.used or not rig.counted.answers:
        await SystemClock().sleep(0.005)
    assert rig.shelf.reports == []
    assert rig.counted.errors == []
