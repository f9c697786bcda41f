"""The registry: every kind, its settings, and what cannot be built."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
from pydantic import ValidationError

import channels
from channels import registry
from channels.log import LogChannel, Settings
from channels.room import rooms
from daemon.core.clock import FakeClock
from daemon.core.ports import Channel, Sent
from tests.channels.posts import post, settings
from tests.fakes import apprise, cachet, discord, instatus, statuspage_io, teams, telegram, twilio, webhook
from tests.fakes.bluesky import HANDLE, PASSWORD
from tests.fakes.hosted import PAGE
from tests.fakes.mastodon import TOKEN as MASTODON_TOKEN
from tests.fakes.slack import CHANNEL, TOKEN
from tests.fakes.x import KEYS

EXAMPLES: dict[str, dict[str, object]] = {
    "apprise": {"url": apprise.ADDRESS},
    "bluesky": {"identifier": HANDLE, "app_password": PASSWORD},
    "cachet": {"api_url": "https://status.example.com/api", "token": cachet.TOKEN},
    "discord": {"token": discord.TOKEN, "channel": discord.CHANNEL},
    "email": {"host": "localhost", "sender": "status@example.com"},
    "instatus": {"page": PAGE, "token": instatus.TOKEN},
    "log": {},
    "mastodon": {"api_url": "https://mastodon.example", "token": MASTODON_TOKEN},
    "slack": {"token": TOKEN, "channel": CHANNEL},
    "sms": {"account": twilio.ACCOUNT, "secret": twilio.SECRET, "sender": twilio.SENDER},
    "status_page": {},
    "statuspage_io": {"page": PAGE, "token": statuspage_io.TOKEN},
    "teams": {"webhook_url": "https://prod-1.westeurope.logic.azure.com" + teams.HOOK},
    "telegram": {"token": telegram.TOKEN, "chat": telegram.CHAT},
    "webhook": {"url": "https://receiver.example.com/hook", "secret": webhook.SECRET},
    "x": {**KEYS},
}


def test_every_kind_has_an_example_here() -> None:
    """A kind that is added without its tests stops here."""
    assert set(registry.kinds()) == set(EXAMPLES)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_settings_of_each_kind_are_told_apart(
    kind: str, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """The union picks the model by kind; all but the page can be built and satisfy the port."""
    found = settings(name="ours", kind=kind, **EXAMPLES[kind])
    assert found.name == "ours"
    if kind == registry.STATUS_PAGE:
        with pytest.raises(ValueError, match="no sender"):
            registry.build(found, session, clock)
        return
    channel: Channel = registry.build(found, session, clock)
    assert channel.capabilities.kind == kind
    assert set(channel.capabilities.secrets) <= set(type(found).model_fields)
    if kind in rooms():  # what `rules check` believes without a configuration
        assert rooms()[kind][0] == channel.capabilities.max_length


def test_room_is_known_for_kinds_that_exist() -> None:
    """No line is left of a kind that is gone."""
    assert set(rooms()) <= set(registry.kinds())


@pytest.mark.parametrize("kind", EXAMPLES)
def test_unknown_keys_and_kinds_are_refused(kind: str) -> None:
    """A typing error is an error, in every kind."""
    with pytest.raises(ValidationError, match="Extra inputs"):
        settings(name="ours", kind=kind, **EXAMPLES[kind], audiance="internal")
    with pytest.raises(ValidationError, match="pigeon"):
        settings(name="ours", kind="pigeon")
    with pytest.raises(ValidationError, match="pattern"):
        settings(name="two words", kind=kind, **EXAMPLES[kind])


async def test_the_log_writes_each_post_once(session: aiohttp.ClientSession, clock: FakeClock) -> None:
    """A sink gets the line with channel, key and words."""
    lines: list[object] = []
    found = settings(name="trail", kind="log")
    assert isinstance(found, Settings)
    channel = LogChannel(found, session, clock, lines.append)
    assert isinstance(await channel.send(channel.render(post()), None, "key-1"), Sent)
    assert lines == [
        {
            "channel": "trail",
            "key": "key-1",
            "title": "Checkout errors",
            "status": "investigating",
            "impact": "major",
            "components": ["Checkout"],
            "text": "Some orders fail at the moment. We are looking into it.",
        }
    ]
    assert await channel.check() is None


def test_files_stay_small() -> None:
    """One file per channel, 200 lines at the most."""
    folder = Path(channels.__path__[0])
    lengths = {path.name: len(path.read_text("utf-8").splitlines()) for path in folder.glob("*.py")}
    assert len(lengths) > 5
    assert {name: length for name, length in lengths.items() if length > 200} == {}
