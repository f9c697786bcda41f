"""Mastodon: its count and its limits, the key's hour, threads, and reading back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydantic import ValidationError

from channels.mastodon import MastodonChannel, Settings
from channels.mastodon_api import Limits
from daemon.core.clock import MINUTE, FakeClock
from daemon.core.ports import CannotTell, NotThere, Reason, Ref, Rejected, Scope, Sent, Unknown
from tests.channels.posts import post, settings
from tests.channels.test_fit import FAMILY, LINK, TEXTS
from tests.fakes import faults
from tests.fakes.faults import Fault
from tests.fakes.mastodon import TOKEN, FakeMastodon, countable


@pytest.fixture
async def mastodon(clock: FakeClock) -> AsyncIterator[FakeMastodon]:
    async with FakeMastodon(clock=clock) as fake:
        yield fake


def channel_of(
    mastodon: FakeMastodon, session: aiohttp.ClientSession, clock: FakeClock, **fields: object
) -> MastodonChannel:
    usual = {"api_url": mastodon.url, "token": TOKEN, "timeout": 5.0}
    found = settings(name="fedi", kind="mastodon", **{**usual, **fields})
    assert isinstance(found, Settings)
    return MastodonChannel(found, session, clock)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("Orders fail.", 12),
        (LINK, 23),
        (f"See {LINK} now", 31),
        ("https://example.com/" + "a" * 200, 23),
        ("status.example.com", 18),
        ("@status@example.social is up", 13),
        ("a@example.com", 13),
        (FAMILY, 1),
        ("日本", 2),
    ],
)
def test_usual_things_are_counted_as_the_server_does(text: str, count: int) -> None:
    """An address is 23, a mention has no host, an emoji of many parts is one."""
    assert Limits().count(text) == count == countable(text) or text == "a@example.com"


@given(TEXTS | st.text(alphabet="ab@._/: \nhttps", max_size=60))
@examples(max_examples=300, deadline=None)
def test_the_count_is_never_below_the_servers(text: str) -> None:
    """The server would refuse what we under-count."""
    assert Limits().count(text) >= countable(text)


@pytest.mark.parametrize("characters", [200, 500, 5_000])
async def test_the_limit_is_the_servers_own(
    characters: int, mastodon: FakeMastodon, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Mastodon's 500 until the server was asked, its own number after, asked once; the link stays whole."""
    mastodon.characters = characters
    channel = channel_of(mastodon, session, clock)
    assert channel.capabilities.max_length == 500
    assert await channel.check() is None
    assert channel.capabilities.max_length == characters
    words = channel.render(post(text="Some orders fail. " * 600))["status"]
    assert characters - 60 < countable(words) <= characters
    assert words.endswith(f"… {LINK}")
    assert isinstance(await channel.send(channel.render(post()), None, "key-1"), Sent)
    assert mastodon.calls.count("GET /api/v2/instance") == 1


async def test_the_limits_are_learnt_by_posting(
    mastodon: FakeMastodon, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Nobody has to check first: the first answer, good or too long, brings them; a dead end brings none."""
    mastodon.characters = 100
    channel = channel_of(mastodon, session, clock)
    mastodon.script(Fault(503))
    assert isinstance(await channel.send(channel.render(post()), None, "key-1"), Unknown)
    assert channel.capabilities.max_length == 500
    long = channel.render(post(text="word " * 60))
    refused = await channel.send(long, None, "key-1")
    assert refused == Rejected(Reason.content, "422 Validation failed: Text character limit of 100 exceeded")
    assert channel.capabilities.max_length == 100
    assert isinstance(await channel.send(channel.render(post(text="word " * 60)), None, "key-2"), Sent)


@pytest.mark.parametrize("characters", ["many", None, 0, -1, [500]])
async def test_a_server_that_does_not_say_has_mastodons_limits(
    characters: Any, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """An odd answer about limits changes nothing."""
    fake = FakeMastodon(clock=clock)
    fake.characters = characters
    async with fake:
        channel = channel_of(fake, session, clock)
        assert await channel.check() is None
        assert channel.capabilities.max_length == 500


async def test_a_post_has_the_visibility_and_language_of_the_settings(
    mastodon: FakeMastodon, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """And the words and the link, in each post."""
    channel = channel_of(mastodon, session, clock, visibility="unlisted", language="de")
    await channel.send(channel.render(post(first=False)), None, "key-1")
    held = mastodon.posts[0]
    assert (held["visibility"], held["language"]) == ("unlisted", "de")
    assert held["text"] == f"Some orders fail at the moment. We are looking into it. {LINK}"


async def test_strangers_are_not_called(
    mastodon: FakeMastodon, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """A label cannot make us mention an account, here or on another server."""
    channel = channel_of(mastodon, session, clock, mentions=["example"])
    words = channel.render(post(text="@everyone @a@b.social @example x@y.com", page_url=""))["status"]
    assert words == "@ everyone @ a@b.social @example x@y.com"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"api_url": "http://mastodon.example"}, "https"),
        ({"visibility": "direct"}, "visibility"),
        ({"language": "English"}, "language"),
        ({"audience": "internal"}, "audience"),
        ({"on_doubt": "resend"}, "on_doubt"),
        ({"token": "two words\n"}, "line ends"),
    ],
)
def test_wrong_settings_say_what_to_write(fields: dict[str, str], says: str) -> None:
    """And show no secret."""
    with pytest.raises(ValidationError, match=says) as found:
        settings(name="fedi", kind="mastodon", **{"api_url": "https://m.example", "token": TOKEN, **fields})
    assert TOKEN not in str(found.value)


def test_doubt_is_answered_by_looking_first(session: aiohttp.ClientSession, clock: FakeClock) -> None:
    """The key is good for an hour only, so it is the second line."""
    able = channel_of(FakeMastodon(port=1), session, clock).capabilities
    assert (able.on_doubt, able.idempotency) == ("read_back", "native")
    assert able.can_find
    assert able.threads


async def test_the_same_key_is_the_same_post_for_an_hour(
    mastodon: FakeMastodon, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """The resend after a lost answer gets the first post's name; after an hour it would be a second post."""
    channel = channel_of(mastodon, session, clock)
    payload = channel.render(post())
    mastodon.script(faults.hang_after)
    assert isinstance(await channel.send(payload, None, "key-1"), Unknown)
    clock.advance(49 * MINUTE)
    again = await channel.send(payload, None, "key-1")
    assert isinstance(again, Sent)
    assert again.ref == Ref({"id": mastodon.posts[0]["id"]}, f"{mastodon.url}/@status/{again.ref.ids['id']}")
    assert mastodon.counts() == {"key-1": 1}
    clock.advance(12 * MINUTE)
    await channel.send(payload, None, "key-1")
    assert mastodon.counts() == {"key-1": 2}


async def test_absence_counts_only_while_the_key_lives(
    mastodon: FakeMastodon, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Up to 50 minutes after the attempt "not there" lets it be sent again; later a person decides."""
    channel = channel_of(mastodon, session, clock)
    payload, began = channel.render(post()), clock.now()
    mastodon.script(faults.hang_after)
    await channel.send(payload, None, "key-1")
    mastodon.lists_nothing = True
    clock.advance(50 * MINUTE)
    assert await channel.find(payload, "key-1", began) == NotThere()
    clock.advance(1)
    assert isinstance(await channel.find(payload, "key-1", began), CannotTell)
    mastodon.lists_nothing = False
    assert isinstance(await channel.find(payload, "key-1", began), Ref)


async def test_own_posts_are_read_to_the_end_of_the_time(
    mastodon: FakeMastodon, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Found on a later page; not there after the last one or an older post; too many is no answer."""
    channel = channel_of(mastodon, session, clock)
    sent = await channel.send(channel.render(post(text="5 < 6 & @me\n\n“fine”")), None, "key-1")
    assert isinstance(sent, Sent)
    for number in range(90):
        mastodon._stored({"in_reply_to_id": "7"}, f"other {number}", "")
    words, began = channel.render(post(text="5 < 6 & @me\n\n“fine”")), clock.now()
    assert await channel.find(words, "key-1", began) == sent.ref
    assert await channel.find(channel.render(post(text="unsent")), "key-2", began) == NotThere()
    clock.advance(10 * MINUTE)
    assert await channel.find(words, "key-1", clock.now()) == NotThere()
    assert mastodon.calls[-1].endswith("/statuses")
    for number in range(200):
        mastodon._stored({"in_reply_to_id": "7"}, f"more {number}", "")
    assert isinstance(await channel.find(words, "key-1", clock.now()), CannotTell)


async def test_the_same_words_under_another_post_are_another_post(
    mastodon: FakeMastodon, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """One incident is one thread; read-back takes no twin from elsewhere in it for ours."""
    channel = channel_of(mastodon, session, clock)
    first = await channel.send(channel.render(post()), None, "key-1")
    assert isinstance(first, Sent)
    later = channel.render(post(text="Still looking.", first=False))
    second = await channel.send(later, first.ref, "key-2")
    assert isinstance(second, Sent)
    assert [one["reply_to"] for one in mastodon.posts] == [None, first.ref.ids["id"]]
    assert await channel.find(later, "key-2", clock.now(), first.ref) == second.ref
    assert await channel.find(later, "key-3", clock.now(), second.ref) == NotThere()
    mastodon.forget(second.ref.ids["id"])
    third = await channel.send(later, second.ref, "key-3")
    assert isinstance(third, Sent)
    assert mastodon.posts[-1]["reply_to"] is None
    assert await channel.find(later, "key-3", clock.now(), second.ref) == third.ref


async def test_a_revoked_token_stops_the_channel(
    mastodon: FakeMastodon, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Seen by check with the server's own words, by send, and no read-back claims anything."""
    channel = channel_of(mastodon, session, clock, token="another")
    says = "The access token is invalid"
    assert await channel.check() == f"Mastodon answered 401 {says} to accounts/verify_credentials"
    outcome = await channel.send(channel.render(post()), None, "key-1")
    assert outcome == Rejected(Reason.auth, f"401 {says}", Scope.destination)
    assert isinstance(await channel.find(channel.render(post()), "key-1", clock.now()), CannotTell)
