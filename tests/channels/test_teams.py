"""Teams: a card that the published schema takes, one size, dead addresses, and a flow that is off."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from jsonschema import Draft6Validator
from pydantic import ValidationError

from channels.plain import clean
from channels.teams import Settings, TeamsChannel
from channels.teams_card import MAX_BYTES, VERSION, message_of, size
from daemon.core.clock import FakeClock
from daemon.core.ports import Outcome, Reason, Ref, Rejected, Retry, Scope, Sent, Unknown
from daemon.core.words import Audience
from tests.channels.posts import post, settings
from tests.fakes.faults import JSON, Fault
from tests.fakes.teams import HOOK, SIGNATURE, FakeTeams

FLOW = "https://default0123.4f.environment.api.powerplatform.com:443"
HOSTILE = '[x](https://evil.example) **b** <at>all</at> {{DATE(2017-02-14T06:08:39Z)}} ${x} @{y} "q" \\ é😀'


def _validator() -> Draft6Validator:
    # The schema as adaptivecards.io publishes it, carried along by a library.
    schema = files("adaptive_cards").joinpath("schemas", f"schema-{VERSION}.json")
    return Draft6Validator(json.loads(schema.read_text("utf-8")))


CARDS = _validator()


def faults_of(message: dict[str, Any]) -> list[str]:
    """What the schema has against the card."""
    return [fault.message[:200] for fault in CARDS.iter_errors(message["attachments"][0]["content"])]


def channel_of(session: aiohttp.ClientSession, clock: FakeClock, url: str, **fields: Any) -> TeamsChannel:
    found = settings(name="staff", kind="teams", webhook_url=url, timeout=3.0, **fields)
    assert isinstance(found, Settings)
    return TeamsChannel(found, session, clock)


@pytest.fixture
def channel(teams: FakeTeams, session: aiohttp.ClientSession, clock: FakeClock) -> TeamsChannel:
    return channel_of(session, clock, teams.hook, audience="internal")


def test_doubt_is_held(channel: TeamsChannel, session: aiohttp.ClientSession, clock: FakeClock) -> None:
    """No key, no list, no thread, no edit; an operator may say resend."""
    able = channel.capabilities
    assert (able.on_doubt, able.idempotency) == ("hold", "none")
    assert able.per_minute == 60
    assert (able.can_find, able.can_edit, able.threads) == (False, False, False)
    other = channel_of(session, clock, FLOW + HOOK, on_doubt="resend")
    assert other.capabilities.on_doubt == "resend"


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("https://contoso.webhook.office.com/webhookb2/a@b/IncomingWebhook/c/d", "switched these off"),
        ("https://outlook.office.com/webhook/a@b/IncomingWebhook/c/d", "switched these off"),
        ("https://CONTOSO.WEBHOOK.OFFICE.COM/webhookb2/a", "Send webhook alerts to a channel"),
        (FLOW + HOOK.partition("&sig=")[0], "lacks its signature"),
        ("http://example.com" + HOOK, "https"),
        (FLOW + HOOK + "#top", "fragment"),
        ("https://[::1" + HOOK, "whole address"),
        (f"workflow?sig={SIGNATURE}", "whole address"),
    ],
)
def test_wrong_addresses_say_what_to_do(address: str, says: str) -> None:
    """A dead connector, half an address, plain http; and the message never shows the address."""
    with pytest.raises(ValidationError, match=says) as found:
        settings(name="staff", kind="teams", webhook_url=address)
    text = str(found.value)
    assert SIGNATURE not in text
    assert "IncomingWebhook" not in text
    assert "triggers" not in text


@pytest.mark.parametrize(
    "host",
    [
        FLOW,
        "https://prod-12.westeurope.logic.azure.com:443",
        "https://notwebhook.office.com.example.com",
        "http://127.0.0.1:8080",
    ],
)
def test_addresses_of_workflows_are_taken(host: str) -> None:
    """The old and the new form of Power Automate's, and a relay of one's own."""
    assert settings(name="staff", kind="teams", webhook_url=host + HOOK).name == "staff"


def test_a_card_has_title_standing_words_facts_and_link(channel: TeamsChannel) -> None:
    """Every text is a run, which knows no markdown; a blank line is a gap."""
    payload = channel.render(
        post(
            text="First line.\nSecond.\n\nThird.",
            audience=Audience.internal,
            mention="@comms",
            facts={"region": "eu"},
        )
    )
    card = payload["attachments"][0]["content"]
    assert [(block["inlines"][0]["text"], block.get("spacing")) for block in card["body"]] == [
        ("INC-42 Checkout errors", None),
        ("Investigating · major impact", "None"),
        ("@comms First line.", "Medium"),
        ("Second.", "Small"),
        ("Third.", "Medium"),
        ("• region: eu", "Small"),
    ]
    assert card["body"][0]["id"] == "key-1"
    assert {run["type"] for block in card["body"] for run in block["inlines"]} == {"TextRun"}
    assert card["actions"] == [
        {
            "type": "Action.OpenUrl",
            "title": "Status page",
            "url": "https://status.example.com/incidents/abc123def456",
        }
    ]
    assert faults_of(payload) == []


@pytest.mark.parametrize(
    ("where", "wrong"),
    [
        ("version", 4),
        ("body", [{"type": "TextBlok", "text": "x"}]),
        ("body", [{"type": "RichTextBlock"}]),
        ("actions", [{"type": "Action.OpenUrl", "titel": "x"}]),
    ],
)
def test_the_schema_tells_wrong_cards(where: str, wrong: object, channel: TeamsChannel) -> None:
    """The oracle itself: a card with one mistake is refused."""
    payload = channel.render(post())
    payload["attachments"][0]["content"][where] = wrong
    assert faults_of(payload) != []


@hypothesis(max_examples=12, deadline=None)
@given(st.text(alphabet=HOSTILE + "\n", max_size=60), st.integers(0, 1500))
def test_any_text_makes_a_good_card_within_the_limit(text: str, times: int) -> None:
    """By the longest way in which the message could be written, and in UTF-8 under 28 KB by far."""
    hostile = clean(text)
    facts = {f"{number} {hostile}": hostile * 20 for number in range(20)}
    message = message_of(post(title=hostile * 10, text=clean(text * times), facts=facts))
    assert size(message) <= MAX_BYTES < 28 * 1024
    assert faults_of(message) == []


def test_facts_leave_room_for_the_words(channel: TeamsChannel) -> None:
    """The longest facts there can be: some are dropped, the words stand."""
    facts = {f"{number:02}" + "😀" * 58: "😀" * 200 for number in range(12)}
    message = channel.render(post(audience=Audience.internal, facts=facts))
    assert size(message) <= MAX_BYTES
    assert "Some orders fail at the moment. We are looking into it." in json.dumps(message)


def test_a_long_text_is_cut_at_a_sentence(channel: TeamsChannel) -> None:
    """Most of the room is used, and the last words are whole."""
    message = channel.render(post(text="Some orders fail. " * 4_000))
    assert MAX_BYTES - 100 < size(message) <= MAX_BYTES
    last = message["attachments"][0]["content"]["body"][-1]["inlines"][0]["text"]
    assert last.endswith("Some orders fail. …")


async def test_the_address_is_called_as_it_was_written(teams: FakeTeams, channel: TeamsChannel) -> None:
    """The signature's escapes stay; 202 is all that there is to know."""
    assert await channel.send(channel.render(post()), None, "key-1") == Sent(Ref({}))
    assert teams.counts() == {"key-1": 1}
    assert teams.paths == [HOOK]


OFF = (Rejected, Reason.gone, Scope.destination)
CLOSED = (Rejected, Reason.auth, Scope.destination)


@pytest.mark.parametrize(
    ("status", "code", "means"),
    [
        (400, "WorkflowTriggerIsNotEnabled", OFF),
        (400, "TriggerInputSchemaMismatch", (Rejected, Reason.content, Scope.delivery)),
        (401, "DirectApiAuthorizationRequired", CLOSED),
        (403, "AuthorizationFailed", CLOSED),
        (404, "WorkflowNotFound", OFF),
        (410, "Gone", OFF),
        (429, "WorkflowRunActionRepetitionQuotaExceeded", (Retry, Reason.rate_limited, Scope.delivery)),
        (502, "NoResponse", (Unknown, Reason.server, None)),
    ],
)
async def test_error_codes(
    status: int,
    code: str,
    means: tuple[type[Outcome], Reason, Scope | None],
    teams: FakeTeams,
    channel: TeamsChannel,
) -> None:
    """A flow that is off or gone stops the destination, with a remedy; the rest follows the status."""
    body = json.dumps({"error": {"code": code, "message": f"no {SIGNATURE}"}})
    teams.script(Fault(status, body, {**JSON, "Retry-After": "17"}))
    found = await channel.send(channel.render(post()), None, "key-1")
    assert not isinstance(found, Sent)
    assert (type(found), found.reason, getattr(found, "scope", None)) == means
    assert code in found.detail
    assert ("is the workflow on" in found.detail) is (means in (OFF, CLOSED))


async def test_a_200_is_not_taken_for_a_post(teams: FakeTeams, channel: TeamsChannel) -> None:
    """The old connectors put a refusal into a 200; nobody knows what a stranger's 200 means."""
    teams.script(Fault(200, "Webhook message delivery failed with error: ... HTTP error 429"))
    assert isinstance(await channel.send(channel.render(post()), None, "key-1"), Unknown)


async def test_a_signature_in_an_answer_is_hidden(teams: FakeTeams, channel: TeamsChannel) -> None:
    """As it stands in the address, and as a server would decode it."""
    decoded = "aFakeSignature/OfAFlow_0123456789-abc="
    for secret in (SIGNATURE, decoded, teams.hook, "0123456789abcdef0123456789abcdef"):
        teams.script(Fault(400, json.dumps({"error": {"code": f"Bad {secret}"}}), JSON))
        found = await channel.send(channel.render(post()), None, "key-1")
        assert isinstance(found, Rejected)
        assert "[secret]" in found.detail
        assert secret not in found.detail


async def test_check_never_calls_the_flow(teams: FakeTeams, channel: TeamsChannel) -> None:
    """A trigger may take any method: only the host is asked whether it is there."""
    teams.enabled = False
    assert await channel.check() is None
    assert teams.calls == ["GET /"]
    found = await channel.send(channel.render(post()), None, "key-1")
    assert isinstance(found, Rejected)
    assert "WorkflowTriggerIsNotEnabled" in found.detail
