"""Slack: what a message looks like, its error words, threads, and reading back."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

from channels.mrkdwn import MAX_TEXT
from channels.slack import SlackChannel
from channels.slack_api import reference, root_of
from channels.slack_buttons import MAX_SECTION, blocks
from channels.slack_settings import Settings
from daemon.core.clock import HOUR, FakeClock
from daemon.core.ports import (
    CannotTell,
    NotThere,
    Outcome,
    Question,
    Reason,
    Ref,
    Rejected,
    Retry,
    Scope,
    Sent,
    Standing,
    Unknown,
)
from daemon.core.words import Audience
from tests.channels.posts import AT, post, settings
from tests.fakes import faults
from tests.fakes.faults import JSON, Fault
from tests.fakes.slack import CHANNEL, TOKEN, FakeSlack


def bot(slack: FakeSlack, session: aiohttp.ClientSession, clock: FakeClock, **more: bool) -> SlackChannel:
    found = settings(
        name="ops",
        kind="slack",
        audience="internal",
        token=TOKEN,
        channel=CHANNEL,
        api_url=slack.api,
        timeout=1.0,
        **more,
    )
    assert isinstance(found, Settings)
    return SlackChannel(found, session, clock)


async def test_the_bot_can_more_than_the_webhook(
    slack: FakeSlack, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """A token reads back and threads; a webhook does neither, so doubt is held."""
    able = bot(slack, session, clock).capabilities
    assert (able.on_doubt, able.can_find, able.threads) == ("read_back", True, True)
    assert able.can_edit is able.shows_state is True
    form = settings(name="hook", kind="slack", webhook_url=slack.hook)
    assert isinstance(form, Settings)
    less = SlackChannel(form, session, clock).capabilities
    assert (less.on_doubt, less.can_find, less.threads) == ("hold", False, False)
    assert less.can_edit is less.shows_state is False
    other = settings(name="hook", kind="slack", webhook_url=slack.hook, on_doubt="resend")
    assert isinstance(other, Settings)
    assert SlackChannel(other, session, clock).capabilities.on_doubt == "resend"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "either token and channel, or webhook_url"),
        ({"token": TOKEN}, "either token and channel, or webhook_url"),
        ({"channel": CHANNEL}, "either token and channel, or webhook_url"),
        (
            {"token": TOKEN, "channel": CHANNEL, "webhook_url": "https://hooks.slack.com/x"},
            "either token and channel",
        ),
        ({"token": TOKEN, "channel": "#ops"}, "channel's ID"),
        ({"token": TOKEN, "channel": CHANNEL, "on_doubt": "hold"}, "no effect with a token"),
        ({"token": TOKEN + "\n", "channel": CHANNEL}, "line ends"),
        ({"webhook_url": "http://hooks.slack.com/services/x"}, "https"),
        ({"token": TOKEN, "channel": CHANNEL, "api_url": "http://example.com/api"}, "https"),
        ({"token": TOKEN, "channel": CHANNEL, "tokn": "x"}, "Extra inputs"),
        ({"token": TOKEN, "channel": CHANNEL, "buttons": True}, "audience: internal"),
        (
            {"webhook_url": "https://hooks.slack.com/x", "audience": "internal", "buttons": True},
            "need a token",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else ",".join(value) or "nothing",
)
def test_wrong_settings_say_what_to_write(fields: dict[str, Any], says: str) -> None:
    """Exactly one form, an ID for the channel, https; and no secret in the message."""
    with pytest.raises(ValidationError, match=says) as found:
        settings(name="ops", kind="slack", **fields)
    assert TOKEN not in str(found.value)


async def test_a_message_has_title_standing_words_facts_and_link(
    slack: FakeSlack, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """An internal channel sees the incident's number, the mention as text, the facts; nothing unfurls."""
    channel = bot(slack, session, clock)
    payload = channel.render(
        post(audience=Audience.internal, mention="@comms-oncall", facts={"region": "eu <1>"})
    )
    message = payload["message"]
    assert message["text"].splitlines() == [
        "*INC-42 Checkout errors*",
        "Investigating · major impact",
        "@comms-oncall Some orders fail at the moment. We are looking into it.",
        "• region: eu &lt;1&gt;",
        "<https://status.example.com/incidents/abc123def456|Status page>",
    ]
    assert message["unfurl_links"] is message["unfurl_media"] is False
    assert "link_names" not in message
    assert message["metadata"]["event_payload"]["key"] == "key-1"


async def test_a_first_message_says_since_when(
    slack: FakeSlack, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """In each reader's own zone; by webhook, where nothing can be edited, it is left out."""
    shown = post(standing=Standing(since=AT - 90_500, said_at=AT))
    payload = bot(slack, session, clock).render(shown)
    text = payload["message"]["text"]
    read = bot(slack, session, clock).shown(payload).text
    assert "Since 2027-01-01 09:58 UTC · last update 2027-01-01 10:00 UTC\n" in read
    assert text.splitlines()[2] == (
        "Since <!date^1798797509^{date_short_pretty} {time}|2027-01-01 09:58 UTC>"
        " · last update <!date^1798797600^{date_short_pretty} {time}|2027-01-01 10:00 UTC>"
    )
    form = settings(name="hook", kind="slack", webhook_url=slack.hook)
    assert isinstance(form, Settings)
    assert "Since" not in SlackChannel(form, session, clock).render(shown)["message"]["text"]


@pytest.mark.parametrize("word", ["message_not_found", "cant_update_message", "edit_window_closed"])
async def test_what_cannot_be_edited_any_more(
    word: str, slack: FakeSlack, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """It is about this message alone: the channel goes on."""
    channel = bot(slack, session, clock)
    first = await channel.send(channel.render(post()), None, "key-1")
    assert isinstance(first, Sent)
    slack.script(Fault(200, json.dumps({"ok": False, "error": word}), JSON))
    assert await channel.edit(first.ref, channel.render(post())) == Rejected(Reason.gone, word)


async def test_an_edit_keeps_what_reading_back_looks_for(
    slack: FakeSlack, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """The metadata stays, names in the words are not looked up, and replies still find their thread."""
    channel = bot(slack, session, clock)
    first = await channel.send(channel.render(post()), None, "key-1")
    assert isinstance(first, Sent)
    assert await channel.edit(first.ref, channel.render(post(text="Ask @here."))) == first
    sent = json.loads(slack.tried[-1])
    assert (sent["parse"], sent["link_names"]) == ("none", False)
    assert set(sent) == {"channel", "ts", "text", "metadata", "parse", "link_names"}
    assert await channel.find(channel.render(post()), "key-1", clock.now()) == first.ref
    reply = channel.render(post(key="key-2", first=False))
    assert isinstance(await channel.send(reply, first.ref, "key-2"), Sent)
    assert slack.posts[1]["thread_ts"] == first.ref.ids["ts"]


async def test_questions_have_buttons_where_the_answers_are_wired(
    slack: FakeSlack, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Each button says what to do in its id and about what in its value; off by default."""
    asked = post(
        audience=Audience.internal,
        text="Shall this go out?\n" + "A line of words. " * 150,
        question=Question(("acknowledge", "approve", "veto"), "social", "public/social/a1"),
    )
    assert "blocks" not in bot(slack, session, clock).render(asked)["message"]
    channel = bot(slack, session, clock, buttons=True)
    assert "blocks" not in channel.render(post(audience=Audience.internal))["message"]
    message = channel.render(asked)["message"]
    *words, actions = message["blocks"]
    assert "\n".join(one["text"]["text"] for one in words) == message["text"]
    assert actions["block_id"] == "tocsin_answers"
    assert [one["action_id"] for one in actions["elements"]] == [
        "tocsin_acknowledge", "tocsin_approve", "tocsin_veto",
    ]  # fmt: skip
    assert {one["value"] for one in actions["elements"]} == {
        '{"incident": "INC-42", "step": "social", "occasion": "public/social/a1"}'
    }
    for block in message["blocks"]:  # Slack's own models know the limits
        check_block(block)
    assert isinstance(await channel.send(channel.render(asked), None, "key-1"), Sent)
    assert slack.posts[0]["blocks"] == message["blocks"]


def check_block(block: dict[str, Any]) -> None:
    """Slack's own models know the limits."""
    parsed = Block.parse(block)
    assert parsed is not None
    parsed.validate_json()


def test_slack_s_models_do_check() -> None:
    """Else the tests that lean on them would say nothing."""
    with pytest.raises(SlackObjectFormationError):
        check_block({"type": "section", "text": {"type": "mrkdwn", "text": "x" * (MAX_SECTION + 1)}})


@given(st.text(max_size=9_000), st.text(max_size=4))
def test_blocks_hold_any_words(text: str, name: str) -> None:
    """Each section is within Slack's limit, and a value that is too long makes no button."""
    for block in blocks(text, "INC-1", Question(("veto",), name * 600, "o")):
        check_block(block)


async def test_a_long_text_is_cut_without_half_an_entity(
    slack: FakeSlack, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """The limit holds for the escaped text, and no & is left without its end."""
    facts = {f"name {number}": "<&>" * 100 for number in range(40)}
    payload = bot(slack, session, clock).render(post(title="&" * 500, text="<&> " * 4000, facts=facts))
    text = payload["message"]["text"]
    assert len(text) <= MAX_TEXT
    bare = text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert "&" not in bare
    assert "…" in text


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ("invalid_auth", Rejected(Reason.auth, "invalid_auth", Scope.destination)),
        ("token_revoked", Rejected(Reason.auth, "token_revoked", Scope.destination)),
        ("missing_scope", Rejected(Reason.auth, "missing_scope", Scope.destination)),
        ("channel_not_found", Rejected(Reason.gone, "channel_not_found", Scope.destination)),
        ("is_archived", Rejected(Reason.gone, "is_archived", Scope.destination)),
        (
            "restricted_action_read_only_channel",
            Rejected(Reason.gone, "restricted_action_read_only_channel", Scope.destination),
        ),
        ("msg_too_long", Rejected(Reason.content, "msg_too_long")),
        ("no_text", Rejected(Reason.content, "no_text")),
        ("brand_new_error", Rejected(Reason.content, "brand_new_error")),
        ("ratelimited", Retry(Reason.rate_limited, "ratelimited", 7.0)),
        ("internal_error", Unknown(Reason.server, "internal_error")),
        ("fatal_error", Unknown(Reason.server, "fatal_error")),
        ("request_timeout", Unknown(Reason.server, "request_timeout")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_error_words_in_a_200(
    error: str, outcome: Outcome, slack: FakeSlack, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """HTTP 200 with ok false is Slack's form of an error."""
    channel = bot(slack, session, clock)
    slack.script(Fault(200, json.dumps({"ok": False, "error": error}), {**JSON, "Retry-After": "7"}))
    assert await channel.send(channel.render(post()), None, "key-1") == outcome


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (403, "action_prohibited", Reason.auth),
        (404, "no_service", Reason.gone),
        (404, "channel_not_found", Reason.gone),
        (410, "channel_is_archived", Reason.gone),
    ],
)
async def test_a_dead_webhook_stops_the_destination(
    status: int, body: str, reason: Reason, slack: FakeSlack, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Every later message would fail the same way: the operator is to know."""
    form = settings(name="hook", kind="slack", webhook_url=slack.hook)
    assert isinstance(form, Settings)
    channel = SlackChannel(form, session, clock)
    slack.script(Fault(status, body))
    outcome = await channel.send(channel.render(post()), None, "key-1")
    assert outcome == Rejected(reason, f"{status} {body}", Scope.destination)


async def test_replies_stand_in_the_thread_and_are_found_there(
    slack: FakeSlack, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """A lost reply is found by its parent; without the parent nobody claims that it is not there."""
    channel = bot(slack, session, clock)
    first = await channel.send(channel.render(post()), None, "key-1")
    assert isinstance(first, Sent)
    clock.advance(3 * HOUR)
    slack.script(faults.hang_after)
    reply = channel.render(post(key="key-2", text="Orders work again.", first=False))
    assert isinstance(await channel.send(reply, first.ref, "key-2"), Unknown)
    assert slack.posts[1]["thread_ts"] == first.ref.ids["ts"]
    found = await channel.find(reply, "key-2", clock.now(), first.ref)
    assert found == Ref({"channel": CHANNEL, "ts": slack.posts[1]["ts"], "thread": first.ref.ids["ts"]})
    assert isinstance(await channel.find(reply, "key-2", clock.now()), CannotTell)
    assert await channel.find(reply, "key-3", clock.now(), first.ref) == NotThere()


async def test_reading_back_walks_every_page(
    slack: FakeSlack, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """A busy channel has pages: the post is found on the third, and absence needs the last."""
    channel = bot(slack, session, clock)
    sent = await channel.send(channel.render(post()), None, "key-1")
    assert isinstance(sent, Sent)
    for number in range(250):
        slack._stored(CHANNEL, {"text": f"chatter {number}"})
    assert await channel.find(channel.render(post()), "key-1", clock.now()) == sent.ref
    calls = len(slack.calls)
    assert await channel.find(channel.render(post()), "key-9", clock.now()) == NotThere()
    assert len(slack.calls) - calls == 3
    for number in range(2_000):
        slack._stored(CHANNEL, {"text": f"more {number}"})
    assert isinstance(await channel.find(channel.render(post()), "key-9", clock.now()), CannotTell)


async def test_check_names_the_wrong_credential_and_the_wrong_channel(
    slack: FakeSlack, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """The operator reads Slack's own word and which call it answered."""
    channel = bot(slack, session, clock)
    slack.channels.clear()
    assert await channel.check() == "Slack answered channel_not_found to conversations.history"
    slack.token = "xoxb-another"
    assert await channel.check() == "Slack answered invalid_auth to auth.test"


def test_an_answer_to_an_answer_names_the_root() -> None:
    """Every post of an incident stands in one thread, whichever post it answers."""
    first = reference("C1", "1.0", None)
    second = reference("C1", "2.0", root_of(first))
    assert root_of(first) == "1.0"
    assert root_of(second) == "1.0"
    assert root_of(None) is None
