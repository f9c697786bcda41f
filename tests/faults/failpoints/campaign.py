"""Life after life of one daemon under load, each ended at a failpoint, until all have had their turn.

A life is armed with everything that is still to come and dies of what it gets
to first, so that no life waits for one rare place.
"""

from __future__ import annotations

import random
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing, suppress

import aiohttp

from tests.fakes import faults
from tests.fakes.smtp import MailFault
from tests.faults.failpoints.orders import Order, Orders
from tests.faults.failpoints.visitors import Visitors
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
      - { id: holding, every: 10s, say: holding, to: [ page, team ], limit: 3 }
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

PATIENCE = 0.8  # seconds that a life has before rarer things are done to it
ORDERLY = 10.0  # seconds for an orderly stop
MOST_IDLE = 4  # lives in a row that get to nothing new, before the rest is given up
LONGEST_LOCK = 0.8  # seconds for which somebody else's program holds the database
FEW = 100  # points that are left: each is taken where it is met first
LATE_HITS = 6  # a point's turn may come at this pass at the latest

PROVIDER_FAULTS = (faults.cut_before_answer, faults.html_502, faults.invalid_json_200, faults.html_503)
MAIL_FAULTS = (MailFault("dot", drops=True, stores=True), MailFault("data", drops=True))


class Died(AssertionError):
    """A life ended at no failpoint."""


class Campaign:
    """``due`` counts how often each failpoint is still to end a life; ``ended`` has the ends so far."""

    def __init__(self, world: World, load: Load, visitors: Visitors, orders: Orders, seed: str) -> None:
        self.ended: list[str] = []
        self.reached: set[str] = set()
        self.lives = 0
        self._world, self._load, self._visitors, self._orders = world, load, visitors, orders
        self._random = random.Random(seed)  # noqa: S311 - a schedule, not a secret

    async def run(self, points: Iterable[str]) -> set[str]:
        """End a life at each of the points; those that no life got to."""
        due = Counter(points)
        idle = 0
        while +due and idle < MOST_IDLE:
            soon = idle > 0 or len(+due) < FEW
            point = await self._life([self._order(point, soon=soon) for point in +due])
            idle = 0 if point else idle + 1
            due[point] -= 1
        return set(+due)

    async def end_at(self, point: str) -> bool:
        """One life that ends there at the first pass, if it gets there."""
        return bool(await self._life([Order(point)]))

    def _order(self, point: str, *, soon: bool) -> Order:
        """In half of the lives at a later pass: the first one may be special."""
        first = 1 if soon or self._random.random() < 0.5 else self._random.randint(2, LATE_HITS)
        return Order(point, first=first, last=10**9)

    async def _life(self, orders: list[Order]) -> str:
        """Where it ended; empty when it had to be ended."""
        daemon = self._world.daemon
        self._plan_trouble()
        self._orders.give(*orders)
        self.lives += 1
        await daemon.spawn()
        if not await self._has_ended(PATIENCE):
            await self._do_rare_things()
        if daemon.is_running:
            daemon.signal(signal.SIGTERM)
            await daemon.ended(ORDERLY)
        self.reached |= self._orders.reached()
        obeyed = [name for act, name in self._orders.obeyed() if act == "kill"]
        self.ended += obeyed
        return obeyed[0] if obeyed else ""

    async def _has_ended(self, within: float) -> bool:
        with suppress(TimeoutError):
            await self._world.daemon.ended(within)
        return not self._world.daemon.is_running

    async def _do_rare_things(self) -> None:
        """What would slow every life down: other rules, a pause, a suspended machine, a locked database."""
        for act in (self._visitors.reload, self._visitors.pause_and_resume):
            with suppress(aiohttp.ClientError, TimeoutError):
                await act()
        if self._world.daemon.is_running:
            self._world.leap()
        if not await self._has_ended(0.3):
            await self._lock()

    async def _lock(self) -> None:
        """Somebody else's program holds the database; the daemon is told to stop meanwhile."""
        with closing(sqlite3.connect(self._world.site.database, timeout=1, isolation_level=None)) as other:
            with suppress(sqlite3.OperationalError):
                other.execute("BEGIN IMMEDIATE")
            if not await self._has_ended(LONGEST_LOCK):
                self._world.daemon.signal(signal.SIGTERM)
                await self._has_ended(0.2)

    def _plan_trouble(self) -> None:
        for fake in (self._world.slack, self._world.x):
            if not fake.faults and self._random.random() < 0.3:
                fake.script(self._random.choice(PROVIDER_FAULTS))
        if not self._world.sink.faults and self._random.random() < 0.3:
            self._world.sink.script(self._random.choice(MAIL_FAULTS))
