"""Killed around a post: what the next life makes of it (reliability 3.3, 3.4)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes import faults
from tests.fakes.faults import Fault
from tests.fakes.slack import FakeSlack
from tests.fakes.smtp import MailFault, MailSink
from tests.fakes.x import FakeX
from tests.faults.ledger import Ledger
from tests.faults.rules import BUSY
from tests.intake.bodies import alert, body
from tests.processes.daemon import Daemon
from tests.processes.fast_clock import fast_clock
from tests.processes.site import Site, mail, news, on_x, team
from tests.processes.waiting import until, until_heard

SPEED = 30.0
"""A quarantine of a minute is two seconds."""


@dataclass
class Scene:
    """A daemon on a fast clock with three fakes on the same one."""

    slack: FakeSlack
    hook: FakeSlack
    x: FakeX
    sink: MailSink
    daemon: Daemon

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.daemon.site.database)

    async def killed_when(self, reached: Callable[[], bool]) -> None:
        """Post an alert, kill once the condition holds, and live again without trouble."""
        await until_heard(self._taken)  # its deadlines are short on this clock: it may say 503 first
        await until(reached)
        await self.daemon.kill()
        for fake in (self.slack, self.hook, self.x, self.sink):
            fake.faults.clear()
        await self.daemon.start()

    async def _taken(self) -> bool:
        return (await self.daemon.post(body(alert())))[0] == 200

    async def settled(self, channel: str) -> tuple[str, int]:
        """(state, automatic resends) of a channel's first post once nothing is under way.

        People may have been asked about the doubt meanwhile: those rows come after it.
        """
        await until(lambda: self.ledger.unsettled() == 0, within=30, what=self.ledger.states)
        row = self.ledger.deliveries(channel)[0]
        return row["state"], row["resends"]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """A daemon whose channels may be told to fail."""
    clock = fast_clock(SPEED)
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(FakeSlack(clock=clock))
        hook = await stack.enter_async_context(FakeSlack(clock=clock))
        x = await stack.enter_async_context(FakeX(clock=clock))
        sink = await stack.enter_async_context(MailSink(clock=clock))
        channels = [mail(sink, "ann@example.com"), news(hook), team(slack), on_x(x)]
        site = Site.make(tmp_path, BUSY, channels)
        yield Scene(slack, hook, x, sink, await stack.enter_async_context(Daemon(site, entry=clock.options)))


KILLED = [
    pytest.param(faults.hang_before, 1, id="row_04 before it arrived"),
    pytest.param(faults.hang_after, 0, id="row_05 after it arrived, before the answer"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "resends"), KILLED)
async def test_slack_is_asked_what_it_has(scene: Scene, fault: Fault, resends: int) -> None:
    """One post in the end, sent again only where two looks found none."""
    scene.slack.script(fault)
    await scene.killed_when(lambda: "POST /api/chat.postMessage" in scene.slack.calls)
    assert await scene.settled("team") == ("sent", resends)
    assert set(scene.slack.counts().values()) == {1}


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "resends"), KILLED)
async def test_x_is_asked_what_it_has(scene: Scene, fault: Fault, resends: int) -> None:
    """As Slack; and no second call that X's own filter would have to refuse."""
    scene.x.script(fault)
    await scene.killed_when(lambda: "POST /2/tweets" in scene.x.calls)
    assert await scene.settled("x") == ("sent", resends)
    assert len(scene.x.posts) == 1
    assert scene.x.calls.count("POST /2/tweets") == 1 + resends


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "posts"), [(faults.hang_before, 0), (faults.hang_after, 1)])
async def test_row_05_a_webhook_cannot_be_asked_and_is_held(scene: Scene, fault: Fault, posts: int) -> None:
    """Nothing is sent again by itself: a person decides, and was asked."""
    scene.hook.script(fault)
    await scene.killed_when(lambda: any(call.startswith("POST") for call in scene.hook.calls))
    assert await scene.settled("news") == ("held", 0)
    assert len(scene.hook.posts) == posts
    asked = [post["text"] for post in scene.slack.posts if "news" in post["text"]]
    assert asked, [post["text"] for post in scene.slack.posts]


@pytest.mark.slow
@pytest.mark.parametrize("stores", [False, True])
async def test_row_62_a_mail_is_sent_once_more(scene: Scene, stores: bool) -> None:
    """After the final dot: once more with the same Message-ID, two at the most."""
    scene.sink.script(MailFault("dot", hangs=True, stores=stores))
    await scene.killed_when(lambda: not scene.sink.faults)
    assert await scene.settled("mail") == ("sent", 1)
    assert list(scene.sink.counts().values()) == [1 + stores]
