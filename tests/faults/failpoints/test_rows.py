"""Rows of the fault catalogue, each at the one failpoint that it is about."""

from __future__ import annotations

import itertools
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from tests.faults.failpoints.orders import Order, Orders
from tests.faults.rules import QUIET
from tests.faults.world import World
from tests.intake.bodies import alert, body
from tests.processes.daemon import Daemon
from tests.processes.nursery import Nursery
from tests.processes.site import Site
from tests.processes.waiting import CLOCK, until, until_heard

TEAM_ALONE = """
channels:
  page: { kind: status_page }
  team: { kind: slack, audience: internal }
routes:
  - id: all
    group_by: [ service ]
    open: { components: [], impact: major, plan: public }
plans:
  public:
    to: [ page, team ]
    steps:
      - { id: first, after: 0s, say: investigating }
      - { id: done, on: resolved, say: resolved, to: [ told, team ] }
"""
TAKE_IN = "daemon.service.alerts:AlertDesk.take_in:2"
ATTEMPT = "daemon.service.deliveries:DeliveryDesk.attempt:1"
SEND = "daemon.outbox:attempt:2"  # the call itself: the first one is the first post's
TICK = "daemon.ticker:Ticker.step:3 before"
NEWS = body(alert())
WATCHDOG = 1.8  # seconds


class Scene:
    """One daemon that posts to one Slack channel, which can be asked what is there."""

    def __init__(self, folder: Path, stack: AsyncExitStack, nursery: Nursery) -> None:
        self.orders = Orders(folder)
        self.orders.give()
        self.world = World(folder / "site", stack, nursery, rules=TEAM_ALONE)

    @property
    def daemon(self) -> Daemon:
        return self.world.daemon

    async def open(self) -> None:
        await self.world.open(entry=["--failpoints", str(self.orders.file)])
        await self.daemon.kill()

    async def live(self, *orders: Order) -> None:
        """Start; what is ordered happens in this life."""
        self.orders.give(*orders)
        await self.daemon.start()

    async def told(self, content: bytes = NEWS) -> bool:
        """Whether the monitor heard 200."""
        try:
            return (await self.daemon.post(content))[0] == 200
        except aiohttp.ClientError:
            return False

    async def killed_at(self, point: str, *, acknowledged: bool) -> None:
        """A life that takes an alert in and ends there."""
        await self.live(Order(point))
        assert await self.told() is acknowledged
        await self.daemon.ended()
        assert self.orders.obeyed() == [("kill", point)]

    async def recovered(self) -> tuple[str, int, int]:
        """State and resends of the post after a life without trouble, and how often Slack has it.

        People may have been asked about it meanwhile: those posts are others.
        """
        await self.live()
        await until_heard(self.told)

        looks = itertools.count(1)

        def settled() -> bool:
            if (
                next(looks) % 10 == 0
            ):  # quarantine and the lag between two read-backs, but no quarter of an hour
                self.world.leap()
            return not self.world.ledger.unsettled()

        await until(settled, within=20, what=self.world.ledger.states)
        row = self.world.ledger.deliveries("team")[0]
        assert self.world.ledger.incidents().total() == 1
        return row["state"], row["resends"], self.world.slack.counts()[row["key"]]

    def in_hand(self) -> tuple[str, int]:
        """State of the only post, and how often Slack has it."""
        (row,) = self.world.ledger.deliveries("team")
        return row["state"], len(self.world.slack.posts)


@pytest.fixture
async def scene(tmp_path: Path, nursery: Nursery) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        made = Scene(tmp_path, stack, nursery)
        await made.open()
        yield made


async def test_row_01_killed_before_the_commit(scene: Scene) -> None:
    """The sender saw no 200; after its retry there is one incident."""
    await scene.killed_at(f"{TAKE_IN} before", acknowledged=False)
    assert scene.world.ledger.alerts() == {}
    assert await scene.recovered() == ("sent", 0, 1)


async def test_row_02_killed_after_the_commit_before_the_answer(scene: Scene) -> None:
    """The retry is recognised as the same: no second incident."""
    await scene.killed_at(f"{TAKE_IN} after", acknowledged=False)
    assert scene.world.ledger.incidents().total() == 1
    assert await scene.recovered() == ("sent", 0, 1)
    assert len(scene.world.ledger.alerts()) == 1


async def test_row_03_killed_before_the_intent(scene: Scene) -> None:
    """Nothing can have been sent: it is taken again, and sent once."""
    await scene.killed_at(f"{ATTEMPT} before", acknowledged=True)
    state, posts = scene.in_hand()
    assert state in ("queued", "claimed")
    assert posts == 0
    assert await scene.recovered() == ("sent", 0, 1)


async def test_row_04_killed_between_intent_and_first_byte(scene: Scene) -> None:
    """In doubt: read back twice, not found, sent again by its one resend."""
    await scene.killed_at(f"{SEND} before", acknowledged=True)
    assert scene.in_hand() == ("attempted", 0)
    assert await scene.recovered() == ("sent", 1, 1)


async def test_row_06_killed_between_reply_and_record(scene: Scene) -> None:
    """In doubt: read back, and found."""
    await scene.killed_at(f"{SEND} after", acknowledged=True)
    assert scene.in_hand() == ("attempted", 1)
    assert await scene.recovered() == ("sent", 0, 1)


@pytest.mark.parametrize(
    ("loop", "point"),
    [
        ("ticker", TICK),
        ("reconcile", "daemon.reconcile:Reconciler.step:1 before"),
        ("outbox", "daemon.outbox:Outbox.step:1 before"),
        ("page", "daemon.page_loop:PageLoop.step:1 before"),
    ],
)
async def test_row_15_an_error_that_nobody_expects_in_one_task(scene: Scene, loop: str, point: str) -> None:
    """It goes on with back-off, is counted and shown, the others go on; the third in a row is a sickness."""
    first = 2 if loop == "page" else 1  # the page's first step is part of the start
    workers = 4 if loop == "outbox" else 1  # each channel has its own
    times = 3 * workers
    await scene.live(Order(point, "raise", first, first + times - 1))

    async def answers(path: str, word: str) -> bool:
        status, text = await scene.daemon.get(path)
        return word in f"{status} {text}"

    await until_heard(scene.told)  # others go on
    scene.world.leap()  # so that the page is due
    await until_heard(lambda: answers("/-/healthy", "503"), within=20)
    counted = f'tocsin_unexpected_errors_total{{where="{loop}"}} {times}.0'
    await until_heard(lambda: answers("/metrics", counted), within=20)
    await until_heard(lambda: answers("/-/healthy", "200"), within=40)
    failures = [line["time"] for line in scene.daemon.events("a loop's step failed; it goes on")]
    assert len(failures) == times
    await until(lambda: not scene.world.ledger.unsettled(), within=20)
    assert len(scene.world.slack.posts) == 1


@pytest.mark.slow
async def test_row_11_the_event_loop_is_blocked_for_good(tmp_path: Path, nursery: Nursery) -> None:
    """The watchdog is not fed any more; the service manager's abort ends it, and the next life goes on."""
    site = Site.make(tmp_path / "site", QUIET)
    orders = Orders(tmp_path)
    orders.give(Order(TICK, "spin", first=4, last=4))
    environ = {"WATCHDOG_USEC": str(int(WATCHDOG * 1_000_000))}
    entry = ["--failpoints", str(orders.file)]
    async with Daemon(site, entry=entry, nursery=nursery, environ=environ) as daemon:
        assert (await daemon.post(NEWS))[0] == 200
        await until(lambda: orders.obeyed() == [("spin", TICK)], within=20)
        await CLOCK.sleep(0.1)
        fed = len(daemon.manager.times("WATCHDOG"))
        assert fed >= 2
        await CLOCK.sleep(1.5 * WATCHDOG)
        assert len(daemon.manager.times("WATCHDOG")) == fed
        daemon.signal(signal.SIGABRT)  # as systemd does after WatchdogSec
        await daemon.ended()
        orders.give()
        await daemon.start()
        assert (await daemon.post(NEWS))[0] == 200
        await daemon.manager.wait_for("WATCHDOG", 2)
