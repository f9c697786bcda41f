"""Discord: what a message looks like, its error codes, replies, nonces, edits, and reading back."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from pydantic import ValidationError

from channels.discord import DiscordChannel
from channels.discord_api import PAGES
from channels.discord_markdown import MAX_TEXT, said
from channels.discord_settings import Settings
from channels.fit import units
from channels.markdown import escape
from channels.plain import clean
from daemon.core.clock import HOUR, MINUTE, FakeClock
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
from tests.fakes import faults
from tests.fakes.discord import BOT, CHANNEL, HOOK, HOOK_ID, TOKEN, FakeDiscord
from tests.fakes.faults import JSON, Fault


def channel_of(session: aiohttp.ClientSession, clock: FakeClock, **fields: Any) -> DiscordChannel:
    found = settings(name="community", kind="discord", timeout=3.0, **fields)
    assert isinstance(found, Settings)
    return DiscordChannel(found, session, clock)


@pytest.fixture
def bot(discord: FakeDiscord, session: aiohttp.ClientSession, clock: FakeClock) -> DiscordChannel:
    return channel_of(session, clock, token=TOKEN, channel=CHANNEL, api_url=discord.api, audience="internal")


@pytest.fixture
def hook(discord: FakeDiscord, session: aiohttp.ClientSession, clock: FakeClock) -> DiscordChannel:
    return channel_of(session, clock, webhook_url=discord.hook)


def test_the_bot_can_more_than_the_webhook(
    bot: DiscordChannel, hook: DiscordChannel, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """A bot has a key, reads back and replies; a webhook does none of it, so doubt is held."""
    able, less = bot.capabilities, hook.capabilities
    assert (able.on_doubt, able.idempotency, able.can_find, able.threads) == (
        "read_back",
        "native",
        True,
        True,
    )
    assert (less.on_doubt, less.idempotency, less.can_find, less.threads) == ("hold", "none", False, False)
    assert able.per_minute == less.per_minute == 30
    other = channel_of(session, clock, webhook_url="https://discord.com" + HOOK, on_doubt="resend")
    assert other.capabilities.on_doubt == "resend"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "either token and channel, or webhook_url"),
        ({"token": TOKEN}, "either token and channel, or webhook_url"),
        ({"token": TOKEN, "channel": CHANNEL, "webhook_url": "https://discord.com" + HOOK}, "either token"),
        ({"token": TOKEN, "channel": "#status"}, "write the ID"),
        ({"token": TOKEN, "channel": CHANNEL, "on_doubt": "hold"}, "no effect with a token"),
        ({"token": TOKEN, "channel": CHANNEL, "thread": CHANNEL}, "thread goes with webhook_url"),
        ({"webhook_url": "http://discord.com" + HOOK}, "https"),
        ({"webhook_url": "https://discord.com/api/webhooks/1/2/slack"}, "copy it from"),
        ({"webhook_url": "https://discord.com" + HOOK + "?wait=false"}, "query"),
    ],
    ids=lambda value: value if isinstance(value, str) else ",".join(value) or "nothing",
)
def test_wrong_settings_say_what_to_write(fields: dict[str, str], says: str) -> None:
    """Exactly one form, an ID for the channel, the whole address of a webhook; no secret in the message."""
    with pytest.raises(ValidationError, match=says) as found:
        settings(name="community", kind="discord", **fields)
    assert TOKEN not in str(found.value)
    assert HOOK not in str(found.value)


def test_a_message_has_title_standing_words_facts_and_link(bot: DiscordChannel, hook: DiscordChannel) -> None:
    """An internal channel sees number, mention as text and facts; nobody is called, nothing unfolds."""
    payload = bot.render(post(audience=Audience.internal, mention="@comms", facts={"region": "eu_<1>"}))
    mark = payload["nonce"]
    assert payload["message"]["content"].split("\n") == [
        "**INC-42 Checkout errors**",
        "Investigating · major impact",
        "\\@comms Some orders fail at the moment. We are looking into it.",
        "• region: eu\\_\\<1\\>",
        f"-# [Status page](<https://status.example.com/incidents/abc123def456#{mark}>)",
    ]
    assert payload["message"]["allowed_mentions"] == {"parse": []}
    assert payload["message"]["flags"] == 4
    assert len(mark) <= 25
    assert hook.render(post())["message"]["content"].endswith(
        "-# [Status page](<https://status.example.com/incidents/abc123def456>)"
    )
    assert bot.render(post(page_url=""))["message"]["content"].endswith(f"-# {mark}")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("**b** _i_ ~~s~~ ||x|| `c`", r"\*\*b\*\* \_i\_ \~\~s\~\~ \|\|x\|\| \`c\`"),
        ("# big\n-# small\n> quote", "\\# big\n\\-\\# small\n\\> quote"),
        ("- one\n+ two\n 3. three\n1.5 s", "\\- one\n\\+ two\n 3\\. three\n1.5 s"),
        ("@everyone <@1> <#2> <:a:3> <t:4>", r"\@everyone \<\@1\> \<\#2\> \<:a:3\> \<t:4\>"),
        ("[safe](https://evil.example/a_b)", r"\[safe\](https://evil.example/a_b)"),
        ("see https://a.example/x_y_z?q=1#f.", "see https://a.example/x_y_z?q=1#f."),
        ("back\\slash", "back\\\\slash"),
    ],
)
def test_markup_is_only_text(text: str, shown: str) -> None:
    """Each mark of Discord's gets a backslash; addresses stay whole."""
    assert escape(text) == shown


def test_facts_leave_room_for_the_words(bot: DiscordChannel) -> None:
    """The longest facts there can be: some are dropped, the words stand."""
    facts = {f"{number:02}" + "_" * 58: "_" * 200 for number in range(12)}
    content = bot.render(post(audience=Audience.internal, facts=facts))["message"]["content"]
    assert units(content) <= MAX_TEXT
    assert "Some orders fail at the moment. We are looking into it." in content


@hypothesis(max_examples=60, deadline=None)
@given(st.text(alphabet="a *_~`|<>[]@#\\-+.1\n😀é&", max_size=3000))
def test_any_text_keeps_within_the_limit(text: str) -> None:
    """By Discord's count, with the escapes; and the end mark is whole."""
    content = said(
        post(title=clean(text), text=clean(text), facts={f"{number}": text for number in range(12)}), "mark"
    )
    assert units(content) <= MAX_TEXT
    assert content.endswith("-# [Status page](<https://status.example.com/incidents/abc123def456#mark>)")


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (404, 10003, Rejected(Reason.gone, "404 10003 words", Scope.destination)),
        (403, 50001, Rejected(Reason.auth, "403 50001 words", Scope.destination)),
        (403, 50013, Rejected(Reason.auth, "403 50013 words", Scope.destination)),
        (400, 160002, Rejected(Reason.auth, "400 160002 words", Scope.destination)),
        (400, 160005, Rejected(Reason.gone, "400 160005 words", Scope.destination)),
        (400, 50035, Rejected(Reason.content, "400 50035 words")),
        (404, 10008, Rejected(Reason.gone, "404 10008 words")),
        (429, 20028, Retry(Reason.rate_limited, "429 20028 words", 7.5)),
        (400, 40062, Retry(Reason.rate_limited, "400 40062 words", 7.5)),
        (500, 10003, Unknown(Reason.server, "500 10003 words")),
    ],
)
async def test_error_codes(
    status: int, code: int, outcome: Outcome, discord: FakeDiscord, bot: DiscordChannel
) -> None:
    """Discord's codes say more than the status; a wait stands in the body."""
    body = {"code": code, "message": "words", "retry_after": 7.5, "global": False}
    discord.script(Fault(status, json.dumps(body), JSON))
    assert await bot.send(bot.render(post()), None, "key-1") == outcome


@pytest.mark.parametrize(("status", "code"), [(404, 10015), (404, None), (401, 50027), (403, 50013)])
async def test_a_dead_webhook_stops_the_destination(
    status: int, code: int | None, discord: FakeDiscord, hook: DiscordChannel
) -> None:
    """Whoever goes on calling it is banned: the operator is to know at once."""
    discord.script(Fault(status, json.dumps({"code": code, "message": "no"}), JSON))
    outcome = await hook.send(hook.render(post()), None, "key-1")
    assert isinstance(outcome, Rejected)
    assert outcome.scope is Scope.destination


async def test_the_resend_carries_the_same_nonce(discord: FakeDiscord, bot: DiscordChannel) -> None:
    """Discord then answers with the message that it has; after a deletion it posts no second one either."""
    payload = bot.render(post())
    discord.script(faults.cut_before_answer)
    assert isinstance(await bot.send(payload, None, "key-1"), Unknown)
    again = await bot.send(payload, None, "key-1")
    assert isinstance(again, Sent)
    assert again.ref.ids["id"] == discord.posts[0]["id"]
    assert len(discord.posts) == 1
    discord.forget(again.ref.ids["id"])
    deleted = await bot.send(payload, None, "key-1")
    assert deleted == Rejected(Reason.gone, "404 10008 Unknown Message")
    assert discord.posts == []


async def test_replies_go_to_the_first_message_and_are_found(
    discord: FakeDiscord, bot: DiscordChannel, clock: FakeClock
) -> None:
    """An answer to an answer names the incident's first message, also when it was found by reading back."""
    first = await bot.send(bot.render(post()), None, "key-1")
    assert isinstance(first, Sent)
    root = first.ref.ids["id"]
    clock.advance(3 * HOUR)
    reply = bot.render(post(key="key-2", text="Orders work again.", first=False))
    discord.script(faults.hang_after)
    assert isinstance(await bot.send(reply, first.ref, "key-2"), Unknown)
    found = await bot.find(reply, "key-2", clock.now(), first.ref)
    assert found == Ref({"channel": CHANNEL, "id": discord.posts[1]["id"], "root": root})
    assert isinstance(found, Ref)
    third = await bot.send(bot.render(post(key="key-3", first=False)), found, "key-3")
    assert isinstance(third, Sent)
    references = [one["message_reference"] for one in discord.posts]
    assert references == [None, *[{"message_id": root, "fail_if_not_exists": False}] * 2]


async def test_the_same_words_of_another_delivery_are_not_ours(
    discord: FakeDiscord, bot: DiscordChannel, clock: FakeClock
) -> None:
    """Holding updates repeat their words: the link's fragment tells deliveries apart; so does the author."""
    assert isinstance(await bot.send(bot.render(post()), None, "key-1"), Sent)
    unsent = bot.render(post(key="key-2"))
    assert await bot.find(unsent, "key-2", clock.now()) == NotThere()
    discord._stored(CHANNEL, {"content": unsent["message"]["content"], "author": "1400000000000000001"})
    assert await bot.find(unsent, "key-2", clock.now()) == NotThere()


@pytest.mark.parametrize("page_url", ["https://status.example.com/i", "https://status.example.com/#i", ""])
async def test_an_edited_message_is_not_taken_for_the_later_post(
    page_url: str, discord: FakeDiscord, bot: DiscordChannel, clock: FakeClock
) -> None:
    """The first message is made to say what a later one says, and that one was never sent."""
    first = await bot.send(bot.render(post(page_url=page_url)), None, "key-1")
    assert isinstance(first, Sent)
    later = bot.render(post(key="key-2", text="Over.", page_url=page_url))
    assert isinstance(await bot.edit(first.ref, later), Sent)
    assert "Over." in discord.posts[0]["content"]
    assert not discord.posts[0]["content"].endswith("-# ")
    assert await bot.find(later, "key-2", clock.now()) == NotThere()


async def test_reading_back_walks_every_page(
    discord: FakeDiscord, bot: DiscordChannel, clock: FakeClock
) -> None:
    """A busy channel has pages: the post is found on the third, and absence needs the end of the list."""
    for number in range(250):
        discord._stored(CHANNEL, {"content": f"chatter {number}"})
    sent = await bot.send(bot.render(post()), None, "key-1")
    assert isinstance(sent, Sent)
    assert await bot.find(bot.render(post()), "key-1", clock.now()) == sent.ref
    assert await bot.find(bot.render(post(key="key-9")), "key-9", clock.now()) == NotThere()
    for number in range(PAGES * 100):
        discord._stored(CHANNEL, {"content": f"more {number}"})
    assert isinstance(await bot.find(bot.render(post(key="key-9")), "key-9", clock.now()), CannotTell)


async def test_an_empty_history_proves_nothing_by_itself(
    discord: FakeDiscord, bot: DiscordChannel, clock: FakeClock
) -> None:
    """Without the right to read it Discord shows an empty list; the channel's last message tells."""
    payload = bot.render(post())
    assert await bot.find(payload, "key-1", clock.now()) == NotThere()
    discord.shows_history = False
    assert isinstance(await bot.send(payload, None, "key-1"), Sent)
    assert isinstance(await bot.find(payload, "key-1", clock.now()), CannotTell)
    assert "Read Message History" in str(await bot.check())
    clock.advance(10 * MINUTE)
    assert await bot.find(bot.render(post(key="key-2")), "key-2", clock.now()) == NotThere()


async def test_the_webhook_waits_and_writes_into_its_thread(
    discord: FakeDiscord, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """With wait=true there is an id to edit by; the address needs no version; no thread, no post."""
    thread = "1200000000000000002"
    discord.channels.add(thread)
    hook = channel_of(session, clock, webhook_url=discord.hook, thread=thread)
    first = await hook.send(hook.render(post()), None, "key-1")
    assert isinstance(first, Sent)
    assert discord.posts[0]["author"] == HOOK_ID
    assert discord.posts[0]["channel_id"] == thread
    assert discord.posts[0]["allowed_mentions"] == {"parse": []}
    assert isinstance(await hook.edit(first.ref, hook.render(post(text="Over."))), Sent)
    assert "Over." in discord.posts[0]["content"]
    discord.channels.discard(thread)
    ended = await hook.send(hook.render(post()), None, "key-2")
    assert ended == Rejected(Reason.gone, "404 10003 Unknown Channel", Scope.destination)


async def test_too_many_edits_of_an_old_message_is_gone(
    discord: FakeDiscord, bot: DiscordChannel, hook: DiscordChannel
) -> None:
    """It cannot be changed any more, which is about this message alone; edits mention nobody either."""
    first = await bot.send(bot.render(post()), None, "key-1")
    assert isinstance(first, Sent)
    too_many = Fault(429, json.dumps({"code": 30046, "message": "max edits"}), JSON)
    for channel in (bot, hook):
        discord.script(too_many)
        found = await channel.edit(first.ref, bot.render(post()))
        assert found == Rejected(Reason.gone, "429 30046 max edits")
    assert isinstance(await bot.edit(first.ref, bot.render(post())), Sent)
    assert discord.posts[0]["allowed_mentions"] == {"parse": []}


async def test_check_names_the_wrong_credential_and_the_wrong_channel(
    discord: FakeDiscord, bot: DiscordChannel
) -> None:
    """The operator reads Discord's own words and which call it answered."""
    assert await bot.check() is None
    discord.channels.clear()
    assert await bot.check() == f"Discord answered 404 10003 Unknown Channel to /channels/{CHANNEL}"
    discord.token = "another"
    assert await bot.check() == "Discord answered 401 401: Unauthorized to /users/@me"
    assert BOT not in str(await bot.check())
