"""Apprise: the real library against loopback; its no is a doubt, its addresses are secrets."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import structlog
from pydantic import ValidationError

from channels import apprise_service
from channels.apprise import AppriseChannel, Settings
from daemon.core.clock import FakeClock
from daemon.core.ports import CannotTell, Reason, Ref, Retry, Sent, Unknown
from daemon.core.words import Audience
from tests.channels.posts import post, settings
from tests.fakes import faults
from tests.fakes.apprise import ADDRESS, SECRET, FakeAppriseTarget
from tests.fakes.faults import Fault
from tests.fakes.raw import raw_server, tick

LINK = "https://status.example.com/incidents/abc123def456"
LIMITED = {
    "a text message": "sns://AKIAAAAAAAAAAAAAAAAA/secretsecretsecretsecretsecretsecretsecre/us-east-1/+15551234567",
    "mail in HTML": "mailto://user:secret@example.com",
    "a chat": "discord://123456789/secretsecretsecretsecret",
    "a title apart": "ntfy://user:secret@localhost/topic",
}


@pytest.fixture
async def target(clock: FakeClock) -> AsyncIterator[FakeAppriseTarget]:
    async with FakeAppriseTarget(clock=clock) as fake:
        yield fake


def channel_of(
    address: str, session: aiohttp.ClientSession, clock: FakeClock, **fields: Any
) -> AppriseChannel:
    found = settings(name="bridge", kind="apprise", url=address, **{"timeout": 10.0, **fields})
    assert isinstance(found, Settings)
    return AppriseChannel(found, session, clock)


@pytest.mark.parametrize("form", ["address", "ntfy"])
async def test_a_post_arrives_once(
    form: str, target: FakeAppriseTarget, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Title, where it stands, words and link, by two of Apprise's plugins; and no id comes back."""
    channel = channel_of(getattr(target, form), session, clock)
    assert await channel.check() is None
    assert target.calls == []
    assert await channel.send(channel.render(post()), None, "key-1") == Sent(Ref({}))
    [held] = target.posts
    assert held["title"] == "Checkout errors"
    assert held["message"] == (
        f"Investigating · major impact\nSome orders fail at the moment. We are looking into it. {LINK}"
    )
    assert held["type"] == {"address": "warning", "ntfy": "topic"}[form]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(401),
        Fault(404),
        Fault(429),
        faults.html_502,
        faults.cut_before_answer,
        Fault(302, "", {"Location": "/x"}),
    ],
    ids=["401", "404", "429", "502", "cut", "302"],
)
async def test_every_failure_is_a_doubt(
    fault: Fault, target: FakeAppriseTarget, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """A wrong token and a lost answer look alike, so nothing is proof and nothing is tried again."""
    channel = channel_of(target.address + "?retry=3&optional=yes&wait=0.1", session, clock)
    target.script(fault)
    outcome = await channel.send(channel.render(post()), None, "key-1")
    assert outcome == Unknown(Reason.server, "Apprise says that it failed, and not at what")
    assert len(target.tried) == 1
    assert channel.capabilities.on_doubt == "hold"
    found = await channel.find(channel.render(post()), "key-1", clock.now(), None)
    assert isinstance(found, CannotTell)


async def test_nobody_there_is_a_doubt_too(session: aiohttp.ClientSession, clock: FakeClock) -> None:
    """Apprise does not say that it never got through."""
    async with FakeAppriseTarget() as gone:
        channel = channel_of(gone.address, session, clock)
    assert isinstance(await channel.send(channel.render(post()), None, "key-1"), Unknown)


async def test_a_call_that_does_not_end_is_given_up(session: aiohttp.ClientSession, clock: FakeClock) -> None:
    """Unknown at the deadline; nothing is sent beside it; when it ends the log says how, and it goes on."""
    enough, ended = asyncio.Event(), asyncio.Event()
    calls = 0

    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not enough.is_set():
            writer.write(b"x")
            await writer.drain()
            await tick(0.02)
        writer.write(b"\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with raw_server(trickle) as port:
        channel = channel_of(f"json://127.0.0.1:{port}/{SECRET}", session, clock, timeout=0.3)
        payload = channel.render(post())
        with structlog.testing.capture_logs() as lines:
            outcome = await channel.send(payload, None, "key-1")
            assert outcome == Unknown(Reason.timeout, "no end in time; the call goes on by itself")
            beside = await channel.send(payload, None, "key-2")
            assert isinstance(beside, Retry)
            assert calls == 1
            call = channel._call
            assert call is not None
            call.add_done_callback(lambda _: loop.call_soon_threadsafe(ended.set))
            loop = asyncio.get_running_loop()
            enough.set()
            await ended.wait()
        assert lines == [
            {
                "event": "a call that was given up has ended",
                "log_level": "warning",
                "channel": "bridge",
                "key": "key-1",
                "accepted": True,
            }
        ]
        assert isinstance(await channel.send(payload, None, "key-2"), Sent)


async def test_a_plugin_that_raises_is_a_doubt(
    session: aiohttp.ClientSession, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its words are not repeated: they may hold the address."""
    channel = channel_of(ADDRESS, session, clock)

    def broken(**_: object) -> bool:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(channel._service, "notify", broken)
    outcome = await channel.send(channel.render(post()), None, "key-1")
    assert outcome == Unknown(Reason.other, "Apprise raised RuntimeError")


async def test_the_address_appears_nowhere(
    target: FakeAppriseTarget,
    session: aiohttp.ClientSession,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Not in outcomes, logs at DEBUG, recipients, payloads or repr; not even the part that is a token."""
    caplog.set_level(logging.DEBUG)
    channel = channel_of(target.address, session, clock)
    payload = channel.render(post())
    said = [repr(channel), repr(channel.settings), repr(channel.recipients()), repr(payload)]
    for fault in (Fault(401), Fault(500, SECRET), faults.cut_before_answer):
        target.script(fault)
        said.append(repr(await channel.send(payload, None, "key-1")))
    await target.stop()
    said += [repr(await channel.send(payload, None, "key-1")), repr(await channel.check())]
    assert SECRET not in "\n".join([*said, caplog.text])
    assert channel.recipients() == ("",)
    assert channel.capabilities.secrets == ("url",)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (f"nosuch://{SECRET}", "no address of a service that Apprise knows"),
        (SECRET, "no address of a service that Apprise knows"),
        (f"ntfy://user:{SECRET}@localhost/one/two", "of 2 targets"),
    ],
)
def test_a_wrong_address_is_told_without_repeating_it(
    address: str, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    """When the configuration is read, so with file and line; nothing of it is shown."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ValidationError, match=says) as found:
        settings(name="bridge", kind="apprise", url=address)
    assert SECRET not in str(found.value) + caplog.text


def test_without_the_extra_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is not there: one line that says what to install."""
    monkeypatch.setattr(apprise_service, "find_spec", {"apprise": None}.get)
    with pytest.raises(ValidationError, match=r"pip install 'tocsin\[apprise\]'"):
        settings(name="bridge", kind="apprise", url=ADDRESS)


def test_the_library_is_not_loaded_for_nothing() -> None:
    """It costs 45 MiB: who has no such channel does not pay."""
    code = "import sys, channels.registry; sys.exit('apprise' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 0


@pytest.mark.parametrize("address", LIMITED.values(), ids=LIMITED)
async def test_long_words_are_one_message(
    address: str, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Cut by us to the service's limits: Apprise, told to split what is too long, would have one piece."""
    channel = channel_of(address, session, clock, audience="internal")
    facts = {f"label{number}": "v" * 150 for number in range(12)}
    for text in ('Some <b>orders</b> & "more" fail. ' * 2_000, "short"):
        payload = channel.render(
            post(title="T" * 400, text=text, facts=facts, audience=Audience.internal, mention="@comms")
        )
        calls = list(
            channel._service._build_send_calls(
                body=payload["body"], title=payload["title"], body_format="text", overflow="split"
            )
        )
        assert len(calls) == 1
        assert len(payload["title"]) <= max(channel._service.title_maxlen, 0)
        assert LINK in payload["body"]


def test_the_rate_is_the_services(session: aiohttp.ClientSession, clock: FakeClock) -> None:
    """Apprise would sleep between two calls; the outbox waits instead, and may be told another rate."""
    assert channel_of(LIMITED["mail in HTML"], session, clock).capabilities.per_minute == pytest.approx(
        60 / 5.5
    )
    assert channel_of(ADDRESS, session, clock).capabilities.per_minute is None
    assert channel_of(ADDRESS, session, clock, per_minute=7).capabilities.per_minute == 7
