"""One incident in Slack, word for word: the message that shows the state, and the thread under it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from channels.http import open_session
from channels.slack import SlackChannel
from channels.slack_settings import Settings
from daemon.core.clock import FakeClock
from daemon.core.words import Status
from daemon.service.incidents import UpdateRequest
from tests.channels.posts import settings
from tests.fakes.slack import CHANNEL, TOKEN, FakeSlack
from tests.sources import ROOT
from tests.stories.house import RULES, START, House, speakers_at

PAGE = (ROOT / "docs/channels/slack.md").read_text("utf-8")


def documented() -> dict[str, str]:
    """The texts that the documentation shows, by the line above each."""
    return dict(re.findall(r"^([^\n]+):\n\n```text\n(.*?)\n```", PAGE, re.MULTILINE | re.DOTALL))


def plain(text: str) -> str:
    """As a reader in UTC sees it."""
    text = re.sub(r"<!date\^\d+\^[^|]*\|([^>]*)>", r"\1", text)
    text = re.sub(r"<[^|>]*\|([^>]*)>", r"\1", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@asynccontextmanager
async def house_in_slack(folder: Path, **more: bool) -> AsyncIterator[tuple[House, FakeSlack]]:
    """The usual house, whose team reads Slack."""
    clock = FakeClock(START)
    async with FakeSlack(clock=clock) as slack, open_session() as session:
        form = settings(
            name="ops", kind="slack", audience="internal", token=TOKEN, channel=CHANNEL, api_url=slack.api,
            **more,
        )  # fmt: skip
        assert isinstance(form, Settings)
        house = House(folder, clock, RULES, speakers_at(clock))
        house.speakers["ops"] = cast("Any", SlackChannel(form, session, clock))
        await house._start()
        yield house, slack
        await house.close()


async def test_the_message_and_its_thread_are_as_documented(tmp_path: Path) -> None:
    """Exactly one root; its text at the beginning, in the middle and at the end; three replies; no more."""
    async with house_in_slack(tmp_path) as (house, slack):
        shown: dict[str, str] = {}
        await house.alert()
        await house.forward(1)
        shown["At the first word"] = slack.posts[0]["text"]
        await house.forward(11)
        request = UpdateRequest(
            "A new version of the payment service rejects some cards. We are rolling it back.",
            status=Status.identified,
        )
        await house.incidents.update(1, "ana", request)
        await house.forward(1)
        shown["After an update"] = slack.posts[0]["text"]
        await house.alert(firing=False)
        await house.forward(30)
        shown["At the end"] = slack.posts[0]["text"]
    roots = [post for post in slack.posts if not post["thread_ts"]]
    replies = [post for post in slack.posts if post["thread_ts"]]
    assert [post["ts"] for post in roots] == [slack.posts[0]["ts"]]
    assert {post["thread_ts"] for post in replies} == {roots[0]["ts"]}
    shown["The thread under it"] = "\n\n".join(post["text"] for post in replies)
    assert {name: plain(text) for name, text in shown.items()} == documented()
    assert max(slack.counts().values()) == 1
    assert len(slack.edits) == len(replies) == 3


async def test_buttons_name_what_they_answer(tmp_path: Path) -> None:
    """A text that waits for a veto can be vetoed; a plain question be acknowledged, until somebody has."""
    async with house_in_slack(tmp_path, buttons=True) as (house, slack):
        await house.alert()
        await house.forward(26)
        await house.incidents.ack(1, "ana")
        await house.forward(95)
        asked = [(post["text"], post["blocks"]) for post in slack.posts if post["blocks"]]
        waiting = next(iter(house.state().waiting.values()))
    buttons = [
        (one["action_id"], json.loads(one["value"])) for _, blocks in asked for one in blocks[-1]["elements"]
    ]
    assert buttons == [
        ("tocsin_acknowledge", {"incident": "INC-1", "step": "", "occasion": ""}),
        ("tocsin_veto", {"incident": "INC-1", "step": "social", "occasion": waiting.occasion}),
    ]
    assert "tocsin veto INC-1 social" in asked[1][0]
