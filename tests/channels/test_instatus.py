"""Instatus alone: the incident's start is our mark."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import aiohttp
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from channels.instatus import Instatus, InstatusChannel, Settings
from daemon.core.clock import MINUTE, FakeClock, from_datetime
from daemon.core.ports import CannotTell, NotThere, Reason, Rejected, Scope, Sent
from tests.channels.posts import AT, post, settings
from tests.fakes.faults import JSON, Fault
from tests.fakes.hosted import PAGE
from tests.fakes.instatus import TOKEN, FakeInstatus


@pytest.fixture
async def instatus(clock: FakeClock) -> AsyncIterator[FakeInstatus]:
    async with FakeInstatus(clock=clock) as fake:
        yield fake


def found_settings(url: str) -> Settings:
    found = settings(name="mirror", kind="instatus", api_url=url, page=PAGE, token=TOKEN)
    assert isinstance(found, Settings)
    return found


async def test_two_incidents_of_one_moment_are_told_apart(
    instatus: FakeInstatus, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Opened in the same millisecond with the same words: their starts differ, and each finds its own."""
    channel = InstatusChannel(found_settings(instatus.url), session, clock)
    refs = []
    for name in ("abc123def456", "abc123def457"):
        sent = await channel.send(channel.render(post(public_id=name)), None, f"key-{name}")
        assert isinstance(sent, Sent)
        refs.append(sent.ref)
    assert len(instatus.incidents()) == 2
    for name, ref in zip(("abc123def456", "abc123def457"), refs, strict=True):
        payload = channel.render(post(public_id=name))
        assert await channel.find(payload, f"key-{name}", clock.now(), None) == ref
        later = channel.render(post(public_id=name, text=f"{name} found.", first=False))
        again = await channel.send(later, None, "key-x")
        assert isinstance(again, Sent)
        assert again.ref.ids["id"] == ref.ids["id"]
    assert [one["notify"] for one in instatus.posts] == [False] * 4


@given(st.integers(), st.integers(AT, AT + 10 * MINUTE))
@examples(max_examples=50, deadline=None)
def test_the_start_is_less_than_a_minute_early(number: int, began: int) -> None:
    """Never after the true one, and the same each time."""
    dialect = Instatus(found_settings("https://api.instatus.com"))
    payload = {"incident": f"incident{number}", "began": began}
    start = from_datetime(datetime.fromisoformat(dialect.mark(payload)))
    assert began - MINUTE < start <= began
    assert dialect.mark(payload) == dialect.mark(dict(payload))


async def test_its_errors_are_told_in_its_words(
    instatus: FakeInstatus, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """The message within the error object; a page that is not there is the destination's fault."""
    channel = InstatusChannel(found_settings(instatus.url), session, clock)
    instatus.script(Fault(404, '{"error": {"code": "x", "message": "No such page"}}', JSON))
    outcome = await channel.send(channel.render(post()), None, "key-1")
    assert outcome == Rejected(Reason.gone, "404 No such page", Scope.destination)


async def test_a_start_that_is_not_kept_is_a_doubt(
    instatus: FakeInstatus, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """If the page rounds the start, what looks like ours is neither ours nor a reason to post it again."""
    channel = InstatusChannel(found_settings(instatus.url), session, clock)
    payload = channel.render(post())
    assert isinstance(await channel.send(payload, None, "key-1"), Sent)
    instatus.posts[0]["started"] = "2027-01-01T09:59:00.000Z"
    found = await channel.find(payload, "key-1", clock.now(), None)
    says = "an incident with this name and these words is there, but without our mark"
    assert found == CannotTell(says)
    assert await channel.find(channel.render(post(text="Other.")), "key-2", clock.now(), None) == NotThere()
