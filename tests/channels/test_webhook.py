"""Webhooks: what is signed and sent, what answers mean, and what the page for receivers promises."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import jsonschema
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from pydantic import ValidationError
from standardwebhooks import Webhook

from channels.http import encoded
from channels.standard_webhooks import headers, key_of
from channels.webhook import GONE, SCHEDULE, Settings, WebhookChannel
from channels.webhook_event import MOST, event_of
from daemon.core.clock import Clock, FakeClock, SystemClock
from daemon.core.ports import Reason, Rejected, Retry, Scope, Sent, Unknown
from daemon.core.words import Audience
from tests.channels.posts import post, settings
from tests.fakes.faults import Fault
from tests.fakes.webhook import OTHER_SECRET, PATH, SCHEMA, SECRET, FakeReceiver

PAGE = Path(__file__).parents[2] / "docs" / "channels" / "webhook.md"
URL = "https://receiver.example.com/inbox-4f1c"


def channel_of(session: aiohttp.ClientSession, clock: Clock, url: str, **fields: Any) -> WebhookChannel:
    usual = {"name": "partner", "kind": "webhook", "secret": SECRET, "networks": ["127.0.0.0/8"]}
    found = settings(**{**usual, "url": url, **fields})
    assert isinstance(found, Settings)
    return WebhookChannel(found, session, clock)


@pytest.fixture
def channel(receiver: FakeReceiver, session: aiohttp.ClientSession, clock: FakeClock) -> WebhookChannel:
    return channel_of(session, clock, receiver.url + PATH)


def test_a_repeat_is_harmless_and_so_without_limit(channel: WebhookChannel) -> None:
    """The receiver knows the id: resent by the schedule of three days, no question to a person."""
    able = channel.capabilities
    assert (able.idempotency, able.on_doubt, able.late_apply, able.can_find) == (
        "native",
        "resend",
        0.0,
        False,
    )
    assert able.schedule == SCHEDULE
    assert (SCHEDULE[0], SCHEDULE[-1], len(SCHEDULE)) == (5, 24 * 3600, 9)
    assert 3 <= sum(SCHEDULE) / 86_400 <= 3.5


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"secret": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8G"}, "openssl rand"),
        ({"secret": "whsec_c2hvcnQ="}, "24 to 64"),
        ({"secret": "whsec_MfKQ9r8GKYqr TwjUPD8ILPZIo2LaLaSw"}, "24 to 64"),
        ({"secret": f"whsec_{'QUFB' * 22}"}, "24 to 64"),
        ({"previous_secret": "old"}, "24 to 64"),
        ({"url": "http://receiver.example.com/inbox-4f1c"}, "only https"),
        ({"url": "https://receiver.example.com:9000/inbox-4f1c"}, "only https"),
        ({"url": "https://user:word@receiver.example.com/"}, "without a user"),
        ({"url": "https://receiver.example.com/#inbox-4f1c"}, "no fragment"),
        ({"url": "https://10.0.0.1/inbox-4f1c"}, "no public address"),
        ({"url": "https://0x7f.1/inbox-4f1c"}, "odd form"),
        ({"url": "https://[inbox-4f1c"}, "whole address"),
        ({"url": "receiver.example.com/inbox-4f1c"}, "whole address"),
        ({"networks": ["10.0.0.1/8"]}, "10.1.2.0/24"),
        ({"networks": ["intranet"]}, "first address"),
    ],
)
def test_wrong_settings_say_what_to_write(fields: dict[str, Any], says: str) -> None:
    """A strong secret and an address that may be called; neither is repeated in the message."""
    with pytest.raises(ValidationError, match=says) as found:
        settings(**{"name": "partner", "kind": "webhook", "url": URL, "secret": SECRET, **fields})
    told = str(found.value)
    assert not any(word in told for word in ("MfKQ9r8G", "c2hvcnQ", "/inbox-4f1c", "user:"))


async def test_an_attempt_is_signed_as_the_specification_has_it(
    receiver: FakeReceiver, channel: WebhookChannel, clock: FakeClock
) -> None:
    """Same id and bytes, the attempt's own second; the reference library made the receiver's verdict."""
    payload = channel.render(post())
    receiver.script(Fault(503))
    assert isinstance(await channel.send(payload, None, "a1b2c3"), Unknown)
    clock.advance(3 * 3_600_000)
    assert isinstance(await channel.send(payload, None, "a1b2c3"), Sent)
    assert isinstance(await channel.send(payload, None, "a1b2c3"), Sent), "a repeat is known"
    assert receiver.counts() == {"a1b2c3": 1}
    assert len({*receiver.tried}) == 1
    first, second, _ = receiver.headers
    assert first["webhook-id"] == second["webhook-id"] == "a1b2c3"
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 3 * 3_600
    assert second["content-type"] == "application/json"
    assert second["user-agent"] == "Tocsin"


async def test_while_secrets_change_either_verifies(
    receiver: FakeReceiver, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Two signatures, the new one first: whoever knows one takes the event; a stranger's is refused."""
    both = {"secret": OTHER_SECRET, "previous_secret": SECRET}
    changing = channel_of(session, clock, receiver.url + PATH, **both)
    payload = changing.render(post())
    assert isinstance(await changing.send(payload, None, "k1"), Sent)
    receiver.secret = OTHER_SECRET
    assert isinstance(await changing.send(payload, None, "k2"), Sent)
    old = channel_of(session, clock, receiver.url + PATH)
    refused = await old.send(payload, None, "k3")
    assert isinstance(refused, Rejected)
    assert (refused.reason, refused.scope) == (Reason.auth, Scope.destination)
    assert [len(one["webhook-signature"].split(" ")) for one in receiver.headers] == [2, 2, 1]


@hypothesis(max_examples=50, deadline=None)
@given(st.binary(min_size=24, max_size=64), st.text(max_size=50), st.integers(0, 2**33))
def test_signatures_are_those_of_the_reference_library(key: bytes, body: str, second: int) -> None:
    """For any key, body and second."""
    ours = headers([key], "msg_1", second, body.encode())
    theirs = Webhook(key).sign("msg_1", datetime.fromtimestamp(second, tz=UTC), body)
    assert ours["webhook-signature"] == theirs


def test_an_id_with_a_dot_is_refused() -> None:
    """It would move the border between the signed parts."""
    with pytest.raises(ValueError, match="dot"):
        headers([key_of(SECRET)], "a.1", 1, b"{}")


async def test_410_ends_it_until_the_next_start(receiver: FakeReceiver, channel: WebhookChannel) -> None:
    """The destination stops, and not one more call is made."""
    receiver.script(Fault(410))
    gone = Rejected(Reason.gone, GONE, Scope.destination)
    assert await channel.send(channel.render(post()), None, "k1") == gone
    assert await channel.send(channel.render(post()), None, "k2") == gone
    assert len(receiver.calls) == 1


async def test_a_wait_in_any_answer_is_passed_on(receiver: FakeReceiver, channel: WebhookChannel) -> None:
    """429 and 404 are no doubt, 5xx is one; each may say how long, and its body is not repeated."""
    receiver.script(
        *(Fault(status, "call me at 1-800", {"Retry-After": "40"}) for status in (429, 404, 502, 503, 504)),
        Fault(502, "", {"X-RateLimit-Reset": "40"}),
    )
    found = [await channel.send(channel.render(post()), None, "k1") for _ in range(6)]
    assert found == [
        Retry(Reason.rate_limited, "429", 40.0),
        Retry(Reason.gone, "404", 40.0, Scope.destination),
        Unknown(Reason.server, "502", 40.0),
        Unknown(Reason.server, "503", 40.0),
        Unknown(Reason.server, "504", 40.0),
        Unknown(Reason.server, "502", None),
    ]


async def test_a_name_that_leads_inside_stops_the_channel(
    session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """It is a destination that people must look at; nothing was sent, and the check says the same."""
    inside = channel_of(session, clock, "https://localhost/hook", networks=[])
    found = await inside.send(inside.render(post()), None, "k1")
    assert isinstance(found, Rejected)
    assert (found.reason, found.scope) == (Reason.other, Scope.destination)
    assert "no public address" in found.detail
    assert await inside.check() == found.detail


async def test_check_takes_any_answer_but_a_redirect(
    receiver: FakeReceiver, session: aiohttp.ClientSession, clock: FakeClock, channel: WebhookChannel
) -> None:
    """A receiver knows POST alone: 405 is somebody at home."""
    assert await channel.check() is None
    assert receiver.calls == [f"HEAD {PATH}"]


def test_an_event_holds_what_the_page_promises(channel: WebhookChannel) -> None:
    """The example on the page is what is sent, and every documented field exists."""
    page = PAGE.read_text("utf-8")
    shown = re.search(r'^(\{"data".*\})$', page, re.MULTILINE)
    assert shown is not None
    assert encoded(channel.render(post())).decode() == shown[1]
    table = page.partition("## What a receiver gets")[2].partition("A receiver\n")[0]
    promised = re.findall(r"^\| (`[^|]*`) \|", table, re.MULTILINE)
    names = {word.rpartition(".")[2] for row in promised for word in re.findall(r"`([^`]+)`", row)}
    data = SCHEMA["properties"]["data"]["properties"]
    there = {*SCHEMA["properties"], *data, *data["incident"]["properties"], *data["update"]["properties"]}
    assert names == there - {"data", "incident", "update"}


def test_ids_tie_events_together_and_tell_nothing() -> None:
    """The incident's is that of its first event here; names of plans and steps stay with us."""
    first = event_of(post(update="abc/vip-plan/first/a", thread="abc/vip-plan/first/a"))["data"]
    later = event_of(post(update="abc/vip-plan/end/e2", thread="abc/vip-plan/first/a", first=False))["data"]
    assert first["incident"]["id"] == later["incident"]["id"] == first["update"]["id"]
    assert later["update"]["id"] != first["update"]["id"]
    assert "vip" not in json.dumps([first, later])


@pytest.mark.parametrize(
    ("fields", "means"),
    [
        ({}, "incident.opened"),
        ({"first": False}, "incident.updated"),
        ({"first": False, "status": "resolved"}, "incident.resolved"),
    ],
)
def test_types(fields: dict[str, Any], means: str) -> None:
    """Begin, middle, end."""
    assert event_of(post(**fields))["type"] == means


@hypothesis(max_examples=40, deadline=None)
@given(st.text(alphabet='a "\\\n\t😀é.', max_size=40), st.integers(0, 2_000), st.integers(0, 300))
def test_no_body_reaches_20_kb(text: str, times: int, names: int) -> None:
    """Whatever is in it, by the bytes that JSON makes of it; and it keeps its form."""
    hostile = event_of(
        post(
            title=text * times,
            text=text * times,
            page_name=text * times,
            page_url="https://status.example.com/" + "x" * times,
            mention=text * times,
            components=tuple(f"{text * 9} {number}" for number in range(names)),
            facts={f"{number} {text}": text * times for number in range(names // 20)},
            audience=Audience.internal,
        )
    )
    assert len(encoded(hostile)) < MOST
    jsonschema.validate(hostile, SCHEMA)


async def test_the_receivers_example_verifies_what_is_sent(session: aiohttp.ClientSession) -> None:
    """The ten lines of the page, as they stand, against a real event; tampered, strange and old ones fail."""
    code = re.search(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert code is not None
    example: dict[str, Any] = {}
    exec(code[1], example)  # noqa: S102 - the example is what is tested
    event_of = example["event_of"]
    clock = SystemClock()
    async with FakeReceiver(clock=clock) as receiver:
        channel = channel_of(session, clock, receiver.url + PATH)
        assert isinstance(await channel.send(channel.render(post()), None, "k1"), Sent)
        found, body = receiver.headers[0], receiver.tried[0]
    assert event_of(SECRET, found, body)["data"]["incident"]["title"] == "Checkout errors"
    old = headers([key_of(SECRET)], "k1", clock.now() // 1000 - 400, body)
    for secret, shown, content in (
        (SECRET, found, body.replace(b"major", b"minor")),
        (OTHER_SECRET, found, body),
        (SECRET, {**found, "webhook-id": "k2"}, body),
        (SECRET, {**found, "webhook-signature": "v1,é v2,x"}, body),
        (SECRET, old, body),
    ):
        with pytest.raises(ValueError, match="not signed"):
            event_of(secret, shown, content)
