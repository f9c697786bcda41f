"""The stand-ins refuse what the real services refuse; that they take the rest the whole demo shows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from daemon.core.clock import FakeClock, Instant
from daemon.demo.slack import CHANNEL, Slack
from daemon.demo.stand_in import Ledger, Receipt
from daemon.demo.x import X


class Ear:
    """Hears of everything."""

    def __init__(self) -> None:
        self.receipts: list[Receipt] = []
        self.refusals: list[str] = []

    def receipt(self, one: Receipt) -> None:
        self.receipts.append(one)

    def refusal(self, channel: str, at: Instant) -> None:
        self.refusals.append(channel)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def post(session: aiohttp.ClientSession, url: str, header: str, body: Any) -> tuple[int, Any]:
    async with session.post(url, json=body, headers={"Authorization": header}) as answer:
        return answer.status, await answer.json()


@pytest.mark.parametrize(
    ("token", "channel", "refuses", "error"),
    [
        pytest.param("wrong", CHANNEL, False, "invalid_auth", id="token"),
        pytest.param("", "C0OTHER", False, "channel_not_found", id="channel"),
        pytest.param("", CHANNEL, True, "is_archived", id="mood"),
    ],
)
async def test_slack_refuses(
    session: aiohttp.ClientSession, token: str, channel: str, refuses: bool, error: str
) -> None:
    """A wrong token, a wrong channel or a bad mood: the error is in the body, nothing is taken."""
    ear = Ear()
    slack = await Slack(Ledger("ops", FakeClock(), ear, refuses=refuses)).start()
    header = f"Bearer {token or slack.token}"
    found = await post(
        session, f"{slack.api_url}/chat.postMessage", header, {"channel": channel, "text": "a"}
    )
    await slack.stop()
    assert found == (200, {"ok": False, "error": error})
    assert not ear.receipts
    assert ear.refusals == (["ops"] if refuses else [])


async def test_slack_changes_a_message(session: aiohttp.ClientSession) -> None:
    """An edit shows in the history and is no post; what is not there cannot be changed."""
    ear = Ear()
    slack = await Slack(Ledger("ops", FakeClock(), ear)).start()
    header = f"Bearer {slack.token}"
    _, made = await post(
        session, f"{slack.api_url}/chat.postMessage", header, {"channel": CHANNEL, "text": "a"}
    )
    change = {"channel": CHANNEL, "ts": made["ts"], "text": "b"}
    _, changed = await post(session, f"{slack.api_url}/chat.update", header, change)
    _, missing = await post(session, f"{slack.api_url}/chat.update", header, change | {"ts": "1.0"})
    await slack.stop()
    assert (changed["ok"], changed["text"]) == (True, "b")
    assert missing == {"ok": False, "error": "message_not_found"}
    assert [one.text for one in ear.receipts] == ["a"]


async def test_x_takes_no_text_twice(session: aiohttp.ClientSession) -> None:
    """A second post of the same words gets 403, strange keys get 401, and the ledger has one post."""
    ear = Ear()
    x = await X(Ledger("x", FakeClock(), ear)).start()
    ours = f'OAuth oauth_consumer_key="{x.keys["api_key"]}", oauth_token="{x.keys["access_token"]}"'
    statuses = [
        (await post(session, f"{x.url}/2/tweets", header, {"text": "Down"}))[0]
        for header in (ours, ours, 'OAuth oauth_consumer_key="other", oauth_token="other"')
    ]
    await x.stop()
    assert statuses == [201, 403, 401]
    assert [one.text for one in ear.receipts] == ["Down"]


def test_the_same_intent_twice_is_a_duplicate() -> None:
    """One intent to two recipients is two posts; to one recipient it is one too many."""
    ledger = Ledger("subscribers", FakeClock(), Ear())
    for to in ("a@example.com", "b@example.com", "a@example.com"):
        ledger.take("words", "<1@example.com>", to=to)
    assert ledger.duplicates == 1
