"""One incident in Slack, word for word: the message that shows the state, and the thread under it."""

from __future__ import annotations

import re
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


async def test_the_message_and_its_thread_are_as_documented(tmp_path: Path) -> None:
    """Exactly one root; its text at the beginning, in the middle and at the end; three replies; no more."""
    clock = FakeClock(START)
    async with FakeSlack(clock=clock) as slack, open_session() as session:
        form = settings(
            name="ops", kind="slack", audience="internal", token=TOKEN, channel=CHANNEL, api_url=slack.api
        )
        assert isinstance(form, Settings)
        house = House(tmp_path, clock, RULES, speakers_at(clock))
        house.speakers["ops"] = cast("Any", SlackChannel(form, session, clock))
        await house._start()
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
        await house.close()
    roots = [post for post in slack.posts if not post["thread_ts"]]
    replies = [post for post in slack.posts if post["thread_ts"]]
    assert [post["ts"] for post in roots] == [slack.posts[0]["ts"]]
    assert {post["thread_ts"] for post in replies} == {roots[0]["ts"]}
    shown["The thread under it"] = "\n\n".join(post["text"] for post in replies)
    assert {name: plain(text) for name, text in shown.items()} == documented()
    assert max(slack.counts().values()) == 1
    assert len(slack.edits) == len(replies) == 3
