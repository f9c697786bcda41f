"""SMS by Twilio: what a message says and costs, refusals by number, and read-back."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import pytest
from pydantic import ValidationError

from channels.sms import SmsChannel
from channels.sms_segments import is_gsm, segments
from channels.sms_settings import Settings
from daemon.core.clock import FakeClock
from daemon.core.ports import (
    CannotTell,
    NotThere,
    Outcome,
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
from tests.fakes.faults import JSON, Fault
from tests.fakes.raw import raw_server
from tests.fakes.sms_gateway import FIELDS, TOKEN, FakeGateway
from tests.fakes.twilio import ACCOUNT, KEY, SECRET, SENDER, TO, FakeTwilio

TWILIO = {"account": ACCOUNT, "secret": SECRET, "sender": SENDER}
PAGE = "https://status.example.com/incidents/abc123def456"


def channel_of(session: aiohttp.ClientSession, clock: FakeClock, **fields: Any) -> SmsChannel:
    usual = {"name": "phones", "kind": "sms", "timeout": 5.0, "recipients": [TO, "+15005550009"]}
    found = settings(**{**usual, **fields})
    assert isinstance(found, Settings)
    return SmsChannel(found, session, clock)


@pytest.fixture
def channel(twilio: FakeTwilio, session: aiohttp.ClientSession, clock: FakeClock) -> SmsChannel:
    return channel_of(session, clock, api_url=twilio.url, **TWILIO)


@pytest.fixture
def described(gateway: FakeGateway, session: aiohttp.ClientSession, clock: FakeClock) -> SmsChannel:
    return channel_of(session, clock, secret=TOKEN, request={"url": f"{gateway.url}/json", **FIELDS})


def test_twilio_is_asked_and_others_are_held(channel: SmsChannel, described: SmsChannel) -> None:
    """Read-back where there is a list; elsewhere a person decides, or the operator once for all."""
    able, other = channel.capabilities, described.capabilities
    assert (able.idempotency, able.on_doubt, able.can_find) == ("lookup", "read_back", True)
    assert (other.idempotency, other.on_doubt, other.can_find) == ("none", "hold", False)
    assert (able.per_recipient, able.max_length, able.counter) == (True, 1, "segments")
    assert channel.recipients() == (TO, "+15005550009")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "account, secret and sender"),
        ({"account": ACCOUNT, "secret": SECRET}, "account, secret and sender"),
        ({**TWILIO, "account": "SK" + "0" * 32}, "pattern"),
        ({**TWILIO, "sender": "Example Status Page"}, "pattern"),
        ({**TWILIO, "recipients": ["0171 1234567"]}, "pattern"),
        ({**TWILIO, "recipients": [f"{TO}\n"]}, "pattern"),
        ({**TWILIO, "on_doubt": "resend"}, "drop the key"),
        ({**TWILIO, "incident_budget": 5}, "needs price"),
        ({**TWILIO, "api_url": "http://example.com"}, "https"),
        ({**TWILIO, "request": {"url": "https://a.example.com", **FIELDS}}, "drop request"),
        ({"request": {"url": "https://a.example.com", **FIELDS}}, "secret_file"),
    ],
)
def test_wrong_settings_say_what_to_write(fields: dict[str, Any], says: str) -> None:
    """One provider, whole numbers with a plus, money with a price; no secret in the message."""
    with pytest.raises(ValidationError, match=says) as found:
        settings(name="phones", kind="sms", **fields)
    assert SECRET not in str(found.value)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {},
            "Example: Some orders fail at the moment. We are looking into it. " + PAGE,
        ),
        ({"text": "“It’s back” – thanks…"}, 'Example: "It\'s back" - thanks... ' + PAGE),
        ({"text": "Заказы не проходят. Мы ищем причину."}, "Example: Заказы... " + PAGE),
        ({"text": "One. " + "Two is longer. " * 9}, "Example: One. " + "Two is longer. " * 6 + "... " + PAGE),
        ({"text": "a\nb"}, "Example: a b " + PAGE),
        ({"audience": Audience.internal, "text": "Look."}, "INC-42: Look. " + PAGE),
    ],
)
def test_a_message_is_one_segment(
    fields: dict[str, Any], text: str, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Who speaks, the words as far as there is room, the link; typed signs; never a second segment."""
    audience = str(fields.get("audience", "public"))
    payload = channel_of(session, clock, audience=audience, **TWILIO).render(post(**fields), TO)
    assert payload == {"to": TO, "text": text, "segments": 1}


def test_more_segments_no_link_and_a_price(session: aiohttp.ClientSession, clock: FakeClock) -> None:
    """By setting; the price is for each segment, of the text that is frozen."""
    fields = {**TWILIO, "segments": 3, "link": "first", "price": "0.05", "incident_budget": 20}
    channel = channel_of(session, clock, **fields)
    payload = channel.render(post(text="Слово. " * 40, first=False), TO)
    assert not is_gsm(payload["text"])
    assert "https" not in payload["text"]
    assert payload["segments"] == segments(payload["text"]) == 3
    assert channel.cost(payload) == Decimal("0.15")
    assert channel.capabilities.incident_budget == Decimal(20)
    assert PAGE in channel.render(post(), TO)["text"]


async def test_twilio_gets_what_was_counted(
    twilio: FakeTwilio, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """An end to its validity, no second smart encoding; an API key, a service as the sender."""
    service = "MG" + "0" * 32
    fields = {**TWILIO, "api_key": KEY, "sender": service, "valid_for": 600}
    channel = channel_of(session, clock, api_url=twilio.url, **fields)
    assert await channel.send(channel.render(post(), TO), None, "k") == Sent(Ref({"id": f"SM{1:032x}"}))
    form = dict(parse_qsl(twilio.tried[0].decode()))
    assert form.pop("Body").startswith("Example: Some orders")
    assert form == {
        "To": TO,
        "MessagingServiceSid": service,
        "ValidityPeriod": "600",
        "SmartEncoded": "false",
    }


GONE = (Rejected, Reason.gone, Scope.delivery)
OURS = (Rejected, Reason.gone, Scope.destination)
NO_KEY = (Rejected, Reason.auth, Scope.destination)
TEXT = (Rejected, Reason.content, Scope.delivery)


@pytest.mark.parametrize(
    ("status", "code", "means"),
    [
        (400, 21610, GONE),
        (400, 21211, GONE),
        (400, 21614, GONE),
        (400, 21408, TEXT),
        (400, 21612, TEXT),
        (400, 21617, TEXT),
        (400, 21606, OURS),
        (400, 21705, OURS),
        (404, 20404, OURS),
        (401, 20003, NO_KEY),
        (403, 20005, NO_KEY),
        (429, 20429, (Retry, Reason.rate_limited, Scope.delivery)),
        (400, 21611, (Retry, Reason.rate_limited, Scope.delivery)),
        (429, 63038, (Retry, Reason.rate_limited, Scope.destination)),
        (500, 20500, (Unknown, Reason.server, None)),
    ],
)
async def test_refusals_by_number(
    status: int,
    code: int,
    means: tuple[type[Outcome], Reason, Scope | None],
    twilio: FakeTwilio,
    channel: SmsChannel,
) -> None:
    """A phone that is gone is one phone's matter; an account or a sender stops the channel."""
    body = {"code": code, "message": "Twilio's words", "status": status}
    twilio.script(Fault(status, json.dumps(body), {**JSON, "Retry-After": "9"}))
    found = await channel.send(channel.render(post(), TO), None, "k")
    assert not isinstance(found, Sent)
    assert (type(found), found.reason, getattr(found, "scope", None)) == means
    assert f"{code} Twilio's words" in found.detail
    if isinstance(found, Retry):
        assert found.after == 9.0


async def test_whoever_said_stop_is_gone(twilio: FakeTwilio, channel: SmsChannel) -> None:
    """21610, for that number alone."""
    twilio.stopped.add(TO)
    found = await channel.send(channel.render(post(), TO), None, "k")
    assert isinstance(found, Rejected)
    assert (found.reason, found.scope) == (Reason.gone, Scope.delivery)
    wrong = await channel.send({**channel.render(post(), TO), "to": "+0123"}, None, "k")
    assert isinstance(wrong, Rejected)
    assert wrong.detail == "400 21211 Invalid 'To' Phone Number: the recipient", "logs need no numbers"
    other = "+15005550009"
    assert isinstance(await channel.send(channel.render(post(), other), None, "k2"), Sent)


async def test_read_back_tells_numbers_texts_and_days_apart(
    twilio: FakeTwilio, channel: SmsChannel, clock: FakeClock
) -> None:
    """Only this text to this number since that attempt counts, on whatever page it stands."""
    payload, other = channel.render(post(), TO), channel.render(post(text="Other."), TO)
    clock.advance(14 * 3_600_000 - 30_000)  # 23:59:30
    assert isinstance(await channel.send(payload, None, "k"), Sent)
    clock.advance(60_000)
    assert isinstance(await channel.find(payload, "k", clock.now() - 60_000), Ref), "over midnight"
    for number in range(210):
        twilio.store({**twilio.posts[0], "sid": f"SM{number + 100:032x}", "body": "filler"})
    assert isinstance(await channel.find(payload, "k", clock.now() - 60_000), Ref), "on the third page"
    assert isinstance(await channel.find(other, "k", clock.now() - 60_000), NotThere)
    elsewhere = {**payload, "to": "+15005550009"}
    assert isinstance(await channel.find(elsewhere, "k", clock.now() - 60_000), NotThere)
    clock.advance(3_600_000)
    assert isinstance(await channel.find(payload, "k", clock.now()), NotThere), "an hour ago: another post"
    for number in range(300):
        twilio.store({**twilio.posts[0], "sid": f"SM{number + 900:032x}", "body": "filler"})
    assert isinstance(await channel.find(other, "k", clock.now()), CannotTell)


async def test_texts_that_twilio_changed_or_dropped(
    twilio: FakeTwilio, channel: SmsChannel, clock: FakeClock
) -> None:
    """A trial account's words stand before ours; without any words nothing is proven."""
    payload = channel.render(post(), TO)
    assert isinstance(await channel.send(payload, None, "k"), Sent)
    twilio.posts[0]["body"] = f"Sent from your Twilio trial account - {payload['text']}"
    assert isinstance(await channel.find(payload, "k", clock.now()), Ref)
    twilio.posts[0]["body"] = ""
    assert isinstance(await channel.find(payload, "k", clock.now()), CannotTell)


@pytest.mark.parametrize("page", ["https://evil.example/", "//evil.example/", "@evil.example/", 7])
async def test_a_list_that_leads_away_is_not_followed(
    page: object, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """The next page is a path on Twilio's own host: the key goes nowhere else."""
    calls = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(await reader.readuntil(b"\r\n\r\n"))
        body = json.dumps({"messages": [], "next_page_uri": page}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()

    async with raw_server(answer) as port:
        channel = channel_of(session, clock, api_url=f"http://127.0.0.1:{port}", **TWILIO)
        found = await channel.find(channel.render(post(), TO), "k", clock.now())
    assert found == CannotTell("a next page that is somewhere else")
    assert len(calls) == 1


async def test_check_names_what_is_wrong(twilio: FakeTwilio, channel: SmsChannel) -> None:
    """In Twilio's words, and nothing is sent."""
    assert await channel.check() is None
    twilio.secret = "another"
    assert await channel.check() == "Twilio answered 401 20003 Authenticate to Messages"
    assert twilio.posts == []
