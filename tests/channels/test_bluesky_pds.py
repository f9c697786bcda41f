"""Bluesky against the reference server of its protocol, not against what we believe of it."""

from __future__ import annotations

import asyncio
import itertools
import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from channels.bluesky import BlueskyChannel
from channels.bluesky_settings import Settings
from daemon.core.clock import FakeClock
from daemon.core.ports import NotThere, Outcome, Reason, Ref, Rejected, Scope, Sent
from tests.channels.pds.server import reference_server
from tests.channels.posts import post, settings
from tests.channels.test_fit import FAMILY

pytestmark = [pytest.mark.external, pytest.mark.slow, pytest.mark.timeout(300)]
HANDLE = "status-page.test"
_NUMBERS = itertools.count()


@dataclass(frozen=True)
class Server:
    """A running server, its one account, and the main session that tests look in with."""

    url: str
    account: str
    token: str

    def call(self, method: str, body: object = None, **query: str) -> dict[str, Any]:
        """A call as the account's owner makes it, in an app of their own."""
        return _call(self.url, method, self.token, body, query)

    def app_password(self, name: str) -> str:
        return str(self.call("com.atproto.server.createAppPassword", {"name": name})["password"])

    def texts(self) -> list[str]:
        """All posts, newest first."""
        found = self.call(
            "com.atproto.repo.listRecords", repo=self.account, collection="app.bsky.feed.post", limit="100"
        )
        return [one["value"]["text"] for one in found["records"]]

    def revision(self) -> str:
        """The repository's newest commit; whatever was really written changes it."""
        return str(self.call("com.atproto.sync.getLatestCommit", did=self.account)["rev"])


def _call(url: str, method: str, token: str, body: object, query: dict[str, str]) -> dict[str, Any]:
    address = f"{url}/xrpc/{method}?{urllib.parse.urlencode(query)}"
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(address, data, headers), timeout=20) as answer:
        found: dict[str, Any] = json.loads(answer.read() or b"{}")
        return found


@pytest.fixture(scope="module")
def server(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir("atproto-pds")
    with reference_server(folder, tmp_path_factory.mktemp("pds")) as url:
        owner = {"handle": HANDLE, "email": "status@example.com", "password": "of the owner"}
        made = _call(url, "com.atproto.server.createAccount", "", owner, {})
        yield Server(url, made["did"], made["accessJwt"])


@pytest.fixture
def channel(server: Server, session: aiohttp.ClientSession, clock: FakeClock) -> BlueskyChannel:
    return channel_of(server, session, clock, server.app_password(f"app {next(_NUMBERS)}"))


def channel_of(
    server: Server, session: aiohttp.ClientSession, clock: FakeClock, password: str
) -> BlueskyChannel:
    found = settings(name="sky", kind="bluesky", api_url=server.url, identifier=HANDLE, app_password=password)
    assert isinstance(found, Settings)
    return BlueskyChannel(found, session, clock)


def reference(outcome: Outcome) -> Ref:
    assert isinstance(outcome, Sent), outcome
    return outcome.ref


async def test_one_post_however_often_it_is_put(
    channel: BlueskyChannel, server: Server, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Five at once, again, and by another process: one commit, one name, and it is found by its key."""
    payload = channel.render(post(key="once", text="Once."))
    assert await channel.check() is None
    assert await channel.find(payload, "once", 0) == NotThere()
    five = await asyncio.gather(*(channel.send(payload, None, "once") for _ in range(5)))
    first = reference(five[0])
    revision = server.revision()
    assert [reference(one) for one in five] == [first] * 5
    again = channel_of(server, session, clock, server.app_password("another process"))
    assert reference(await again.send(payload, None, "once")) == first
    assert await again.find(payload, "once", 0) == first
    assert server.revision() == revision
    assert len([text for text in server.texts() if text.startswith("Once.")]) == 1


async def test_other_words_under_the_same_key_are_refused(channel: BlueskyChannel, server: Server) -> None:
    """A re-rendered retry overwrites nothing."""
    payload = channel.render(post(key="swap", text="As it was."))
    reference(await channel.send(payload, None, "swap"))
    other = {**payload, "record": {**payload["record"], "text": "Re-worded."}}
    outcome = await channel.send(other, None, "swap")
    assert isinstance(outcome, Rejected)
    assert not any(text.startswith("Re-worded.") for text in server.texts())


async def test_a_thread_stands_as_the_server_takes_it(channel: BlueskyChannel, server: Server) -> None:
    """Root and parent by address and hash; an attempt that got through under another parent is recognised."""
    refs = [reference(await channel.send(channel.render(post(key="t0", text="Root.")), None, "t0"))]
    for number in (1, 2):
        payload = channel.render(post(key=f"t{number}", text=f"Reply {number}.", first=False))
        refs.append(reference(await channel.send(payload, refs[-1], "")))
        assert reference(await channel.send(payload, None, "")) == refs[-1]
        assert await channel.find(payload, "", 0) == refs[-1]
    assert refs[2].ids["root_uri"] == refs[0].ids["uri"]
    server.call(
        "com.atproto.repo.deleteRecord",
        {"repo": server.account, "collection": "app.bsky.feed.post", "rkey": refs[2].url.rpartition("/")[2]},
    )
    alone = reference(await channel.send(channel.render(post(key="t3", text="Alone.")), refs[2], ""))
    assert alone.ids["root_uri"] == alone.ids["uri"]


@pytest.mark.parametrize(
    "text",
    ["word " * 200, "日本語のお知らせ。" * 90, FAMILY * 299, "🔥 see https://a.example/x. " * 40, "x" * 900],
    ids=["words", "cjk", "families", "links", "run"],
)
async def test_the_longest_posts_are_taken(text: str, channel: BlueskyChannel) -> None:
    """What we cut to the limits the server finds within them, its facets too."""
    reference(await channel.send(channel.render(post(key=f"long {text[:9]}", text=text)), None, ""))


@pytest.mark.parametrize("text", ["x" * 301, FAMILY * 121], ids=["graphemes", "bytes"])
async def test_one_more_is_not_taken(text: str, channel: BlueskyChannel) -> None:
    """The limits that we cut to are the server's own."""
    payload = channel.render(post(key=f"more {text[:9]}"))
    payload["record"] = {**payload["record"], "text": text, "facets": []}
    outcome = await channel.send(payload, None, "")
    assert isinstance(outcome, Rejected)
    assert (outcome.reason, outcome.scope) == (Reason.content, Scope.delivery)
    assert "not be longer than" in outcome.detail or "too" in outcome.detail


async def test_a_dead_token_is_renewed_and_a_withdrawn_password_stops(
    server: Server, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """The server's own words for both lead where they should."""
    channel = channel_of(server, session, clock, server.app_password("to withdraw"))
    reference(await channel.send(channel.render(post(key="r0", text="Before.")), None, ""))
    channel._api._access = channel._api._access[:-6] + "AAAAAA"
    reference(await channel.send(channel.render(post(key="r1", text="Renewed.")), None, ""))
    server.call("com.atproto.server.revokeAppPassword", {"name": "to withdraw"})
    channel._api._access = channel._api._access[:-6] + "AAAAAA"
    outcome = await channel.send(channel.render(post(key="r2", text="After.")), None, "")
    assert isinstance(outcome, Rejected)
    assert (outcome.reason, outcome.scope) == (Reason.auth, Scope.destination)
    assert "AuthenticationRequired" in (await channel.check() or "")
