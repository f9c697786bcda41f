"""What every HTTP channel owes the outbox: the fault matrix, and silence about secrets.

A new kind is one entry in ``KINDS``; everything here then holds for it too.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import pytest
import structlog

from channels import registry
from daemon.core.clock import FakeClock
from daemon.core.ports import (
    CannotTell,
    Channel,
    NotThere,
    Outcome,
    Payload,
    Post,
    Reason,
    Ref,
    Rejected,
    Retry,
    Scope,
    Sent,
    Unknown,
)
from daemon.core.words import Audience
from tests.channels.posts import post, settings
from tests.fakes import (
    cachet,
    discord,
    faults,
    instatus,
    sms_gateway,
    statuspage_io,
    teams,
    telegram,
    twilio,
    webhook,
)
from tests.fakes.bluesky import HANDLE, PASSWORD, FakeBluesky
from tests.fakes.cachet import FakeCachet
from tests.fakes.discord import FakeDiscord
from tests.fakes.faults import HTML, JSON, Fault
from tests.fakes.hosted import PAGE
from tests.fakes.instatus import FakeInstatus
from tests.fakes.mastodon import TOKEN as MASTODON_TOKEN
from tests.fakes.mastodon import FakeMastodon
from tests.fakes.raw import raw_server
from tests.fakes.server import FakeServer
from tests.fakes.slack import CHANNEL, HOOK, TOKEN, FakeSlack
from tests.fakes.sms_gateway import FakeGateway
from tests.fakes.statuspage_io import FakeStatuspage
from tests.fakes.teams import FakeTeams
from tests.fakes.telegram import FakeTelegram
from tests.fakes.twilio import FakeTwilio
from tests.fakes.webhook import FakeReceiver
from tests.fakes.x import KEYS, FakeX

EDITING = ("discord-bot", "discord-webhook", "slack-bot", "telegram")
PATIENCE = 10.0  # seconds that a call may take on a busy machine
SHORT = 1.0  # seconds for a call that nobody will answer


@dataclass(frozen=True)
class Kind:
    """How a kind is built against a base address, and how its provider is faked."""

    fake: Callable[[FakeClock], FakeServer]
    fields: Callable[[str], dict[str, Any]]
    secrets: tuple[str, ...]
    done: str  # how a good answer begins that then goes on for megabytes
    cut: type[Outcome]  # what that comes to
    silence: type[Retry | Unknown] = Unknown  # what no answer at all comes to: Retry after a look or log-in
    calls: int = 2  # that one attempt makes at most; they share its time
    differs: dict[str, Case] = field(default_factory=dict)  # rows of the matrix that mean something else here


@dataclass(frozen=True)
class Case:
    """A fault and what must come of it; ``held`` is how many posts the provider then has."""

    fault: Fault
    outcome: type[Outcome]
    reason: Reason
    held: int
    scope: Scope | None = None
    after: float | None = None


ODD_2XX = {
    "200 with half a JSON": faults.invalid_json_200,
    "201 without JSON": faults.invalid_json_201,
    "200 with nothing": faults.empty_200,
    "200 with a page": Fault(200, "<html>hello", HTML, stores=True),
    "200 with a list": Fault(200, "[1]", JSON, stores=True),
    "200 nested too deep": Fault(200, "[" * 60_000, JSON, stores=True),
    "201 with an error object": Fault(201, '{"errors": [{"message": "odd"}]}', JSON, stores=True),
}
"""Answers that may mean success, and do not say so in a provider's words."""

KINDS = {
    "bluesky": Kind(
        lambda clock: FakeBluesky(clock=clock),
        lambda url: {"kind": "bluesky", "api_url": url, "identifier": HANDLE, "app_password": PASSWORD},
        (PASSWORD,),
        '{"uri": "at://x", "cid": "b"',
        Unknown,
        silence=Retry,
        calls=1,
    ),
    "mastodon": Kind(
        lambda clock: FakeMastodon(clock=clock),
        lambda url: {"kind": "mastodon", "api_url": url, "token": MASTODON_TOKEN},
        (MASTODON_TOKEN,),
        '{"id": "1"',
        Unknown,
    ),
    "cachet": Kind(
        lambda clock: FakeCachet(clock=clock),
        lambda url: {
            "kind": "cachet",
            "api_url": f"{url}/api",
            "token": cachet.TOKEN,
            "components": {"checkout": 1},
        },
        (cachet.TOKEN,),
        '{"data": {"id": "1"}',
        Unknown,
        silence=Retry,
    ),
    "instatus": Kind(
        lambda clock: FakeInstatus(clock=clock),
        lambda url: {
            "kind": "instatus",
            "api_url": url,
            "page": PAGE,
            "token": instatus.TOKEN,
            "components": {"checkout": "part1"},
        },
        (instatus.TOKEN,),
        '{"id": "1"',
        Unknown,
        silence=Retry,
    ),
    "statuspage_io": Kind(
        lambda clock: FakeStatuspage(clock=clock),
        lambda url: {
            "kind": "statuspage_io",
            "api_url": f"{url}/v1",
            "page": PAGE,
            "token": statuspage_io.TOKEN,
            "components": {"checkout": "part1"},
        },
        (statuspage_io.TOKEN,),
        '{"id": "1"',
        Unknown,
        silence=Retry,
    ),
    "discord-bot": Kind(
        lambda clock: FakeDiscord(clock=clock),
        lambda url: {
            "kind": "discord",
            "token": discord.TOKEN,
            "channel": discord.CHANNEL,
            "api_url": f"{url}/api/v10",
        },
        (discord.TOKEN,),
        '{"id": "1", "channel_id": "2"',
        Unknown,
        calls=1,
    ),
    "discord-webhook": Kind(
        lambda clock: FakeDiscord(clock=clock),
        lambda url: {"kind": "discord", "webhook_url": url + discord.HOOK},
        (discord.HOOK, discord.HOOK.rpartition("/")[2]),
        '{"id": "1", "channel_id": "2"',
        Unknown,
        calls=1,
    ),
    "slack-bot": Kind(
        lambda clock: FakeSlack(clock=clock),
        lambda url: {"kind": "slack", "token": TOKEN, "channel": CHANNEL, "api_url": f"{url}/api"},
        (TOKEN,),
        '{"ok": true, "ts": "1.0"',
        Unknown,
    ),
    "slack-webhook": Kind(
        lambda clock: FakeSlack(clock=clock),
        lambda url: {"kind": "slack", "webhook_url": url + HOOK},
        (HOOK, HOOK.rpartition("/")[2]),
        "ok",
        Sent,
    ),
    "sms-twilio": Kind(
        lambda clock: FakeTwilio(clock=clock),
        lambda url: {
            "kind": "sms",
            "account": twilio.ACCOUNT,
            "secret": twilio.SECRET,
            "sender": twilio.SENDER,
            "recipients": [twilio.TO],
            "api_url": url,
        },
        (twilio.SECRET,),
        '{"sid": "SM1", "status": "queued"',
        Unknown,
        calls=1,
    ),
    "sms-request": Kind(
        lambda clock: FakeGateway(clock=clock),
        lambda url: {
            "kind": "sms",
            "secret": sms_gateway.TOKEN,
            "recipients": [twilio.TO],
            "request": {"url": f"{url}/json", **sms_gateway.FIELDS},
        },
        (sms_gateway.TOKEN,),
        '{"messages": [{"id": 1, "status": "0"}',
        Unknown,
        calls=1,
    ),
    "teams": Kind(
        lambda clock: FakeTeams(clock=clock),
        lambda url: {"kind": "teams", "webhook_url": url + teams.HOOK},
        (teams.HOOK, teams.SIGNATURE, teams.FLOW),
        "started",
        Unknown,
        calls=1,
    ),
    "telegram": Kind(
        lambda clock: FakeTelegram(clock=clock),
        lambda url: {"kind": "telegram", "token": telegram.TOKEN, "chat": telegram.CHAT, "api_url": url},
        (telegram.TOKEN,),
        '{"ok": true, "result": {"message_id": 1',
        Unknown,
    ),
    "webhook": Kind(
        lambda clock: FakeReceiver(clock=clock),
        lambda url: {
            "kind": "webhook",
            "url": url + webhook.PATH,
            "secret": webhook.SECRET,
            "networks": ["127.0.0.0/8"],
        },
        (webhook.SECRET, webhook.PATH),
        "whatever",
        Sent,
        calls=1,
        differs={
            **{name: Case(fault, Sent, Reason.other, 1) for name, fault in ODD_2XX.items()},
            "404": Case(Fault(404, "no", HTML), Retry, Reason.gone, 0),
        },
    ),
    "x": Kind(
        lambda clock: FakeX(clock=clock),
        lambda url: {"kind": "x", "api_url": url, **KEYS},
        tuple(KEYS.values()),
        '{"data": {"id": "1"}',
        Unknown,
    ),
}


def _limited(headers: dict[str, str], after: float | None, body: str = "") -> Case:
    return Case(Fault(429, body, headers), Retry, Reason.rate_limited, 0, after=after)


MATRIX = {
    "time-out before it stored": Case(faults.hang_before, Unknown, Reason.timeout, 0),
    "time-out after it stored": Case(faults.hang_after, Unknown, Reason.timeout, 1),
    "cut after it stored": Case(faults.cut_before_answer, Unknown, Reason.network, 1),
    "reset mid-answer": Case(faults.cut_mid_answer, Unknown, Reason.network, 1),
    **{name: Case(fault, Unknown, Reason.server, 1) for name, fault in ODD_2XX.items()},
    "500 after it stored": Case(Fault(500, "", stores=True), Unknown, Reason.server, 1),
    "HTML 502 after it stored": Case(faults.html_502, Unknown, Reason.server, 1),
    "HTML 503": Case(faults.html_503, Unknown, Reason.server, 0),
    "504 after it stored": Case(Fault(504, "{}", JSON, stores=True), Unknown, Reason.server, 1),
    "302": Case(Fault(302, "", {"Location": "/elsewhere"}), Rejected, Reason.other, 0, Scope.destination),
    "307": Case(Fault(307, "", {"Location": "/elsewhere"}), Rejected, Reason.other, 0, Scope.destination),
    "400": Case(Fault(400, "{}", JSON), Rejected, Reason.content, 0, Scope.delivery),
    "401": Case(Fault(401, "{}", JSON), Rejected, Reason.auth, 0, Scope.destination),
    "HTML 401": Case(Fault(401, "<p>no</p>", HTML), Rejected, Reason.auth, 0, Scope.destination),
    "403": Case(Fault(403, "{}", JSON), Rejected, Reason.auth, 0, Scope.destination),
    "404": Case(Fault(404, "no", HTML), Rejected, Reason.gone, 0),
    "408": Case(Fault(408, ""), Retry, Reason.timeout, 0),
    "410": Case(Fault(410, ""), Rejected, Reason.gone, 0),
    "413": Case(Fault(413, ""), Rejected, Reason.content, 0, Scope.delivery),
    "422": Case(Fault(422, "{}", JSON), Rejected, Reason.content, 0, Scope.delivery),
    "429 in seconds": _limited({"Retry-After": "30"}, 30.0),
    "429 in fractions": _limited({"Retry-After": "1.5"}, 1.5),
    "429 with an HTTP date": _limited({"Retry-After": "Fri, 01 Jan 2027 10:02:00 GMT"}, 120.0),
    "429 with an ISO time": _limited({"X-RateLimit-Reset": "2027-01-01T10:01:00.000Z"}, 60.0),
    "429 with a unix time": _limited({"x-rate-limit-reset": "1798797645"}, 45.0),
    "429 with a past date": _limited({"Retry-After": "Fri, 01 Jan 2021 10:00:00 GMT"}, 0.0),
    "429 in JSON": _limited(JSON, 0.75, '{"retry_after": 0.75}'),
    "429 for ten years": _limited({"Retry-After": "315360000"}, 315_360_000.0),
    "429 with nonsense": _limited({"Retry-After": "soon"}, None),
    "429 with nothing": _limited({}, None),
    "429 as a page": _limited(HTML, None, "<html>slow down</html>"),
}


def build(
    kind: Kind, url: str, session: aiohttp.ClientSession, clock: FakeClock, patience: float = PATIENCE
) -> Channel:
    fields = {"name": "ours", "timeout": patience * kind.calls, **kind.fields(url)}
    return registry.build(settings(**fields), session, clock)


def written(channel: Channel, said: Post) -> Payload:
    """The payload for everybody, or for the first recipient."""
    return channel.render(said, channel.recipients()[0])


@pytest.fixture(params=KINDS.values(), ids=list(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.mark.parametrize("row", MATRIX)
async def test_rows_52_and_54_to_56_each_fault_has_its_outcome(
    kind: Kind, row: str, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """The outcome, reason, scope and wait follow from the fault, and one try was made."""
    case = kind.differs.get(row, MATRIX[row])
    async with kind.fake(clock) as fake:
        channel = build(kind, fake.url, session, clock, SHORT if case.fault.hangs else PATIENCE)
        fake.script(case.fault)
        outcome = await channel.send(written(channel, post()), None, "key-1")
        assert type(outcome) is case.outcome, outcome
        assert len(fake.posts) == case.held
        assert len(fake.tried) == 1
        if isinstance(outcome, Sent):
            return
        assert outcome.reason is case.reason
        if isinstance(outcome, Rejected) and case.scope is not None:
            assert outcome.scope is case.scope
        if isinstance(outcome, Retry):
            assert outcome.after == case.after


async def test_a_good_answer_is_sent(kind: Kind, session: aiohttp.ClientSession, clock: FakeClock) -> None:
    """Without a fault the post is there once, and a follow-up goes out under it or beside it."""
    async with kind.fake(clock) as fake:
        channel = build(kind, fake.url, session, clock)
        first = await channel.send(written(channel, post()), None, "key-1")
        assert isinstance(first, Sent)
        later = written(channel, post(key="key-2", text="Orders work again.", first=False, update="update-2"))
        assert isinstance(await channel.send(later, first.ref, "key-2"), Sent)
        assert len(fake.posts) == 2
        assert max(fake.counts().values()) == 1


async def test_row_51_refused_connection_is_not_sent(
    kind: Kind, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Where nothing listens nothing was sent: Retry."""
    with socket.socket() as holder:  # bound and never listening: nobody else can take the port
        holder.bind(("127.0.0.1", 0))
        channel = build(kind, f"http://127.0.0.1:{holder.getsockname()[1]}", session, clock)
        outcome = await channel.send(written(channel, post()), None, "key-1")
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.network


async def test_row_50_unknown_name_is_not_sent(
    kind: Kind, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """A name that does not resolve is proof that nothing left."""
    channel = build(kind, "https://no-such-host.invalid", session, clock, SHORT)
    outcome = await channel.send(written(channel, post()), None, "key-1")
    assert isinstance(outcome, Retry)
    assert outcome.reason in (Reason.network, Reason.timeout)


async def test_row_59_tls_that_fails_is_not_sent(
    kind: Kind, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """A server that speaks no TLS on an https address gets nothing: never a fall back to plain."""
    async with kind.fake(clock) as fake:
        channel = build(kind, fake.url.replace("http:", "https:"), session, clock)
        outcome = await channel.send(written(channel, post()), None, "key-1")
        assert isinstance(outcome, Retry)
        assert (outcome.reason, outcome.scope) == (Reason.network, Scope.destination)
        assert fake.calls == []


async def test_row_53_silence_after_the_request_is_unknown(
    kind: Kind, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """A peer that takes the bytes and never answers (half-open) ends at the deadline: no proof either way."""
    taken = asyncio.Event()

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        taken.set()
        await reader.read(-1)
        await asyncio.Event().wait()

    async with raw_server(swallow) as port:
        channel = build(kind, f"http://127.0.0.1:{port}", session, clock, SHORT)
        outcome = await channel.send(written(channel, post()), None, "key-1")
    assert taken.is_set()
    assert isinstance(outcome, kind.silence)
    assert outcome.reason is Reason.timeout


async def test_an_endless_answer_is_cut(kind: Kind, session: aiohttp.ClientSession, clock: FakeClock) -> None:
    """Megabytes of answer are not read into memory; what cannot be understood is Unknown."""
    async with kind.fake(clock) as fake:
        channel = build(kind, fake.url, session, clock)
        fake.script(Fault(200, kind.done + " " * 8_000_000, JSON, stores=True))
        outcome = await channel.send(written(channel, post()), None, "key-1")
        assert type(outcome) is kind.cut


async def test_a_retry_sends_the_same_bytes(
    kind: Kind, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """The payload survives a round trip through JSON with sorted keys, and the body is byte-identical."""
    async with kind.fake(clock) as fake:
        channel = build(kind, fake.url, session, clock)
        payload = written(channel, post())
        again = json.loads(json.dumps(payload, sort_keys=True))
        fake.script(faults.html_503)
        await channel.send(payload, None, "key-1")
        clock.advance(10_000)
        assert isinstance(await channel.send(again, None, "key-1"), Sent)
        assert fake.tried[0] == fake.tried[1] != b""


async def test_render_is_pure(kind: Kind, session: aiohttp.ClientSession, clock: FakeClock) -> None:
    """The same post gives the same payload, whatever the time."""
    channel = build(kind, "http://127.0.0.1:1", session, clock)
    first = written(channel, post())
    clock.advance(86_400_000)
    assert written(channel, post()) == first


async def test_internal_text_is_refused_by_a_public_channel(
    kind: Kind, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """The guard stands before every kind, and internal facts never reach a public payload."""
    channel = build(kind, "http://127.0.0.1:1", session, clock)
    assert channel.audience is Audience.public
    with pytest.raises(ValueError, match="internal text"):
        written(channel, replace(post(), audience=Audience.internal))
    facts = {"runbook": "https://wiki.invalid/db7"}
    shown = json.dumps(written(channel, post(facts=facts, mention="@comms-oncall")))
    assert not any(word in shown for word in ("INC-42", "wiki.invalid", "comms-oncall"))


async def test_secrets_appear_nowhere(
    kind: Kind, session: aiohttp.ClientSession, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in outcomes, not in logs at DEBUG, not in repr, even when the server echoes them."""
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    with structlog.testing.capture_logs() as lines:
        async with kind.fake(clock) as fake:
            channel = build(kind, fake.url, session, clock)
            said.append(repr(channel) + repr(getattr(channel, "settings", "")))
            for secret in kind.secrets:
                echo = json.dumps({"ok": False, "error": secret, "detail": f"bad {secret}", "title": secret})
                for status in (200, 400, 401, 403, 404, 429, 500):
                    fake.script(Fault(status, echo, JSON), Fault(status, secret))
                    said.append(repr(await channel.send(written(channel, post()), None, "key-1")))
                    said.append(repr(await channel.send(written(channel, post()), None, "key-1")))
            said.append(repr(await channel.find(written(channel, post()), "key-1", clock.now(), None)))
            said.append(repr(await channel.check()))
        said.append(repr(await channel.send(written(channel, post()), None, "key-1")))  # refused
        said.append(repr(await channel.check()))
    everything = "\n".join([*said, caplog.text, *(str(line) for line in lines)])
    assert [secret for secret in kind.secrets if secret in everything] == []


async def test_check_posts_nothing_and_says_what_is_wrong(
    kind: Kind, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Good credentials give None and no post; a dead server gives a line."""
    async with kind.fake(clock) as fake:
        channel = build(kind, fake.url, session, clock)
        assert await channel.check() is None
        assert fake.posts == []
    assert await channel.check()


async def test_read_back_finds_what_is_there_and_nothing_else(
    kind: Kind, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Kinds that say they can find do: the lost post is found, an unsent one is NotThere."""
    async with kind.fake(clock) as fake:
        channel = build(kind, fake.url, session, clock, SHORT)
        lost, unsent = written(channel, post()), written(channel, post(key="key-2", text="Never sent."))
        fake.script(faults.hang_after)
        assert isinstance(await channel.send(lost, None, "key-1"), Unknown)
        if not channel.capabilities.can_find:
            assert isinstance(await channel.find(lost, "key-1", clock.now(), None), CannotTell)
            return
        assert isinstance(await channel.find(lost, "key-1", clock.now(), None), Ref)
        assert isinstance(await channel.find(unsent, "key-2", clock.now(), None), NotThere)
    assert isinstance(await channel.find(lost, "key-1", clock.now(), None), CannotTell)


async def test_an_edit_changes_the_post_and_adds_none(
    kind: Kind, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Kinds that say they can edit do; doing it twice is doing it once, and what is gone stays gone."""
    async with kind.fake(clock) as fake:
        channel = build(kind, fake.url, session, clock)
        first = await channel.send(written(channel, post()), None, "key-1")
        assert isinstance(first, Sent)
        other = written(channel, post(text="Orders work again."))
        assert channel.capabilities.can_edit is (kind in [KINDS[name] for name in EDITING])
        if not channel.capabilities.can_edit:
            assert isinstance(await channel.edit(first.ref, other), Rejected)
            return
        assert await channel.edit(first.ref, other) == first
        assert await channel.edit(first.ref, other) == first
        assert len(fake.posts) == 1
        assert "Orders work again." in json.dumps(fake.posts[0])
        fake.posts.clear()
        gone = await channel.edit(first.ref, other)
        assert isinstance(gone, Rejected)
        assert (gone.reason, gone.scope) == (Reason.gone, Scope.delivery)
        assert fake.posts == []
    assert isinstance(await channel.edit(first.ref, other), Retry)


@pytest.mark.parametrize("case", MATRIX.values(), ids=MATRIX)
@pytest.mark.parametrize("name", EDITING)
async def test_an_edit_meets_the_same_faults(
    name: str, case: Case, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Outcome, reason, scope and wait as for a post; the post is there once, changed where that was taken."""
    kind = KINDS[name]
    async with kind.fake(clock) as fake:
        channel = build(kind, fake.url, session, clock, SHORT if case.fault.hangs else PATIENCE)
        first = await channel.send(channel.render(post()), None, "key-1")
        assert isinstance(first, Sent)
        other = channel.render(post(text="Orders work again."))
        fake.tried.clear()
        fake.script(case.fault)
        outcome = await channel.edit(first.ref, other)
        assert type(outcome) is case.outcome, outcome
        assert not isinstance(outcome, Sent)
        assert outcome.reason is case.reason
        assert len(fake.posts) == len(fake.tried) == 1
        assert ("Orders work again." in json.dumps(fake.posts[0])) is bool(case.held)
        if isinstance(outcome, Rejected) and case.scope is not None:
            assert outcome.scope is case.scope
        if isinstance(outcome, Retry):
            assert outcome.after == case.after
        assert isinstance(await channel.edit(first.ref, other), Sent)  # whatever it was, once more does it
        assert len(fake.posts) == 1
        assert "Orders work again." in json.dumps(fake.posts[0])


async def test_a_post_that_a_person_named_is_not_edited(
    kind: Kind, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """What was confirmed by hand has no name of the channel's: no call is made."""
    channel = build(kind, "http://127.0.0.1:1", session, clock)
    outcome = await channel.edit(Ref({"confirmed": "I saw it"}), channel.render(post()))
    assert isinstance(outcome, Rejected)
    assert outcome.scope is Scope.delivery


async def test_row_65_deleted_parent_becomes_a_root(
    kind: Kind, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """When the post before it is gone the words go out all the same, once."""
    async with kind.fake(clock) as fake:
        channel = build(kind, fake.url, session, clock)
        first = await channel.send(written(channel, post()), None, "key-1")
        assert isinstance(first, Sent)
        fake.posts.clear()
        later = written(channel, post(key="key-2", text="Orders work again.", first=False, update="update-2"))
        assert isinstance(await channel.send(later, first.ref, "key-2"), Sent)
        assert len(fake.posts) == 1
