"""Life after life of one daemon under load, each ended at a failpoint, until all have had their turn.

A life is armed with everything that is still to come and dies of what it gets
to first, so that no life waits for one rare place.
"""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import closing, suppress

import aiohttp

from tests.fakes import faults
from tests.fakes.smtp import MailFault
from tests.faults.failpoints.orders import Order, Orders
from tests.faults.failpoints.visitors import Visitors
from tests.faults.ledger import repeated
from tests.faults.load import Load
from tests.faults.world import World

RULES = """
channels:
  page: { kind: status_page }
  mail: { kind: email }
  news: { kind: slack }
  team: { kind: slack, audience: internal }
  x: { kind: x }
routes:
  - id: all
    group_by: [ service ]
    reopen_within: 1s
    open: { components: [], impact: major, plan: public }
plans:
  public:
    to: [ page, mail, news, team, x ]
    ask: oncall
    steps:
      - { id: first, after: 0s, say: investigating }
      - { id: wide, after: 1s, say: wide, to: [ team ], approve: { need: one, within: 20s, otherwise: skip } }
      - { id: holding, every: 1m, say: holding, to: [ page, team ], limit: 30 }
      - { id: done, on: resolved, say: resolved, to: [ told, team ] }
texts:
  investigating:
    default: "We are looking into it: {{ page_url }}"
  wide:
    default: "It is wider than we thought: {{ page_url }}"
  holding:
    default: "We are still at it: {{ page_url }}"
  resolved:
    default: "It is over: {{ page_url }}"
people:
  oncall: { channel: team }
"""
"""As BUSY, with a text that waits for a person and one that comes by the clock."""

PATIENCE = 1.5  # seconds that a life under load alone has
ORDERLY = 15.0  # seconds for a start, and for an orderly stop
ROUNDS = 5  # times that every kind of life may get to nothing new, before the rest is given up
LONGEST_LOCK = (
    2.3  # seconds, longer than the writer waits, for which somebody else's program holds the database
)
FEW = 100  # points that are left: each is taken where it is met first
LATE_HITS = 6  # before, a point's turn may come at this pass at the latest
CHECK_EVERY = 10  # lives
LAST = 12  # ends that a failure shows

PROVIDER_FAULTS = (faults.cut_before_answer, faults.html_502, faults.invalid_json_200, faults.html_503)
MAIL_FAULTS = (MailFault("dot", drops=True, stores=True), MailFault("data", drops=True))


class Campaign:
    """``ended`` has the failpoints at which lives have ended so far, oldest first."""

    def __init__(self, world: World, load: Load, visitors: Visitors, orders: Orders, seed: str) -> None:
        self.ended: list[str] = []
        self.reached: set[str] = set()
        self.lives = 0
        self.world, self._load, self._visitors, self._orders = world, load, visitors, orders
        self._random = random.Random(seed)  # noqa: S311 - a schedule, not a secret

    @property
    def kinds(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        """What may go on in a life."""
        return (self.under_load, self.with_operators, self.with_a_lock, self.stopped)

    async def run(self, points: Iterable[str]) -> set[str]:
        """End a life at each of the points; gives those that no life got to.

        One kind of life goes on for as long as it gets to something new; then
        comes the next kind.
        """
        due = Counter(points)
        kinds = deque(self.kinds)
        idle = 0
        while +due and idle < ROUNDS * len(kinds):
            soon = idle > 0 or len(+due) < FEW
            point = await self.life([self._order(point, soon=soon) for point in +due], kinds[0])
            if point:
                due[point] -= 1
                idle = 0
            else:
                kinds.rotate(-1)
                idle += 1
        return set(+due)

    async def life(self, orders: list[Order], kind: Callable[[], Awaitable[None]] | None = None) -> str:
        """Where it ended; empty when it had to be ended."""
        daemon = self.world.daemon
        self._plan_trouble()
        self._orders.give(*orders)
        self.lives += 1
        await daemon.spawn()
        if await self._is_ready():
            await (kind or self.under_load)()
        if daemon.is_running:
            daemon.signal(signal.SIGTERM)
            await daemon.ended(ORDERLY)
        self.reached |= self._orders.reached()
        ends = [name for act, name in self._orders.obeyed() if act == "kill"]
        self.ended += ends
        self._check()
        return ends[0] if ends else ""

    def _order(self, point: str, *, soon: bool) -> Order:
        """In half of the lives at a later pass: the first one may be special."""
        first = 1 if soon or self._random.random() < 0.5 else self._random.randint(2, LATE_HITS)
        return Order(point, first=first, last=10**9)

    def _check(self) -> None:
        """At once, so that a failure shows which ends led to it; the whole truth is checked at the end."""
        world, last = self.world, self.ended[-LAST:]
        assert not repeated(world.slack.counts()), last
        assert not world.x.again, last
        if self.lives % CHECK_EVERY == 0:
            acknowledged = set(self._load.book.acknowledged)
            assert not acknowledged - set(world.ledger.alerts()), last
            assert not repeated(world.ledger.incidents()), last

    async def _is_ready(self) -> bool:
        """Wait until it accepts, or has ended."""
        daemon = self.world.daemon
        waits = {
            asyncio.ensure_future(daemon.manager.wait_for("READY")),
            asyncio.ensure_future(daemon.ended()),
        }
        try:
            await asyncio.wait(waits, timeout=ORDERLY, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return daemon.is_running

    async def has_ended(self, within: float) -> bool:
        with suppress(TimeoutError):
            await self.world.daemon.ended(within)
        return not self.world.daemon.is_running

    # -- kinds of lives --------------------------------------------------------

    async def under_load(self) -> None:
        await self.has_ended(PATIENCE)

    async def with_operators(self) -> None:
        """Other rules, a pause, a machine that was suspended."""
        for act in (self._visitors.reload, self._visitors.pause_and_resume):
            with suppress(aiohttp.ClientError, TimeoutError):
                await act()
        if self.world.daemon.is_running:
            self.world.leap()
        await self.has_ended(PATIENCE)

    async def with_a_lock(self) -> None:
        """Somebody else's program holds the database; the daemon is told to stop meanwhile."""
        with closing(sqlite3.connect(self.world.site.database, timeout=1, isolation_level=None)) as other:
            with suppress(sqlite3.OperationalError):
                other.execute("BEGIN IMMEDIATE")
            if not await self.has_ended(LONGEST_LOCK):
                self.world.daemon.signal(signal.SIGTERM)
                await self.has_ended(0.2)

    async def stopped(self) -> None:
        """In good order, a moment after it began to accept."""
        await self.has_ended(0.2)

    def _plan_trouble(self) -> None:
        for fake in (self.world.slack, self.world.x):
            if not fake.faults and self._random.random() < 0.3:
                fake.script(self._random.choice(PROVIDER_FAULTS))
        if not self.world.sink.faults and self._random.random() < 0.3:
            self.world.sink.script(self._random.choice(MAIL_FAULTS))
