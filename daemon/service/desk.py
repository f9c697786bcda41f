"""The one write path: inputs folded, decided, journalled and turned into deliveries.

Every use case hands its inputs to ``Desk.settle`` inside a work of the store.
Nothing else writes a journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from daemon.core import fold
from daemon.core import journal as j
from daemon.core.channel_view import AGAIN
from daemon.core.clock import MINUTE, SECOND, Clock, Instant
from daemon.core.delivery import DeliveryState
from daemon.core.group import Group
from daemon.core.ports import Channel
from daemon.core.store import GroupRow, Store, Tx
from daemon.service import budgets, posts, state_posts
from daemon.service.memory import Memory
from daemon.service.rulebook import RuleBook
from daemon.service.views import Views, group_row
from rules.settle import settle

T = TypeVar("T")

SOON = SECOND
"""The ticker looks by itself this often: what is due later need not wake it."""

HEARTBEAT = "heartbeat"  # the note that says when a daemon last lived

FILLING = 5 * SECOND
"""A group whose body is still coming in slices is decided after the last, or when this has passed."""


class Observer(Protocol):
    """Who wants to know what was journalled, after COMMIT (metrics, logs, the demo's view)."""

    def __call__(self, group: Group, recorded: j.Recorded) -> None: ...


@dataclass(frozen=True, slots=True)
class Settled:
    """What one settling did."""

    state: Group
    recorded: tuple[j.Recorded, ...]


@dataclass(slots=True)
class Place:
    """Where what waited too long stood in its queue; ``attempts`` are counted where there is a schedule."""

    not_before: Instant
    attempts: int = 0


class Desk:
    """Holds what every use case needs: store, memory, rules, channels, clock."""

    def __init__(self, store: Store, book: RuleBook, channels: Mapping[str, Channel], clock: Clock) -> None:
        self.store = store
        self.book = book
        self.channels = channels
        self.clock = clock
        self.memory = Memory()
        self.views = Views()
        self.paused: j.Paused | None = None  # new groups begin with it
        self.others_alive_at: Instant = 0  # another process lived then and decided what was due
        self.observers: list[Observer] = []
        self.on_fault: list[Callable[[int, Exception], None]] = []
        self.wake_timers: list[asyncio.Event] = []
        self.wake_outbox: list[asyncio.Event] = []
        self.wake_page: list[asyncio.Event] = []
        self.page_version = 0  # grows with each change that the page may show
        store.on_rollback(self.memory.drop)
        store.on_lost_batch(self.memory.undo_batch)

    async def work(self, job: Callable[[Work], T], weight: int = 1) -> T:
        """Run a job in the next commit; observers hear of it once it is durable."""
        done: list[Settled] = []

        def run(tx: Tx) -> T:
            done.clear()
            mark = self.memory.begin(tx)
            try:
                work = Work(self, tx)
                answer = job(work)
            except BaseException:
                self.memory.undo_to(mark)
                raise
            done.extend(work.settled)
            return answer

        answer = await self.store.write(run, self.clock.now(), weight)
        for settled in done:
            self._wake(settled)
            for recorded in settled.recorded:
                for observer in self.observers:
                    observer(settled.state, recorded)
        return answer

    def failed(self, group: int, error: Exception) -> None:
        """A decision raised: tell whoever counts and logs faults."""
        for told in self.on_fault:
            told(group, error)

    def wake_all(self) -> None:
        """Set every loop going: somebody else has changed what they look at."""
        for event in (*self.wake_timers, *self.wake_outbox, *self.wake_page):
            event.set()

    def _wake(self, settled: Settled) -> None:
        """Set the loops going that have something to do now that it is durable."""
        kinds = {type(one.entry) for one in settled.recorded}
        wakes = []
        due = self.memory.due.get(settled.state.id)
        if due is not None and due <= self.clock.now() + SOON:
            wakes.append(self.wake_timers)
        if kinds & {j.Said, j.Asked, j.DeliveryMoved}:
            wakes.append(self.wake_outbox)
        if kinds - {j.Heard, j.Alerts, j.DeliveryMoved, j.Asked}:
            self.page_version += 1
            wakes.append(self.wake_page)
        for events in wakes:
            for event in events:
                event.set()


class Work:
    """One work's view of the desk: settles groups inside a transaction."""

    def __init__(self, desk: Desk, tx: Tx) -> None:
        self.desk = desk
        self.tx = tx
        self.settled: list[Settled] = []

    def state(self, group: int) -> Group:
        return self.desk.memory.state(self.tx, group)

    def settle(self, state: Group, inputs: Sequence[j.Entry], *, look: bool = True) -> Settled:
        """Take inputs in, decide, and write everything down.

        ``look=False`` leaves the decision to the next call (a large body's
        earlier slices); the group is then due a moment later, so that a crash in
        between loses nothing, and the ticker does not speak of half a body.
        """
        now, memory = self.tx.now, self.desk.memory
        if not look:
            recorded = tuple(fold.add(state, now, entry) for entry in inputs)
            due = memory.due.get(state.id)
            memory.keep(state, now + FILLING if due is None else min(due, now + FILLING))
            return self._write(state, recorded)
        rules = self.desk.book.of(state.rules)
        due = memory.due.get(state.id)
        caps = self.desk.book.current.limits.posts_per_hour
        if caps and inputs and due is not None and due < now:
            self.settle(state, [])  # it may spend what the inputs would find
            state, due = self.state(state.id), memory.due.get(state.id)
        world = budgets.facts(state, memory.posted, caps, now)
        try:
            settlement = settle(state, inputs, rules, now, due=due, number=self.tx.next_number, world=world)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not lose what came in; told and counted
            self.desk.failed(state.id, error)
            return self._undecided(state.id, inputs)
        memory.keep(settlement.state, settlement.next_due)
        return self._write(settlement.state, settlement.recorded)

    def _undecided(self, group: int, inputs: Sequence[j.Entry]) -> Settled:
        """Keep the inputs of a group whose decision failed, and try it again in a minute."""
        memory, now = self.desk.memory, self.tx.now
        memory.drop(frozenset({group}))
        state = memory.state(self.tx, group)
        recorded = tuple(fold.add(state, now, entry) for entry in inputs)
        memory.keep(state, now + MINUTE)
        return self._write(state, recorded)

    def _write(self, state: Group, recorded: tuple[j.Recorded, ...]) -> Settled:
        tx, desk = self.tx, self.desk
        rules = desk.book.of(state.rules)
        budgets.spend(tx, desk.memory, desk.book.current.limits.posts_per_hour, recorded)
        for one in recorded:
            tx.journal(state.id, one)
        places: dict[str, Place] = {}  # of what is said anew
        for one in recorded:
            if isinstance(one.entry, j.Said):
                anew = one.entry.occasion.startswith(AGAIN)
                for row in posts.of_said(tx, state, one.entry, desk.channels, rules, desk.memory.live_states):
                    if anew and (place := places.get(row.channel)) is not None:
                        row.not_before, row.attempts = place.not_before, place.attempts
                    tx.delivery(row)
                self._hurry(state, one.entry.posts)
            elif isinstance(one.entry, j.Asked):
                for row in posts.of_asked(tx, state, one.entry, desk.channels, rules):
                    tx.delivery(row)
            elif isinstance(one.entry, j.Superseded):
                self._supersede(state, one.entry, places)
        for row in state_posts.of_recorded(tx, state, recorded, desk.channels, rules):
            tx.delivery(row)
        tx.group_later(state.id, lambda later: self._row(later, state.id))
        settled = Settled(state, recorded)
        self.settled.append(settled)
        return settled

    def _hurry(self, state: Group, channels: Collection[str]) -> None:
        """What waits by a schedule of hours goes before newer words: it is tried when there are some."""
        known = self.desk.channels
        planned = {one for one in channels if one in known and known[one].capabilities.schedule}
        for row in self.tx.read_deliveries(state.id, {DeliveryState.queued}) if planned else ():
            if row.channel in planned and row.not_before > self.tx.now:
                row.not_before = self.tx.now
                self.tx.delivery_changed(row, DeliveryState.queued, row.token)

    def _row(self, tx: Tx, group: int) -> GroupRow:
        memory = self.desk.memory
        state = memory.state(tx, group)
        view = self.desk.views.encoded(state, self.desk.book.of(state.rules))
        return group_row(state, memory.due.get(group), view)

    def _supersede(self, state: Group, entry: j.Superseded, places: dict[str, Place]) -> None:
        """With updates named, also what older ones left behind: newer words go to those recipients too.

        What speaks for them takes over their place in the queue, so that the
        incident that has waited longest stays the first; and where a schedule
        ends, it ends for what was said anew as well.
        """
        rows = self.tx.read_deliveries(state.id, {DeliveryState.queued})
        rows = [row for row in rows if row.channel in entry.channels]
        newest = max((row.sequence for row in rows if row.update in entry.updates), default=0)
        staying = []
        for row in rows:
            left_behind = row.sequence < newest and row.update not in state.channels[row.channel].queued
            if entry.updates and row.update not in entry.updates and not left_behind:
                staying.append(row)
                continue
            channel = self.desk.channels.get(row.channel)
            scheduled = channel is not None and bool(channel.capabilities.schedule)
            at = min(row.not_before, self.tx.now) if scheduled else row.not_before
            place = places.setdefault(row.channel, Place(at))
            place.not_before = min(place.not_before, at)
            place.attempts = max(place.attempts, row.attempts if scheduled else 0)
            row.state, row.reason = DeliveryState.superseded, entry.reason
            self.tx.delivery_changed(row, DeliveryState.queued, row.token)
        for row in staying:
            taken = places.get(row.channel)
            if not row.attempts and taken is not None and row.not_before > taken.not_before:
                row.not_before = taken.not_before
                self.tx.delivery_changed(row, DeliveryState.queued, row.token)
