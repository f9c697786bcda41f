"""Statuspage alone: a PATCH is an update, metadata, markup."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from channels.statuspage_io import Settings, Statuspage, StatuspageChannel
from daemon.core.clock import MINUTE, FakeClock
from daemon.core.ports import NotThere, Ref, Sent
from tests.channels.posts import post, settings
from tests.fakes.hosted import PAGE
from tests.fakes.statuspage_io import TOKEN, FakeStatuspage


@pytest.fixture
async def statuspage(clock: FakeClock) -> AsyncIterator[FakeStatuspage]:
    async with FakeStatuspage(clock=clock) as fake:
        yield fake


@pytest.fixture
def channel(
    statuspage: FakeStatuspage, session: aiohttp.ClientSession, clock: FakeClock
) -> StatuspageChannel:
    fields = {"kind": "statuspage_io", "api_url": statuspage.api, "page": PAGE, "token": TOKEN}
    found = settings(name="mirror", **fields)
    assert isinstance(found, Settings)
    return StatuspageChannel(found, session, clock)


async def test_the_fake_makes_two_updates_of_the_same_patch_twice(
    statuspage: FakeStatuspage, session: aiohttp.ClientSession
) -> None:
    """As Statuspage does; and it refuses what its description does not have."""
    base = f"{statuspage.api}/pages/{PAGE}/incidents"
    session.headers["Authorization"] = f"OAuth {TOKEN}"
    first = {"incident": {"name": "n", "status": "investigating", "body": "b", "metadata": {"a": {"b": 1}}}}
    async with session.post(base, json=first) as answer:
        assert answer.status == 201
        name = (await answer.json())["id"]
    for wrong in (
        {"incident": {"name": "n", "body": 1}},
        {"incident": {"metadata": {"a": "b"}}},
        first["incident"],
    ):
        async with session.post(base, json=wrong) as answer:
            assert answer.status == 422
    for _ in range(2):
        async with session.patch(f"{base}/{name}", json={"incident": {"body": "again"}}) as answer:
            assert answer.status == 200
    async with session.get(f"{base}/{name}") as answer:
        shown = await answer.json()
    assert [one["body"] for one in shown["incident_updates"]] == ["again", "again", "b"]
    assert shown["metadata"] == {"a": {"b": 1}}


async def test_metadata_of_others_stays(
    statuspage: FakeStatuspage, channel: StatuspageChannel, clock: FakeClock
) -> None:
    """Our key is ours alone; an issue tracker's beside it survives our updates, and no notice goes out."""
    first = await channel.send(channel.render(post()), None, "key-1")
    assert isinstance(first, Sent)
    assert first.ref.url == f"https://stspg.io/{first.ref.ids['id']}"
    statuspage.posts[0]["metadata"]["jira"] = {"issue": "OPS-1"}
    clock.advance(MINUTE)
    await channel.send(channel.render(post(text="Found.", first=False)), first.ref, "key-2")
    assert statuspage.posts[-1]["metadata"] == {
        "jira": {"issue": "OPS-1"},
        "tocsin": {"incident": "abc123def456", "update": "key-2"},
    }
    assert [one["deliver_notifications"] for one in statuspage.posts] == [False, False]
    assert [one["impact"] for one in statuspage.posts] == ["major", "major"]
    assert b"component" not in b"".join(statuspage.bodies)  # without a map, what people put there stays


async def test_an_edited_update_is_known_by_its_key(
    statuspage: FakeStatuspage, channel: StatuspageChannel, clock: FakeClock
) -> None:
    """Somebody mends a typing error on the page before we look: the key says that it is ours."""
    first = await channel.send(channel.render(post()), None, "key-1")
    assert isinstance(first, Sent)
    payload = channel.render(post(text="Fonud.", first=False))
    second = await channel.send(payload, first.ref, "key-2")
    assert isinstance(second, Sent)
    statuspage.posts[-1]["text"] = "Found."
    assert await channel.find(payload, "key-2", clock.now(), first.ref) == second.ref
    assert await channel.find(payload, "key-3", clock.now(), first.ref) == NotThere()
    assert await channel.find(payload, "key-2", clock.now(), Ref({"id": "gone", "update": "x"})) == second.ref


@given(st.text(alphabet="<>[]()!:&ab/ \nhtps.", max_size=80))
@examples(max_examples=200, deadline=None)
def test_no_tag_and_no_link_survives(text: str) -> None:
    """Whether it renders HTML, Markdown or neither, a label is no tag and no link with another name."""
    found = settings(name="mirror", kind="statuspage_io", page=PAGE, token=TOKEN)
    assert isinstance(found, Settings)
    shown = Statuspage(found).escaped(text)
    assert not any(sign in shown for sign in ("<", ">", "](", "][", "]:"))
