"""The real daemon between a monitor, people, providers and bad luck, all driven step by step.

Nothing here runs by itself: the caller acts, lets time pass, and everything that
is due is done before the next act.  So one list of acts is one history.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

from daemon.core import journal as j
from daemon.core.alert import Alert, Report
from daemon.core.clock import MINUTE, SECOND, Instant, Span
from daemon.core.delivery import Delivery, DeliveryState
from daemon.core.errors import Unavailable
from daemon.core.group import Group
from daemon.editor import Editor
from daemon.outbox import Outbox
from daemon.storage.sqlite.store import SqliteStore
from daemon.ticker import Ticker
from tests.faults.simulation import invariants
from tests.faults.simulation.clock import WorldClock
from tests.faults.simulation.crash import Crash, FragileStore, Fuse
from tests.faults.simulation.edits import check_shown
from tests.faults.simulation.ground import Ground
from tests.faults.simulation.home import CHANNELS, Home
from tests.faults.simulation.monitor import Monitor
from tests.faults.simulation.provider import Broken, Mood, Provider
from tests.faults.simulation.rules import EVERY, VERSIONS
from tests.stories.house import START

T = TypeVar("T")

MOVING = frozenset(
    {DeliveryState.queued, DeliveryState.claimed, DeliveryState.attempted, DeliveryState.unknown}
)
LOOK: Span = 2 * MINUTE
"""While posts are on their way the outbox is turned at least this often."""

SLACK: Span = 2 * MINUTE
"""I9: how much later than the rules' interval a word may come."""

MOST_TURNS = 200  # of all loops at one instant; more would be a loop that never rests


@dataclass
class Counts:
    """What happened in a world."""

    incidents: int = 0
    crashes: int = 0
    refusals: int = 0
    jumps: int = 0
    suspensions: int = 0
    reloads: int = 0
    acts: Counter[str] = field(default_factory=Counter)


class World:
    """``await World.open(folder, ground)``; ``close`` it."""

    def __init__(self, folder: Path, ground: Ground) -> None:
        self.ground = ground
        self.clock = WorldClock(START)
        self.fuse = Fuse()
        self.monitor = Monitor()
        self.counts = Counts()
        self.providers = {
            name: Provider(
                name, audience, self.clock, capabilities, people=people,
                world_clock=self.clock, ground=ground, fuse=self.fuse, heard_post=[self._heard],
            )
            for name, (audience, capabilities, people) in CHANNELS.items()
        }  # fmt: skip
        self.home = Home(folder, self.clock, VERSIONS[0], self.providers)
        self.home.opener = self._open_store
        self.home.observers.append(self._journalled)
        self.spoke: dict[int, Instant] = {}  # group -> true instant at which customers or people last heard
        self.refused_until: Instant | None = None
        self._seen: set[tuple[int, int]] = set()  # group and sequence of each entry that we know
        self.clock.passing.append(self._weather)
        self._taken: dict[tuple[int, str, str], int] = {}  # thread -> the newest delivery taken there
        self._posts: list[tuple[str, str]] = []

    @classmethod
    async def open(cls, folder: Path, ground: Ground) -> World:
        world = cls(folder, ground)
        world._others = asyncio.all_tasks()
        await world._begin()
        await world.settle()
        return world

    _others: set[asyncio.Task[object]]

    async def _open_store(self) -> SqliteStore:
        return cast("SqliteStore", FragileStore(await self.ground.open(self.home.folder), self.fuse))

    async def _begin(self) -> None:
        """Start a process, again and again until one comes up."""
        while True:
            try:
                await self.home._start()
                break
            except Crash:
                await self._bury()
            except Unavailable:
                await self._bury()
                self.clock.advance(2 * SECOND)
        self.ticker = Ticker(self.home.timers, self.clock)
        self.home.desk.on_fault.append(self._failed)
        with self.fuse.out_of_the_way():
            for group, state in self.home.desk.memory.states.items():
                for recorded in await self.home.store.journal(group):
                    self._journalled(state, recorded)  # what was committed and never told

    async def _bury(self) -> None:
        """Nothing of the process is left: no task, no memory, no connection."""
        self.fuse.dead = True
        left = asyncio.all_tasks() - self._others - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self.ground.abandon()
        self.monitor.crashed()
        self.fuse.renew()
        self.counts.crashes += 1

    async def crash(self, away: Span = 0) -> None:
        """The process dies at rest, and the next one starts ``away`` later."""
        await self._bury()
        self.clock.advance(away)
        await self._begin()
        await self.settle()

    async def close(self) -> None:
        await self.ground.close()

    # -- what the daemon tells ---------------------------------------------

    def _journalled(self, group: Group, recorded: j.Recorded) -> None:
        if (group.id, recorded.sequence) in self._seen:
            return
        self._seen.add((group.id, recorded.sequence))
        if isinstance(recorded.entry, j.Numbered):
            self.counts.incidents += 1
        if isinstance(recorded.entry, (j.Said, j.Asked)):
            offset = self.clock.now() - self.clock.true
            self.spoke[group.id] = max(self.spoke.get(group.id, 0), recorded.at - offset)

    def _failed(self, group: int, error: Exception) -> None:
        raise Broken(f"a decision of group {group} failed") from error

    def _heard(self, channel: str, key: str) -> None:
        self._posts.append((channel, key))

    # -- doing -------------------------------------------------------------

    async def attempt(self, act: Awaitable[T]) -> T | None:
        """One call into the daemon; None when it died of it or its database refused."""
        try:
            return await act
        except Crash:
            await self._bury()
            await self._begin()
        except Unavailable:
            self.counts.refusals += 1
        return None

    async def do(self, act: Awaitable[T]) -> T | None:
        """One act from outside, and everything that follows from it at this instant."""
        answer = await self.attempt(act)
        await self.settle()
        return answer

    async def report(self, alerts: list[Alert], truncated: int = 0) -> bool:
        """The monitor posts a body; True when it was answered with 200."""
        body = Report([replace(one) for one in alerts], truncated)
        now = self.clock.now()
        answered = await self.attempt(self.home.alerts.take_in(Report(list(body.alerts), truncated)))
        self.monitor.fate(body, now, answered=answered is not None)
        self.monitor.bodies = [*self.monitor.bodies[-20:], body]
        if answered is None:
            self.monitor.unanswered.append(body)
        await self.settle()
        return answered is not None

    async def reload(self, version: int) -> None:
        """New rule files, as daemon.rule_files.RuleReload puts them in force."""
        home = self.home
        rules = home.rule_set(VERSIONS[version])
        now = self.clock.now()

        async def keep() -> bool:
            await home.store.write(
                lambda tx: tx.rules_version(rules.version, now, "reload", rules.sources), now
            )
            return True

        if await self.attempt(keep()):
            home.text = VERSIONS[version]
            home.desk.book.replace(rules)
            self.counts.reloads += 1
        await self.settle()

    # -- time --------------------------------------------------------------

    async def settle(self) -> None:
        """Turn every loop until none has work.  Raises Broken where one never rests or the rest is wrong."""
        worked: list[int] = []
        for _ in range(MOST_TURNS):
            deaths = self.counts.crashes
            worked = [number for number, step in enumerate(self._loops()) if await self.attempt(step())]
            if not worked and self.counts.crashes == deaths:  # a new process looks at everything anew
                break
        else:
            raise Broken(f"I10: the daemon does not come to rest, loops {worked} go on and on")
        await self._check_order()
        self._check_silence()

    def _loops(self) -> list[Callable[[], Awaitable[bool]]]:
        """Looked up when they are called: a crash in between replaces all of them."""

        def turn(number: int) -> Awaitable[bool]:
            workers: list[Outbox | Editor] = [*self.home.outboxes, *self.home.editors]
            return workers[number].step()

        async def tick() -> bool:
            return await self.ticker.step()

        async def reconcile() -> bool:
            return await self.home.reconciler.step()

        workers = len(CHANNELS) + sum(one[1].shows_state for one in CHANNELS.values())
        return [tick, *(partial(turn, number) for number in range(workers)), reconcile]

    async def forward(self, span: Span) -> None:
        """Let true time pass, from one thing that is due to the next."""
        end = self.clock.true + span
        while self.clock.true < end:
            await self._pass(min(await self._until_due(), end - self.clock.true))
            await self.settle()

    async def _pass(self, span: Span) -> None:
        """Time goes by while the daemon turns every second and has nothing to do."""
        self.clock.advance(span)
        with self.fuse.out_of_the_way():
            try:
                await self.home.timers.heartbeat()
            except Unavailable:
                return
        self.ticker._seen = self.ticker._beat = self.clock.now()

    def _weather(self) -> None:
        """What ends by itself ends."""
        if self.refused_until is not None and self.clock.true >= self.refused_until:
            self.refused_until = None
            self.ground.refuse("")
        for provider in self.providers.values():
            provider.catch_up()

    def refuse(self, how: str, span: Span) -> None:
        """The database takes no transaction for a while."""
        self.ground.refuse(how)
        self.refused_until = self.clock.true + span

    async def _until_due(self) -> Span:
        """How long nothing happens by itself."""
        now = self.clock.now()
        with self.fuse.out_of_the_way():
            due = await self.home.store.earliest_due()
            moving = (await self.home.store.deliveries(500, states=MOVING)).items
            held = (await self.home.store.deliveries(500, states={DeliveryState.held})).items
        waits = {row.id for row in held}  # an edit behind one of them does not move by itself
        moving = [row for row in moving if row.edits not in waits]
        spans = [LOOK] if moving else []
        spans += [row.not_before - now for row in moving]
        if due is not None:
            spans.append(due - now)
        if self.refused_until is not None:
            spans.append(self.refused_until - self.clock.true)
            spans.append(10 * SECOND)
        return min((span for span in spans if span > 0), default=10**12)

    async def jump(self, span: Span) -> None:
        """Somebody sets the machine's clock.

        Not while a delivery is in doubt: its quarantine is counted on the wall clock
        and would be over at once, before the provider can be late no more.
        """
        while await self._doubts():
            await self.forward(MINUTE)
        self.clock.jump(span)
        self.counts.jumps += 1
        await self.settle()

    async def _doubts(self) -> bool:
        in_doubt, store = {DeliveryState.attempted, DeliveryState.unknown}, self.home.store
        now = self.clock.now()
        with self.fuse.out_of_the_way():
            if (await store.deliveries(1, states=in_doubt)).items:
                return True
            edits = (await store.deliveries(500, states={DeliveryState.queued}, edits=True)).items
        return any(row.attempts and row.not_before > now for row in edits)

    async def suspend(self, span: Span) -> None:
        """The lid is closed and opened again."""
        self.clock.suspend(span)
        self.counts.suspensions += 1
        await self.settle()

    # -- what must hold at every rest --------------------------------------

    async def _rows(self, keys: set[str]) -> dict[str, Delivery]:
        """The posts of those keys; a person may replay an old one."""
        found: dict[str, Delivery] = {}
        before: int | None = None
        while keys - found.keys():
            page = await self.home.store.deliveries(500, before)
            found |= {row.key: row for row in page.items if row.key in keys}
            if page.next is None:
                break
            before = page.next
        return found

    async def _check_order(self) -> None:
        """I8: each thread takes its posts in the order in which they were decided."""
        posts, self._posts = self._posts, []
        if not posts:
            return
        with self.fuse.out_of_the_way():
            rows = await self._rows({key for _, key in posts})
        for channel, key in posts:
            row = rows[key]
            thread = (row.group, channel, row.recipient)
            if row.id < self._taken.get(thread, 0):
                raise Broken(f"I8: {channel} took delivery {row.id} of group {row.group} after a later one")
            self._taken[thread] = row.id

    def was_passed(self, row: Delivery) -> bool:
        """Whether a later post of the same thread is there: what a person who looks sees."""
        return row.id < self._taken.get((row.group, row.channel, row.recipient), 0)

    def _check_silence(self) -> None:
        """I9: an open incident that customers know is spoken about, or a person was asked."""
        if self.refused_until is not None:
            return
        now = self.clock.true
        for group, state in self.home.desk.memory.states.items():
            if state.phase != "open" or state.plan != "public":
                continue
            silent = now - self.spoke.get(group, now)
            most = EVERY * MINUTE
            if state.promise is not None:
                most = max(most, state.promise - (state.last_counting or state.promise))
            if silent > most + SLACK:
                raise Broken(f"I9: group {group}: nobody heard of it for {silent / MINUTE:.1f} minutes")

    async def inspect(self) -> None:
        """Hold everything that is stored against the invariants, once the database takes what is due."""
        while self.refused_until is not None:
            await self.forward(self.refused_until - self.clock.true)
        with self.fuse.out_of_the_way():
            stored = await self.ground.episodes()
            wrong = self.monitor.wrong(stored)
            if wrong:
                raise Broken(f"I1: {wrong}")
            groups = sorted(self.home.desk.memory.due)
            for group in groups:
                await invariants.check_group(self.home.desk, group, self.clock.latest)
            await invariants.check_episodes(self.home.store)

    async def check_shown(self) -> None:
        """I13: every post that is edited shows the newest state at last."""
        for group in sorted(self.home.desk.memory.due):
            check_shown(await invariants.deliveries_of(self.home.store, group), self.providers)

    async def open_numbers(self) -> list[int]:
        """The incidents that people can act on."""
        with self.fuse.out_of_the_way():
            return [row.number for row in await self.home.store.open_groups() if row.number]

    async def mend(self) -> None:
        """Faults off: from here on the world is good."""
        self.fuse.renew()
        self.ground.refuse("")
        self.refused_until = None
        for provider in self.providers.values():
            provider.mood, provider.unreadable = Mood.fine, False
            provider.moods.clear()
        for body in self.monitor.unanswered:
            await self.report(body.alerts, body.truncated)
        self.monitor.unanswered.clear()
        await self.settle()

    def figures(self) -> dict[str, int]:
        """What happened, for the report."""
        posts = sum(len(provider.order) for provider in self.providers.values())
        second = sum(
            provider.second_posts
            for provider in self.providers.values()
            if provider.capabilities.on_doubt != "resend"
        )
        return {
            "alerts": self.monitor.count, "incidents": self.counts.incidents, "posts": posts,
            "crashes": self.counts.crashes, "refusals": self.counts.refusals, "jumps": self.counts.jumps,
            "suspensions": self.counts.suspensions, "second_posts": second,
        }  # fmt: skip
