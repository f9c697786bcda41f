"""The door for bounces: whom it lets in, what it says, and what no visitor can do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiosmtplib
import pytest

from channels.tokens import Tokens
from daemon.bounces.listener import MESSAGE_BYTES, MOST_CONNECTIONS, BounceListener
from daemon.core.errors import Unavailable
from daemon.core.suppression import Taken
from tests.bounces.notices import ANSWER, notice

KEY = "0123456789abcdef" * 2
TOKENS = Tokens("the-secret-of-this-test-alone")
OURS = f"b+{TOKENS.of_delivery(KEY)}@bounces.example.com"


def read(address: str) -> str | None:
    return TOKENS.delivery(address.lower().removeprefix("b+").removesuffix("@bounces.example.com"))


Say = Callable[[str | bytes], Awaitable[bytes]]


class Desk:
    """Takes in what comes, or is away."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, str]] = []
        self.told: list[Taken | None] = []
        self.fails: Exception | None = None

    async def take_in(self, channel: str, key: str, status: str, detail: str) -> Taken:
        if self.fails is not None:
            raise self.fails
        self.heard.append((channel, key, status))
        return Taken.suppressed


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def listener(desk: Desk) -> AsyncIterator[BounceListener]:
    def told(channel: str, taken: Taken | None) -> None:
        desk.told.append(taken)

    found = BounceListener({"mail": read}, desk.take_in, told, "127.0.0.1", 0)
    await found.start()
    yield found
    await found.stop()


@asynccontextmanager
async def visit(listener: BounceListener) -> AsyncIterator[Say]:
    """One connection; the function sends a line and returns the whole answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    await reader.readline()

    async def say(line: str | bytes) -> bytes:
        writer.write(line.encode() + b"\r\n" if isinstance(line, str) else line)
        answer = await reader.readline()
        while answer[3:4] == b"-":
            answer = await reader.readline()
        return answer

    yield say
    writer.close()


async def deliver(listener: BounceListener, content: bytes, to: str = OURS, sender: str = "") -> int:
    """By the client that everybody uses; the code of the last answer."""
    smtp = aiosmtplib.SMTP(hostname="127.0.0.1", port=listener.port, start_tls=False, timeout=10)
    await smtp.connect()
    try:
        await smtp.ehlo()
        for line in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{to}>"):
            answer = await smtp.execute_command(line.encode())
            if answer.code != 250:
                return answer.code
        return (await smtp.data(content)).code
    except aiosmtplib.SMTPDataError as error:
        return error.code
    finally:
        smtp.close()


async def test_a_notice_to_our_return_path_is_taken(listener: BounceListener, desk: Desk) -> None:
    """Channel, delivery and status reach the desk, also where a mail system wrote the address in capitals."""
    assert await deliver(listener, notice("5.1.1", envelope=KEY)) == 250
    assert await deliver(listener, notice("4.4.1"), to=OURS.upper()) == 250
    assert desk.heard == [("mail", KEY, "5.1.1"), ("mail", KEY, "4.4.1")]
    assert desk.told == [Taken.suppressed] * 2


async def test_a_forged_address_is_refused(listener: BounceListener, desk: Desk) -> None:
    """Nobody without the secret makes an address that is ours; strangers' mail is not even read."""
    raw = KEY + b"0123456789".hex()
    for to in (
        f"b+{raw}@bounces.example.com",
        "postmaster@bounces.example.com",
        "ann@example.org",
        OURS + "x",
    ):
        assert await deliver(listener, notice("5.1.1"), to=to) == 550
    assert desk.heard == []


async def test_people_and_loops_are_refused(listener: BounceListener, desk: Desk) -> None:
    """A notice has no sender; what has one is an answer, or a loop."""
    assert await deliver(listener, notice("5.1.1"), sender="ann@example.org") == 550
    assert desk.told == []


async def test_what_tells_of_no_failure_is_taken_and_dropped(listener: BounceListener, desk: Desk) -> None:
    """An answer from a holiday, a delay, and a notice about another mail: 250, and nothing is done."""
    for content in (ANSWER, notice("4.4.1", action="delayed"), notice("5.1.1", envelope="f" * 32)):
        assert await deliver(listener, content) == 250
    assert desk.heard == []
    assert desk.told == [None] * 3


async def test_a_store_that_is_away_asks_for_the_notice_again(listener: BounceListener, desk: Desk) -> None:
    """451: the mail system keeps it; a fault of ours loses nothing either."""
    desk.fails = Unavailable("full")
    assert await deliver(listener, notice("5.1.1")) == 451
    desk.fails = RuntimeError("ours")
    assert await deliver(listener, notice("5.1.1")) == 451
    desk.fails = None
    assert await deliver(listener, notice("5.1.1")) == 250


async def test_it_speaks_lmtp_too(listener: BounceListener, desk: Desk) -> None:
    """The same conversation with LHLO; a second recipient is asked to come in a mail of its own."""
    async with visit(listener) as say:
        assert (await say("LHLO mx.example.org")).startswith(b"250")
        assert (await say("MAIL FROM:<>")).startswith(b"250")
        assert (await say(f"RCPT TO:<{OURS}>")).startswith(b"250")
        assert (await say(f"RCPT TO:<{OURS}>")).startswith(b"452")
        assert (await say("DATA")).startswith(b"354")
        assert (await say(notice("5.1.1") + b".\r\n")).startswith(b"250")
    assert desk.heard == [("mail", KEY, "5.1.1")]


async def test_a_giant_is_refused(listener: BounceListener, desk: Desk) -> None:
    """Beyond the limit the mail is not kept in memory, and the door stays open for others."""
    big = notice("5.1.1") + b"x" * 70 + (b"\r\n" + b"x" * 70) * (MESSAGE_BYTES // 70)
    assert await deliver(listener, big) == 552
    assert desk.heard == []
    assert await deliver(listener, notice("5.1.1")) == 250


async def test_a_crowd_does_not_fill_the_house(listener: BounceListener) -> None:
    """One connection too many hears 421; when one has gone there is room again."""
    pairs = [await asyncio.open_connection("127.0.0.1", listener.port) for _ in range(MOST_CONNECTIONS)]
    greetings = [await reader.readline() for reader, _ in pairs]
    assert {line[:3] for line in greetings} == {b"220"}
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    assert (await reader.readline()).startswith(b"421")
    for _, other in pairs:
        other.close()
    for _, other in pairs:
        await other.wait_closed()
    writer.close()
    async with visit(listener) as say:
        assert (await say("NOOP")).startswith(b"250")
