"""Providers that are described: whole descriptions, their answers, and texts that cannot break out."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from pydantic import ValidationError

from channels.plain import clean
from channels.sms import SmsChannel
from channels.sms_request import Request
from channels.sms_settings import Settings
from daemon.core.clock import FakeClock
from daemon.core.ports import CannotTell, Outcome, Reason, Ref, Rejected, Retry, Sent, Unknown
from tests.channels.posts import post, settings
from tests.fakes import faults
from tests.fakes.faults import JSON, Fault
from tests.fakes.sms_gateway import FIELDS, TOKEN, FakeGateway
from tests.fakes.twilio import TO


def channel_of(session: aiohttp.ClientSession, clock: FakeClock, **fields: Any) -> SmsChannel:
    found = settings(name="phones", kind="sms", secret=TOKEN, recipients=[TO], timeout=5.0, **fields)
    assert isinstance(found, Settings)
    return SmsChannel(found, session, clock)


@pytest.fixture
def described(gateway: FakeGateway, session: aiohttp.ClientSession, clock: FakeClock) -> SmsChannel:
    return channel_of(session, clock, request={"url": f"{gateway.url}/json", **FIELDS})


CALL = {"url": "https://a.example.com", "form": {"a": "{to}", "b": "{text}"}}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"form": {"a": "{to}", "b": "{txt}"}}, r"no placeholder \{txt\}"),
        ({"form": None, "body": {"a": ["{to}", {"b": "{text} {secrets}"}]}}, r"no placeholder \{secrets\}"),
        ({"headers": {"X-Text": "{text}"}}, r"no placeholder \{text\}"),
        ({"headers": {"X": "a\r\nHost: b"}}, "line ends"),
        ({"headers": {"Host": "b"}}, "cannot be set"),
        ({"headers": {"X:": "b"}}, "cannot be set"),
        ({"form": {"b": "{text}"}}, "may be missing"),
        ({"form": {"b": "{to}"}}, "may be missing"),
        ({"body": {"a": "{to} {text}"}}, "not both"),
        ({"method": "GET"}, "write query"),
        ({"url": "http://a.example.com"}, "https"),
        ({"url": "https://a.example.com/?x=1"}, "query"),
        ({"answer": {"status": "code"}}, "both or none"),
        ({"answer": {"gone": ["7"]}}, "belongs to one"),
        ({"answer": {"status": "code", "sent": ["0"], "later": ["0"]}}, "belongs to one"),
    ],
)
def test_a_request_is_whole_or_refused(fields: dict[str, Any], says: str) -> None:
    """Placeholders are declared, headers take no text, and the answer's words are told apart."""
    with pytest.raises(ValidationError, match=says):
        Request(**{**CALL, **fields})


@pytest.mark.parametrize(
    ("status", "means"),
    [
        ("0", Sent(Ref({"id": "1"}))),
        ("1", Retry(Reason.rate_limited, "200 1")),
        ("2", Rejected(Reason.content, "200 2")),
        ("7", Rejected(Reason.gone, "200 7")),
        ("99", Unknown(Reason.server, "200 99")),
        ("", Unknown(Reason.server, "200")),
    ],
)
async def test_a_described_answer(
    status: str, means: Outcome, gateway: FakeGateway, described: SmsChannel
) -> None:
    """Its status says which of four it is; a value that nobody described leaves it open."""
    gateway.status = status
    assert await described.send(described.render(post(), TO), None, "k") == means


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"messages": [{"status": "0"}]}', Unknown),
        ('{"messages": [{"id": null, "status": "0"}]}', Unknown),
        ('{"messages": {"0": {"id": "a", "status": 0}}}', Sent),
        ('{"messages": []}', Unknown),
        ("[]", Unknown),
    ],
)
async def test_answers_of_other_forms(
    body: str, kind: type[Outcome], gateway: FakeGateway, described: SmsChannel
) -> None:
    """No id where one was promised is no proof; numbers count as their digits."""
    gateway.script(Fault(200, body, JSON, stores=True))
    assert type(await described.send(described.render(post(), TO), None, "k")) is kind


async def test_a_doubt_with_others_cannot_be_settled(
    gateway: FakeGateway, described: SmsChannel, clock: FakeClock
) -> None:
    """It is there, and nobody can be asked."""
    gateway.script(faults.cut_before_answer)
    payload = described.render(post(), TO)
    assert isinstance(await described.send(payload, None, "k"), Unknown)
    assert len(gateway.posts) == 1
    assert isinstance(await described.find(payload, "k", clock.now()), CannotTell)


HOSTILE = [
    '"}], "to": "+1900", "x": [{"y": "',
    "&number=+1900&message=x#",
    "a\r\nX-Header: b\r\n\r\nbody",
    "{secret} {key} {to} {nothing} {{7*7}} %(to)s ${to}",
    "../../\\..%2f%00%0d%0a?a=b;c",
    "😀 я \u202e € é '",
]
FORMS = {
    "json": {"url": "/json", "headers": FIELDS["headers"], "body": FIELDS["body"]},
    "form": {
        "url": "/form",
        "headers": FIELDS["headers"],
        "form": {"number": "{digits}", "message": "{text}", "ref": "{key}"},
    },
    "query": {
        "url": "/query",
        "method": "GET",
        "headers": FIELDS["headers"],
        "query": {"number": "{digits}", "message": "{text}", "ref": "{key}"},
    },
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", HOSTILE)
async def test_no_text_breaks_out_of_its_place(
    text: str, form: str, gateway: FakeGateway, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """A real server reads back the very text, to the very number, and no field more."""
    request = {**FORMS[form], "url": gateway.url + str(FORMS[form]["url"])}
    channel = channel_of(session, clock, link="never", segments=5, request=request)
    payload = channel.render(post(text=text), TO)
    assert isinstance(await channel.send(payload, None, "k1"), Sent)
    (got,) = gateway.posts
    assert (got["to"], got["text"], got["key"]) == (TO[1:], payload["text"], "k1")
    assert TOKEN not in got["text"]


@hypothesis(max_examples=60, deadline=None)
@given(st.text(max_size=60).map(clean), st.from_regex(r"[!-~]{1,20}", fullmatch=True))
def test_any_text_comes_out_as_it_went_in(text: str, secret: str) -> None:
    """JSON, form and query, read by the standard library; names of fields are the operator's alone."""
    values = {"to": TO, "digits": TO[1:], "text": text, "key": "k", "secret": secret}
    templates = {"{to}": "{to} {text}", "b": "x{text}{secret}y"}
    wanted = {"{to}": f"{TO} {text}", "b": f"x{text}{secret}y"}
    url = "https://a.example.com/send"
    assert json.loads(Request(url=url, body=dict(templates)).call(values)[2] or b"") == wanted
    form = Request(url=url, form=templates).call(values)[2] or b""
    assert dict(parse_qsl(form.decode(), keep_blank_values=True, strict_parsing=True)) == wanted
    address = urlsplit(Request(url=url, method="GET", query=templates).call(values)[0])
    assert dict(parse_qsl(address.query, keep_blank_values=True, strict_parsing=True)) == wanted
    assert (address.netloc, address.path, address.fragment) == ("a.example.com", "/send", "")
