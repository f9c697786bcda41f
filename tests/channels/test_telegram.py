"""Telegram: what a message looks like, its words of refusal, replies, edits, and groups that move."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from pydantic import ValidationError

from channels.fit import units
from channels.plain import clean
from channels.telegram import Settings, TelegramChannel
from channels.telegram_html import MAX_TEXT, said
from daemon.core.clock import FakeClock
from daemon.core.ports import CannotTell, Outcome, Reason, Ref, Rejected, Retry, Scope, Sent, Unknown
from daemon.core.words import Audience
from tests.channels.posts import post, settings
from tests.fakes import faults
from tests.fakes.faults import JSON, Fault
from tests.fakes.telegram import CHAT, TOKEN, FakeTelegram

JOINER = "\u2060"


def channel_of(session: aiohttp.ClientSession, clock: FakeClock, **fields: Any) -> TelegramChannel:
    usual = {"name": "followers", "kind": "telegram", "timeout": 2.0, "token": TOKEN, "chat": CHAT}
    found = settings(**{**usual, **fields})
    assert isinstance(found, Settings)
    return TelegramChannel(found, session, clock)


@pytest.fixture
def channel(telegram: FakeTelegram, session: aiohttp.ClientSession, clock: FakeClock) -> TelegramChannel:
    return channel_of(session, clock, api_url=telegram.url, audience="internal")


def test_doubt_is_held(channel: TelegramChannel, session: aiohttp.ClientSession, clock: FakeClock) -> None:
    """It answers and edits, but a bot has no list of what it wrote; an operator may say resend."""
    able = channel.capabilities
    assert (able.on_doubt, able.idempotency, able.can_find) == ("hold", "none", False)
    assert (able.threads, able.can_edit, able.per_minute) == (True, True, 20)
    assert channel_of(session, clock, on_doubt="resend").capabilities.on_doubt == "resend"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"token": "123456"}, "as BotFather gave it"),
        ({"token": f"{TOKEN}/getMe?"}, "as BotFather gave it"),
        ({"token": f"{TOKEN}\n"}, "line ends"),
        ({"chat": 123456}, "begins with -"),
        ({"chat": "status"}, "@name"),
        ({"chat": "https://t.me/status"}, "@name"),
        ({"chat": True}, "string"),
        ({"topic": 0}, "greater than 0"),
        ({"api_url": "http://example.com"}, "https"),
    ],
)
def test_wrong_settings_say_what_to_write(fields: dict[str, Any], says: str) -> None:
    """A whole token that cannot bend the path, a channel or group, https; no secret in the message."""
    with pytest.raises(ValidationError, match=says) as found:
        settings(**{"name": "followers", "kind": "telegram", "token": TOKEN, "chat": CHAT, **fields})
    assert TOKEN not in str(found.value)


def test_a_message_has_title_standing_words_facts_and_link(channel: TelegramChannel) -> None:
    """Markup in texts is escaped, names with @ call nobody, and no link is unfolded."""
    payload = channel.render(
        post(
            title="a <b> & @everyone",
            text="Write to help@example.com or @support.",
            audience=Audience.internal,
            mention="@comms",
            facts={"region": "eu <1>"},
            page_url='https://status.example.com/i?a="1"&b=2',
        )
    )
    assert payload["text"].split("\n") == [
        f"<b>INC-42 a &lt;b&gt; &amp; @{JOINER}everyone</b>",
        "Investigating · major impact",
        f"@{JOINER}comms Write to help@example.com or @{JOINER}support.",
        "• region: eu &lt;1&gt;",
        '<a href="https://status.example.com/i?a=&quot;1&quot;&amp;b=2">Status page</a>',
    ]
    assert payload["parse_mode"] == "HTML"
    assert payload["link_preview_options"] == {"is_disabled": True}


@hypothesis(max_examples=60, deadline=None)
@given(st.text(alphabet='a @<>&".\n😀é', max_size=60), st.integers(0, 800))
def test_any_text_keeps_within_the_limit(text: str, times: int) -> None:
    """By Telegram's count, which is taken after parsing; and no tag or entity is cut."""
    facts = {f"{number} {text}": text * 9 for number in range(12)}
    shown = said(post(title=clean(text * 9), text=clean(text * times), facts=facts))
    bare = re.sub(r'</?b>|<a href="[^"]*">|</a>', "", shown)
    assert not re.search("[<>]", bare)
    assert not re.search("&(?!(lt|gt|amp);)", bare)
    assert units(html.unescape(bare)) <= MAX_TEXT
    assert bare.endswith("\nStatus page")


def test_facts_leave_room_for_the_words(channel: TelegramChannel) -> None:
    """The longest facts there can be: some are dropped, the words stand, and tags do not count."""
    facts = {f"{number:02}" + "😀" * 58: "😀" * 200 for number in range(12)}
    text = channel.render(post(audience=Audience.internal, facts=facts))["text"]
    assert units(text) <= MAX_TEXT + 100
    assert "Some orders fail at the moment. We are looking into it." in text
    whole = channel.render(post(text="<" * 3_900))["text"]
    assert whole.count("&lt;") == 3_900


NO_CHAT = (Rejected, Reason.gone, Scope.destination)
NO_RIGHT = (Rejected, Reason.auth, Scope.destination)
NO_TEXT = (Rejected, Reason.content, Scope.delivery)


@pytest.mark.parametrize(
    ("status", "words", "means"),
    [
        (400, "Bad Request: chat not found", NO_CHAT),
        (400, "Bad Request: TOPIC_CLOSED", NO_CHAT),
        (400, "Bad Request: not enough rights to send text messages to the chat", NO_RIGHT),
        (400, "Bad Request: need administrator rights in the channel chat", NO_RIGHT),
        (400, "Bad Request: message is too long", NO_TEXT),
        (400, "Bad Request: can't parse entities: Unsupported start tag", NO_TEXT),
        (401, "Unauthorized", NO_RIGHT),
        (403, "Forbidden: bot was kicked from the channel chat", NO_RIGHT),
        (404, "Not Found", NO_CHAT),
        (500, "Internal Server Error: sent message was not saved", (Unknown, Reason.server, None)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_refusals_in_words(
    status: int,
    words: str,
    means: tuple[type[Outcome], Reason, Scope | None],
    telegram: FakeTelegram,
    channel: TelegramChannel,
) -> None:
    """What is about the chat or the bot stops the destination; the operator reads Telegram's words."""
    body = json.dumps({"ok": False, "error_code": status, "description": words})
    telegram.script(Fault(status, body, JSON))
    found = await channel.send(channel.render(post()), None, "key-1")
    assert not isinstance(found, Sent)
    assert (type(found), found.reason, getattr(found, "scope", None)) == means
    assert words in found.detail


async def test_the_wait_stands_in_the_body(telegram: FakeTelegram, channel: TelegramChannel) -> None:
    """Telegram says it among the parameters; a proxy's header is read where there are none."""
    body = {"ok": False, "error_code": 429, "description": "Too Many Requests: retry after 35"}
    told = json.dumps({**body, "parameters": {"retry_after": 35}})
    telegram.script(Fault(429, told, JSON), Fault(429, json.dumps(body), {**JSON, "Retry-After": "7"}))
    first = await channel.send(channel.render(post()), None, "key-1")
    assert first == Retry(Reason.rate_limited, "429 Too Many Requests: retry after 35", 35.0)
    second = await channel.send(channel.render(post()), None, "key-1")
    assert isinstance(second, Retry)
    assert second.after == 7.0


async def test_an_ok_that_is_false_is_no_post(telegram: FakeTelegram, channel: TelegramChannel) -> None:
    """A 200 that says no, and one without a message, leave it open."""
    for body in (
        {"ok": False, "result": {"message_id": 1, "chat": {"id": CHAT}}},
        {"ok": True, "result": True},
    ):
        telegram.script(Fault(200, json.dumps(body), JSON))
        assert isinstance(await channel.send(channel.render(post()), None, "key-1"), Unknown)


async def test_replies_go_to_the_first_message(
    telegram: FakeTelegram, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """An answer to an answer names the incident's first message; a deleted one hinders nothing."""
    telegram.chats[CHAT]["username"] = "example_status"
    channel = channel_of(session, clock, api_url=telegram.url, chat="@example_status", topic=7)
    first = await channel.send(channel.render(post()), None, "key-1")
    assert first == Sent(Ref({"chat": str(CHAT), "id": "1", "root": "1"}, "https://t.me/example_status/1"))
    assert isinstance(first, Sent)
    second = await channel.send(channel.render(post(text="Two.")), first.ref, "key-2")
    assert isinstance(second, Sent)
    third = await channel.send(channel.render(post(text="Three.")), second.ref, "key-3")
    assert isinstance(third, Sent)
    assert [one["reply_to"] for one in telegram.posts] == [None, 1, 1]
    assert [one["topic"] for one in telegram.posts] == [7, 7, 7]
    assert not any(one["preview"] or one["mentions"] for one in telegram.posts)
    telegram.forget(1)
    assert isinstance(await channel.send(channel.render(post(text="Four.")), third.ref, "key-4"), Sent)
    assert telegram.posts[-1]["reply_to"] is None


async def test_a_group_that_moved_gets_the_post_once(
    telegram: FakeTelegram, channel: TelegramChannel
) -> None:
    """A group that became a supergroup has another id: Telegram names it, having posted nothing."""
    first = await channel.send(channel.render(post()), None, "key-1")
    assert isinstance(first, Sent)
    telegram.chats[-1009] = {"id": -1009, "type": "supergroup", "title": "Status"}
    telegram.moved[CHAT] = -1009
    calls = len(telegram.calls)
    later = await channel.send(channel.render(post(text="Two.")), first.ref, "key-2")
    assert later == Sent(Ref({"chat": "-1009", "id": "2", "root": "2"}))
    assert len(telegram.posts) == 2
    assert telegram.posts[1]["reply_to"] is None  # the old numbers mean other messages there
    assert len(telegram.calls) - calls == 2
    assert str(await channel.check()).endswith("to getChat; write chat: -1009")


async def test_doubt_cannot_be_settled(
    telegram: FakeTelegram, channel: TelegramChannel, clock: FakeClock
) -> None:
    """The post is there, and nobody can be asked."""
    telegram.script(faults.cut_before_answer)
    payload = channel.render(post())
    assert isinstance(await channel.send(payload, None, "key-1"), Unknown)
    assert len(telegram.posts) == 1
    assert isinstance(await channel.find(payload, "key-1", clock.now()), CannotTell)


async def test_an_edit_that_cannot_be_is_about_one_message(
    telegram: FakeTelegram, channel: TelegramChannel
) -> None:
    """Too old or deleted: the next post is not hindered."""
    first = await channel.send(channel.render(post()), None, "key-1")
    assert isinstance(first, Sent)
    body = {"ok": False, "error_code": 400, "description": "Bad Request: message can't be edited"}
    telegram.script(Fault(400, json.dumps(body), JSON))
    found = await channel.edit(first.ref, channel.render(post(text="Other.")))
    assert found == Rejected(Reason.gone, "400 Bad Request: message can't be edited")


@pytest.mark.parametrize(
    ("kind", "member", "says"),
    [
        ("channel", {"status": "administrator", "can_post_messages": True}, None),
        ("channel", {"status": "creator"}, None),
        ("channel", {"status": "administrator", "can_post_messages": False}, "may not post"),
        ("channel", {"status": "left"}, "not in"),
        ("supergroup", {"status": "member"}, None),
        ("supergroup", {"status": "kicked"}, "not in"),
        ("supergroup", {"status": "restricted", "can_send_messages": False}, "may not write"),
    ],
)
async def test_check_sees_whether_the_bot_may_write(
    kind: str, member: dict[str, Any], says: str | None, telegram: FakeTelegram, channel: TelegramChannel
) -> None:
    """Channels want an administrator, groups a member; nothing is posted to find out."""
    telegram.chats[CHAT]["type"] = kind
    telegram.member = member
    found = await channel.check()
    assert (found is None) if says is None else (says in str(found))
    assert telegram.posts == []


async def test_check_names_the_wrong_credential_and_the_wrong_chat(
    telegram: FakeTelegram, channel: TelegramChannel
) -> None:
    """The operator reads Telegram's own words and which call it answered."""
    telegram.chats.clear()
    assert await channel.check() == "Telegram answered 400 Bad Request: chat not found to getChat"
    telegram.token = "another"
    assert await channel.check() == "Telegram answered 401 Unauthorized to getMe"
