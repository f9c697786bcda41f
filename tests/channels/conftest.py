"""One session, one clock that stands still, and a fresh fake of each provider."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from channels.http import open_session
from daemon.core.clock import FakeClock
from tests.fakes.discord import FakeDiscord
from tests.fakes.slack import FakeSlack
from tests.fakes.sms_gateway import FakeGateway
from tests.fakes.smtp import MailSink
from tests.fakes.teams import FakeTeams
from tests.fakes.telegram import FakeTelegram
from tests.fakes.twilio import FakeTwilio
from tests.fakes.webhook import FakeReceiver
from tests.fakes.x import FakeX


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as opened:
        yield opened


@pytest.fixture
async def slack(clock: FakeClock) -> AsyncIterator[FakeSlack]:
    async with FakeSlack(clock=clock) as fake:
        yield fake


@pytest.fixture
async def discord(clock: FakeClock) -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord(clock=clock) as fake:
        yield fake


@pytest.fixture
async def teams(clock: FakeClock) -> AsyncIterator[FakeTeams]:
    async with FakeTeams(clock=clock) as fake:
        yield fake


@pytest.fixture
async def telegram(clock: FakeClock) -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram(clock=clock) as fake:
        yield fake


@pytest.fixture
async def twilio(clock: FakeClock) -> AsyncIterator[FakeTwilio]:
    async with FakeTwilio(clock=clock) as fake:
        yield fake


@pytest.fixture
async def gateway(clock: FakeClock) -> AsyncIterator[FakeGateway]:
    async with FakeGateway(clock=clock) as fake:
        yield fake


@pytest.fixture
async def receiver(clock: FakeClock) -> AsyncIterator[FakeReceiver]:
    async with FakeReceiver(clock=clock) as fake:
        yield fake


@pytest.fixture
async def x(clock: FakeClock) -> AsyncIterator[FakeX]:
    async with FakeX(clock=clock) as fake:
        yield fake


@pytest.fixture
async def relay(clock: FakeClock) -> AsyncIterator[MailSink]:
    async with MailSink(clock=clock) as sink:
        yield sink
