"""Bluesky: keys, facets in bytes, threads, sessions, and the same post put again."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydantic import ValidationError

from channels.bluesky import BlueskyChannel, record_key
from channels.bluesky_settings import Settings
from channels.fit import graphemes, octets
from daemon.core.clock import HOUR, MINUTE, FakeClock
from daemon.core.ports import CannotTell, NotThere, Reason, Ref, Rejected, Retry, Scope, Sent, Unknown
from tests.channels.posts import AT, post, settings
from tests.channels.test_fit import ADDRESSES, FAMILY, LINK, TEXTS
from tests.fakes import faults
from tests.fakes.bluesky import DID, HANDLE, PASSWORD, FakeBluesky
from tests.fakes.faults import JSON, Fault


@pytest.fixture
async def bluesky(clock: FakeClock) -> AsyncIterator[FakeBluesky]:
    async with FakeBluesky(clock=clock) as fake:
        yield fake


def channel_of(
    url: str, session: aiohttp.ClientSession, clock: FakeClock, **fields: object
) -> BlueskyChannel:
    usual = {"api_url": url, "identifier": HANDLE, "app_password": PASSWORD, "timeout": 3.0}
    found = settings(name="sky", kind="bluesky", **{**usual, **fields})
    assert isinstance(found, Settings)
    return BlueskyChannel(found, session, clock)


def sessions(bluesky: FakeBluesky) -> list[str]:
    """Which calls about sessions were made."""
    return [call.rpartition(".")[2] for call in bluesky.calls if ".server." in call]


def addresses(record: dict[str, object]) -> list[tuple[str, str]]:
    """What each facet covers, and where it leads."""
    text = str(record["text"]).encode()
    found = []
    for facet in record.get("facets", []):  # type: ignore[attr-defined] # JSON
        (feature,) = facet["features"]
        assert feature["$type"] == "app.bsky.richtext.facet#link"
        found.append((text[facet["index"]["byteStart"] : facet["index"]["byteEnd"]].decode(), feature["uri"]))
    return found


@given(st.integers(0, 4_102_444_800_000), st.text(max_size=40))
def test_record_keys_are_tids_in_the_order_of_time(at: int, key: str) -> None:
    """Thirteen sortable characters that begin within the six first bits, the same for the same delivery."""
    found = record_key(at, key)
    assert re.fullmatch("[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}", found)
    assert found == record_key(at, key) < record_key(at + 1, key)


def test_record_keys_of_one_moment_differ_by_delivery() -> None:
    """Two updates of one millisecond, or one on two channels, do not share a key."""
    assert len({record_key(AT, f"key-{number}") for number in range(200)}) == 200


@given(TEXTS | ADDRESSES)
@examples(max_examples=300, deadline=None)
def test_a_post_is_within_both_limits_and_links_what_it_shows(text: str) -> None:
    """300 graphemes and 3,000 bytes; each facet covers, byte by byte, the address that it leads to."""
    found = settings(name="s", kind="bluesky", identifier=HANDLE, app_password=PASSWORD)
    assert isinstance(found, Settings)
    channel = BlueskyChannel(found, None, FakeClock())  # type: ignore[arg-type] # rendering needs no session
    record = channel.render(post(text=text * 3))["record"]
    assert graphemes(record["text"]) <= 300
    assert octets(record["text"]) <= 3_000
    shown = addresses(record)
    assert all(covered == leads and leads.lower().startswith("http") for covered, leads in shown)
    assert LINK in text or (LINK, LINK) in shown


@pytest.mark.parametrize("text", ["word " * 100, "日本語" * 120, FAMILY * 299, "x" * 900], ids=len)
async def test_a_long_text_is_cut_and_has_its_link(
    text: str, bluesky: FakeBluesky, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Also in a follow-up, which has no link while it is whole."""
    channel = channel_of(bluesky.url, session, clock)
    record = channel.render(post(text=text, first=False))["record"]
    assert record["text"].endswith(f"… {LINK}")
    assert "facets" not in channel.render(post(first=False))["record"]
    assert isinstance(await channel.send(channel.render(post(text=text)), None, "key-1"), Sent)


def test_an_address_ends_before_its_full_stop(session: aiohttp.ClientSession, clock: FakeClock) -> None:
    """Offsets count bytes: an emoji before the address is four of them; points and brackets are no link."""
    channel = channel_of("http://127.0.0.1:1", session, clock)
    text = "🔥 é (https://a.example/x?b=1). HTTPS://B.EXAMPLE!"
    record = channel.render(post(text=text, first=False))["record"]
    assert addresses(record) == [
        ("https://a.example/x?b=1", "https://a.example/x?b=1"), ("HTTPS://B.EXAMPLE", "HTTPS://B.EXAMPLE")
    ]  # fmt: skip
    assert record["facets"][0]["index"] == {"byteStart": 9, "byteEnd": 32}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"identifier": "@status.example.com"}, "without @"),
        ({"identifier": "me@example.com"}, "handle"),
        ({"audience": "internal"}, "audience"),
        ({"on_doubt": "hold"}, "on_doubt"),
        ({"languages": ["a", "b", "c", "d"]}, "languages"),
        ({"app_password": "two words\n"}, "line ends"),
    ],
)
def test_wrong_settings_say_what_to_write(fields: dict[str, object], says: str) -> None:
    """And show no secret."""
    usual = {"identifier": HANDLE, "app_password": PASSWORD}
    with pytest.raises(ValidationError, match=says) as found:
        settings(name="sky", kind="bluesky", **{**usual, **fields})
    assert PASSWORD not in str(found.value)


def test_doubt_is_answered_by_the_same_post(session: aiohttp.ClientSession, clock: FakeClock) -> None:
    """Nobody has to look or to decide: the key is the post's for ever."""
    able = channel_of("http://127.0.0.1:1", session, clock).capabilities
    assert (able.on_doubt, able.idempotency) == ("resend", "native")
    assert able.can_find
    assert able.threads


async def test_the_same_post_again_is_the_same_post(
    bluesky: FakeBluesky, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """After any number of lost answers, and days later, there is one; its name is known in the end."""
    channel = channel_of(bluesky.url, session, clock, languages=["en"])
    payload = channel.render(post())
    for _ in range(2):
        bluesky.script(faults.hang_after)
        assert isinstance(await channel.send(payload, None, "key-1"), Unknown)
        clock.advance(24 * HOUR)
    sent = await channel.send(payload, None, "key-1")
    assert isinstance(sent, Sent)
    assert sent.ref.url == f"https://bsky.app/profile/{DID}/post/{payload['rkey']}"
    assert await channel.find(payload, "key-1", 0) == sent.ref
    assert [one["record"]["langs"] for one in bluesky.posts] == [["en"]]


async def test_replies_name_their_root_and_their_parent(
    bluesky: FakeBluesky, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """One incident is one thread; a deleted parent makes the reply a post of its own."""
    channel = channel_of(bluesky.url, session, clock)
    refs: list[Ref] = []
    for number in range(3):
        parent = refs[-1] if refs else None
        sent = await channel.send(channel.render(post(key=f"key-{number}")), parent, "")
        assert isinstance(sent, Sent)
        refs.append(sent.ref)
    first, second, third = (one["record"].get("reply") for one in bluesky.posts)
    names = [{"uri": ref.ids["uri"], "cid": ref.ids["cid"]} for ref in refs]
    assert first is None
    assert second == {"root": names[0], "parent": names[0]}
    assert third == {"root": names[0], "parent": names[1]}
    assert await channel.find(channel.render(post(key="key-2")), "", 0) == refs[2]
    bluesky.forget(bluesky.posts[2]["rkey"])
    alone = await channel.send(channel.render(post(key="key-9")), refs[2], "")
    assert isinstance(alone, Sent)
    assert "reply" not in bluesky.posts[-1]["record"]


async def test_a_post_that_got_through_under_another_parent_is_sent(
    bluesky: FakeBluesky, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """The key is taken by our own words: that is the proof; by other words it is a fault to look at."""
    channel = channel_of(bluesky.url, session, clock)
    first = await channel.send(channel.render(post(key="key-0")), None, "")
    assert isinstance(first, Sent)
    payload = channel.render(post(first=False))
    bluesky.script(faults.hang_after)
    assert isinstance(await channel.send(payload, None, "key-1"), Unknown)
    sent = await channel.send(payload, first.ref, "key-1")
    assert isinstance(sent, Sent)
    assert len(bluesky.posts) == 2
    other = {**payload, "record": {**payload["record"], "text": "re-worded"}}
    another = "another text stands under this post's key"
    assert await channel.send(other, None, "key-1") == Rejected(Reason.content, another)
    assert await channel.find(other, "key-1", 0) == CannotTell(another)
    assert bluesky.posts[1]["text"] == payload["record"]["text"]


async def test_a_session_is_kept_and_renewed(
    bluesky: FakeBluesky, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """One log-in; a dead access token costs one refresh; with both dead one more log-in."""
    channel = channel_of(bluesky.url, session, clock)
    for number in range(3):
        assert isinstance(await channel.send(channel.render(post(key=f"a{number}")), None, ""), Sent)
    assert sessions(bluesky) == ["createSession"]
    clock.advance(2 * HOUR)
    assert isinstance(await channel.send(channel.render(post(key="b")), None, ""), Sent)
    assert sessions(bluesky) == ["createSession", "refreshSession"]
    clock.advance(2 * HOUR)
    bluesky.refreshes.clear()
    assert isinstance(await channel.find(channel.render(post(key="c")), "c", 0), NotThere)
    assert sessions(bluesky)[2:] == ["refreshSession", "createSession"]


async def test_a_withdrawn_password_stops_the_channel(
    bluesky: FakeBluesky, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Before the first post and in mid-session; check names it; a new password needs no restart's help."""
    wrong = channel_of(bluesky.url, session, clock, app_password="another")
    says = "401 AuthenticationRequired Invalid identifier or password"
    assert await wrong.check() == f"Bluesky answered {says} to the app password"
    stopped = Rejected(Reason.auth, says, Scope.destination)
    assert await wrong.send(wrong.render(post()), None, "key-1") == stopped
    assert await wrong.find(wrong.render(post()), "key-1", 0) == CannotTell(says)
    channel = channel_of(bluesky.url, session, clock)
    assert await channel.check() is None
    bluesky.password = "changed"
    bluesky.refreshes.clear()
    clock.advance(2 * HOUR)
    assert await channel.send(channel.render(post()), None, "key-1") == stopped
    bluesky.password = PASSWORD
    clock.advance(5 * MINUTE)
    assert isinstance(await channel.send(channel.render(post()), None, "key-1"), Sent)
    assert len(bluesky.posts) == 1


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault(503), Retry(Reason.server, "503")),
        (Fault(200, "{}", JSON), Retry(Reason.server, "200")),
        (
            Fault(429, '{"error": "RateLimitExceeded"}', {**JSON, "ratelimit-reset": "1798797700"}),
            Retry(Reason.rate_limited, "429 RateLimitExceeded", 100.0),
        ),
        (
            Fault(401, '{"error": "AccountTakedown"}', JSON),
            Rejected(Reason.auth, "401 AccountTakedown", Scope.destination),
        ),
        (Fault(404, "no"), Rejected(Reason.gone, "404", Scope.destination)),
        (Fault(hangs=True), Retry(Reason.timeout, "no whole answer in time")),
    ],
    ids=["busy", "empty", "limit", "takedown", "no such server", "silent"],
)
async def test_trouble_with_the_session_posts_nothing(
    fault: Fault, outcome: object, bluesky: FakeBluesky, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """What fails before the post leaves no doubt about the post."""
    channel = channel_of(bluesky.url, session, clock)
    bluesky.session_faults.append(fault)
    assert await channel.send(channel.render(post()), None, "key-1") == outcome
    assert (bluesky.posts, bluesky.tried) == ([], [])


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ('{"error": "InvalidRequest", "message": "odd"}', Rejected(Reason.content, "400 InvalidRequest odd")),
        (
            '{"error": "AccountDeactivated", "message": ""}',
            Rejected(Reason.auth, "400 AccountDeactivated", Scope.destination),
        ),
    ],
    ids=["record", "account"],
)
async def test_refusals_of_a_post(
    body: str, outcome: object, bluesky: FakeBluesky, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """A bad record is this post's own trouble, an account's is the channel's."""
    channel = channel_of(bluesky.url, session, clock)
    bluesky.script(Fault(400, body, JSON))
    assert await channel.send(channel.render(post()), None, "key-1") == outcome


async def test_tokens_are_not_shown(
    bluesky: FakeBluesky, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Not even when the server repeats them."""
    channel = channel_of(bluesky.url, session, clock)
    assert await channel.check() is None
    (token,) = bluesky.refreshes
    bluesky.script(Fault(401, f'{{"error": "Odd", "message": "{token}"}}', JSON))
    outcome = await channel.send(channel.render(post()), None, "key-1")
    assert outcome == Rejected(Reason.auth, "401 Odd [secret]", Scope.destination)
