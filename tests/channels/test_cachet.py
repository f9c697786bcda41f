"""Cachet alone: versions, tokens, components that are gone, Markdown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import structlog
from pydantic import ValidationError

from channels.cachet import CachetChannel, Settings
from daemon.core.clock import FakeClock
from daemon.core.ports import CannotTell, ComponentState, Sent
from daemon.core.words import ComponentStatus
from tests.channels.posts import post, settings
from tests.fakes.cachet import TOKEN, FakeCachet


@pytest.fixture
async def cachet(clock: FakeClock) -> AsyncIterator[FakeCachet]:
    async with FakeCachet(clock=clock) as fake:
        yield fake


def channel_of(
    cachet: FakeCachet, session: aiohttp.ClientSession, clock: FakeClock, **fields: Any
) -> CachetChannel:
    found = settings(name="mirror", kind="cachet", **{"api_url": cachet.api, "token": TOKEN, **fields})
    assert isinstance(found, Settings)
    return CachetChannel(found, session, clock)


async def test_a_cachet_without_metadata_is_found_out(
    cachet: FakeCachet, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Check says so before anything is posted; and nothing is claimed about what it has."""
    cachet.old = True
    channel = channel_of(cachet, session, clock)
    assert await channel.check() == "the page answered 400 to GET components"
    assert isinstance(await channel.find(channel.render(post()), "key-1", clock.now(), None), CannotTell)


async def test_a_wrong_token_is_found_out(
    cachet: FakeCachet, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Although anybody may read the lists."""
    assert await channel_of(cachet, session, clock).check() is None
    stranger = channel_of(cachet, session, clock, token="2|another")
    assert await stranger.check() == "the page does not know the token"


async def test_a_component_that_is_gone_holds_back_no_words(
    cachet: FakeCachet, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """The update goes out, the other component is set, and the log says what was not."""
    channel = channel_of(cachet, session, clock, components={"checkout": 1, "search": 2})
    states = tuple(ComponentState(one, one, ComponentStatus.major_outage) for one in ("checkout", "search"))
    first = await channel.send(channel.render(post(states=states)), None, "key-1")
    assert isinstance(first, Sent)
    del cachet.states["1"]
    with structlog.testing.capture_logs() as lines:
        later = channel.render(post(text="Found.", first=False, states=states))
        assert isinstance(await channel.send(later, first.ref, "key-2"), Sent)
    assert [(line["event"], line["call"]) for line in lines] == [("a component was not set", "components/1")]
    assert cachet.states == {"2": 4}


async def test_words_are_shown_as_they_are_written(
    cachet: FakeCachet, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """No link, no list, no tag of a label's making; line ends stay."""
    channel = channel_of(cachet, session, clock)
    text = channel.render(post(text="[x](https://evil.example) <b>\n- a_b\n1. c"))["text"]
    assert text == "\\[x\\](https://evil.example) \\<b\\>  \n\\- a\\_b  \n1\\. c"


def test_components_are_numbers() -> None:
    """Cachet's own ids are; the message says how to write them."""
    with pytest.raises(ValidationError, match="have numbers: write `ours: 7`"):
        settings(name="m", kind="cachet", api_url="https://a.example", token=TOKEN, components={"a": "b"})
