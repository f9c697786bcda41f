"""A daemon in virtual time: its own services over a store in memory, and channels that nobody reads.

Nothing here decides.  ``forward`` goes from one instant at which something is
due to the next, and has the daemon's own ticker, outbox and reconciler turn.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

from daemon import recovery
from daemon.core.clock import SECOND, FakeClock, Instant, Span
from daemon.core.delivery import Delivery, DeliveryState
from daemon.core.group import Group
from daemon.core.journal import Recorded
from daemon.core.ports import Channel, Outcome
from daemon.lab.channel import LabChannel
from daemon.lab.story import Story
from daemon.outbox import Outbox
from daemon.reconcile import Reconciler
from daemon.service.alerts import AlertDesk
from daemon.service.deliveries import DeliveryDesk
from daemon.service.desk import Desk
from daemon.service.incidents import IncidentDesk
from daemon.service.rulebook import RuleBook
from daemon.service.timers import TimerDesk
from daemon.storage.memory.ledger import Ledger
from daemon.storage.memory.store import MemoryStore
from rules.load import version_of
from rules.model import RuleSet

IN_DOUBT = frozenset({DeliveryState.unknown, DeliveryState.claimed, DeliveryState.attempted})
NOISE = 0.01  # of a millisecond: what floating seconds since 1970 are wrong by, and more
MOST_TURNS = 200  # at one instant; more would be a fault of ours


class World:
    """One daemon.  ``await World.open(rules, start)``; ``stop`` and ``resume`` are a restart."""

    def __init__(self, rules: RuleSet, start: Instant) -> None:
        self.clock = FakeClock(start)
        self.story = Story()
        self.channels: dict[str, LabChannel] = {}
        self.faults: list[Exception] = []
        self._ledger = Ledger()
        self._states: dict[int, Group] = {}
        self._known: dict[str, RuleSet] = {}  # all that were in force
        self.take(rules)

    @classmethod
    async def open(cls, rules: RuleSet, start: Instant) -> World:
        """A daemon that has just started on an empty store."""
        world = cls(rules, start)
        await world.resume()
        return world

    def _add_channels(self, rules: RuleSet) -> None:
        for rule in rules.channels.values():
            if rule.configured and not rule.is_page and rule.id not in self.channels:
                self.channels[rule.id] = LabChannel(rule.id, rule.kind, rule.audience, self._accepted)

    def _accepted(self, channel: str, update: str, text: str) -> None:
        self.story.accepted(self.clock.now(), channel, update, text, self.channels[channel].audience)

    async def resume(self) -> None:
        """Start: on what the store has, with the rules in force."""
        self.store = MemoryStore(self._ledger)
        book = RuleBook(self.rules, lambda sources: self._known[version_of(sources)])
        self.desk = Desk(self.store, book, self.channels, self.clock)
        self.desk.observers.append(self._entry)
        self.desk.on_fault.append(lambda _, error: self.faults.append(error))
        self.alerts = AlertDesk(self.desk)
        self.incidents = IncidentDesk(self.desk)
        self.deliveries = DeliveryDesk(self.desk)
        self.timers = TimerDesk(self.desk)
        self.reconciler = Reconciler(self.channels, self.deliveries, self.store, self.clock)
        self.outboxes: dict[str, Outbox] = {}
        await self._keep(self.rules)
        await recovery.load_memory(self.desk, self.store)
        await recovery.settle_the_past(self.desk, self.store, self.channels, self.clock)
        self._make_outboxes()

    def _make_outboxes(self) -> None:
        for name, channel in self.channels.items():
            if name not in self.outboxes:
                self.outboxes[name] = Outbox(channel, self.deliveries, self.store, self.clock, _unheard)

    async def stop(self) -> None:
        """Stop in good order: the store learns when it last lived."""
        await self.timers.heartbeat()
        await self.store.close()

    def take(self, rules: RuleSet) -> None:
        """These are the rules now: for the next start, or for ``reload``."""
        self.rules = self._known[rules.version] = rules
        self._add_channels(rules)

    async def reload(self) -> None:
        """New incidents follow the rules that were taken."""
        self._make_outboxes()
        await self._keep(self.rules)
        self.desk.book.replace(self.rules)

    async def _keep(self, rules: RuleSet) -> None:
        now = self.clock.now()
        await self.store.write(lambda tx: tx.rules_version(rules.version, now, "lab", rules.sources), now)

    def turn(self, channel: str, mood: str) -> None:
        """A channel's mood changes; one that is up again is tried at once, not when its rest is over."""
        self.channels[channel].turn(mood)
        if mood == "up" and channel in self.outboxes:
            self.outboxes[channel].destination.rests_until = 0.0

    async def settle(self) -> None:
        """Everything that is due now: timers, outbox, doubts; until nothing moves."""
        ledger = self._ledger
        for _ in range(MOST_TURNS):
            before = ledger.committed
            await self.timers.tick()
            for name in {row.channel: None for row in ledger.moving.values()}:
                if name in self.outboxes:
                    await self.outboxes[name].step()
            if any(row.state in IN_DOUBT for row in ledger.moving.values()):
                await self.reconciler.step()
            if ledger.committed == before:
                return
        raise RuntimeError(f"the daemon does not come to rest at {self.clock.now()}")

    async def until(self, instant: Instant, seen: Callable[[], None] | None = None) -> None:
        """Let time pass: all that is due before ``instant`` is done, and it is that instant then.

        What is due at ``instant`` itself waits for ``settle``, because what comes in then comes first.
        ``seen`` is called after each instant at which something was due.
        """
        while (now := self.clock.now()) < instant:
            nearest = self._next(now, instant)
            self.clock.advance(nearest - now)
            if nearest >= instant:
                return
            await self.settle()
            if seen is not None:
                seen()

    def _next(self, now: Instant, end: Instant) -> Instant:
        """The next instant at which something may happen by itself."""
        nearest = end
        for due in self._ledger.due.values():
            if now < due < nearest:
                nearest = due
        for row in self._ledger.moving.values():
            turn = row.lease_until or row.not_before
            if row.state is DeliveryState.queued and row.channel in self.outboxes:
                turn = max(turn, now + self._rest(row.channel))
            if now < turn < nearest:
                nearest = turn
        return nearest

    def _rest(self, channel: str) -> Span:
        """How long a channel's worker leaves it alone; at least a millisecond where it does."""
        wait = self.outboxes[channel].destination.wait(self.clock.monotonic()) * SECOND
        return max(ceil(wait - NOISE), 1) if wait > 0 else 0

    def states(self) -> list[Group]:
        """The newest states of all incidents, those that are over too, in the order of their numbers."""
        return sorted((one for one in self._states.values() if one.number), key=lambda one: one.number)

    def _entry(self, group: Group, recorded: Recorded) -> None:
        self._states[group.id] = group
        self.story.entry(group, recorded)

    def rules_of(self, state: Group) -> RuleSet:
        """The rule set that an incident keeps."""
        return self.desk.book.of(state.rules)

    def due(self, group: int) -> Instant | None:
        """When the group is looked at next."""
        return self.desk.memory.due.get(group)


def _unheard(channel: Channel, row: Delivery, outcome: Outcome, took: float) -> None:
    """What the journal does not know of an attempt, the lab does not tell."""
