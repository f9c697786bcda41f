"""The connections to a relay: few, used again, given up in time, and never a source of doubt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from channels.email import EmailChannel
from channels.email_settings import Settings
from channels.smtp_pool import MOST_MAILS, OLDEST, RESTS
from daemon.core.clock import FakeClock
from daemon.core.ports import Outcome, Reason, Rejected, Retry, Sent
from tests.channels.posts import post, settings
from tests.fakes.raw import tick
from tests.fakes.smtp import MailFault, MailSink

TO = "team@example.com"


@pytest.fixture
async def channel(
    relay: MailSink, session: aiohttp.ClientSession, clock: FakeClock
) -> AsyncIterator[EmailChannel]:
    found = settings(
        name="m", kind="email", host="127.0.0.1", port=relay.port, sender="s@example.com", recipients=[TO],
        timeout=5, connections=2,
    )  # fmt: skip
    assert isinstance(found, Settings)
    made = EmailChannel(found, session, clock)
    yield made
    await made.close()


async def send(channel: EmailChannel) -> Outcome:
    return await channel.send(channel.render(post(), TO), None, "key-1")


async def test_a_crowd_shares_a_few_connections(channel: EmailChannel, relay: MailSink) -> None:
    """However many mails wait, no more connections than configured, and every mail arrives once."""
    outcomes = await asyncio.gather(*(send(channel) for _ in range(30)))
    assert {type(outcome) for outcome in outcomes} == {Sent}
    assert len(relay.posts) == 30
    assert relay.connections == 2


async def test_a_connection_ends_after_a_hundred_mails(channel: EmailChannel, relay: MailSink) -> None:
    """The mail after the last one that a connection carries goes out on a new one."""
    for _ in range(MOST_MAILS):
        await send(channel)
    assert relay.connections == 1
    assert isinstance(await send(channel), Sent)
    assert relay.connections == 2


async def test_an_old_connection_is_not_used(
    channel: EmailChannel, relay: MailSink, clock: FakeClock
) -> None:
    """After a minute a new connection is made."""
    await send(channel)
    clock.advance(int(OLDEST * 1000))
    assert isinstance(await send(channel), Sent)
    assert relay.connections == 2


async def test_an_unused_connection_is_ended(
    channel: EmailChannel, relay: MailSink, clock: FakeClock
) -> None:
    """A relay's place is not kept for nothing: two looks without a mail, and we say goodbye."""
    await send(channel)
    for _ in range(2):
        assert relay.open_connections == 1
        await tick(0)
        clock.advance(int(RESTS * 1000))
        await tick(0.1)
    assert relay.open_connections == 0


async def test_a_refusal_costs_no_connection(channel: EmailChannel, relay: MailSink) -> None:
    """After each kind of refusal the next mail goes out on the same connection, with nothing of the first."""
    relay.refuse("gone@example.com", "550 5.1.1 who")
    for refused in ("rcpt", "dot"):
        if refused == "dot":
            relay.script(MailFault("dot", "554 5.6.0 no"))
        to = "gone@example.com" if refused == "rcpt" else TO
        outcome = await channel.send(channel.render(post(), to), None, "key-1")
        assert isinstance(outcome, Rejected)
        assert isinstance(await send(channel), Sent)
    assert [stored["recipient"] for stored in relay.posts] == [TO, TO]
    assert relay.connections == 1


async def test_a_relay_that_goes_away_is_left(channel: EmailChannel, relay: MailSink) -> None:
    """421 ends the connection; the next mail makes a new one."""
    relay.script(MailFault("rcpt", "421 4.3.2 bye"))
    assert isinstance(await send(channel), Retry)
    assert isinstance(await send(channel), Sent)
    assert relay.connections == 2


async def test_a_connection_that_was_closed_meanwhile_is_no_doubt(
    channel: EmailChannel, relay: MailSink
) -> None:
    """Seen before: a new one is made.  Seen at MAIL: nothing was sent, so Retry and never Unknown."""
    await send(channel)
    await relay.stop()
    await relay.start()
    assert isinstance(await send(channel), Sent)
    relay.script(MailFault("mail", drops=True))
    outcome = await send(channel)
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.network
    assert isinstance(await send(channel), Sent)
    assert len(relay.posts) == 3


async def test_waiting_for_a_connection_is_no_doubt(
    relay: MailSink, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """A mail that never got a connection was not sent, and says so."""
    found = settings(
        name="m", kind="email", host="127.0.0.1", port=relay.port, sender="s@example.com", recipients=[TO],
        timeout=0.3, connections=1,
    )  # fmt: skip
    assert isinstance(found, Settings)
    channel = EmailChannel(found, session, clock)
    relay.script(*[MailFault("mail", hangs=True)] * 2)  # the second is for the one that got it in time
    outcomes = await asyncio.gather(send(channel), send(channel))
    assert [type(outcome) for outcome in outcomes] == [Retry, Retry]
    relay.faults.clear()
    assert isinstance(await send(channel), Sent)  # and no place was lost
    assert len(relay.posts) == 1
    await channel.close()


async def test_a_cancelled_mail_takes_its_connection_with_it(channel: EmailChannel, relay: MailSink) -> None:
    """Nobody knows where in a mail such a connection is, so it is never used again."""
    relay.script(MailFault("data", hangs=True), MailFault("data", hangs=True))
    for _ in range(2):
        task = asyncio.create_task(send(channel))
        await tick(0.1)
        task.cancel()
        assert isinstance((await asyncio.gather(task, return_exceptions=True))[0], asyncio.CancelledError)
    assert isinstance(await send(channel), Sent)
    assert len(relay.posts) == 1
    assert relay.connections == 3


async def test_closing_says_goodbye(channel: EmailChannel, relay: MailSink) -> None:
    """At the end nothing is left open."""
    await send(channel)
    await channel.close()
    await tick(0.05)
    assert relay.open_connections == 0
