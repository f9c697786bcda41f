"""A whole daemon without sockets: real store, real rules, real outbox; clock and channels are the test's."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil
from pathlib import Path

from daemon import recovery
from daemon.core.alert import Alert, Report
from daemon.core.clock import MINUTE, SECOND, FakeClock, Instant, SystemClock
from daemon.core.delivery import DeliveryState
from daemon.core.group import Group
from daemon.core.ports import CannotTell, Capabilities, Found, Outcome, Payload, Post, Ref, Sent, Shown
from daemon.core.words import Audience
from daemon.editor import Editor
from daemon.metrics import Metrics
from daemon.observer import Watcher
from daemon.outbox import Outbox
from daemon.reconcile import Reconciler
from daemon.service.alerts import AlertDesk, TakenIn
from daemon.service.board import Board
from daemon.service.deliveries import DeliveryDesk
from daemon.service.desk import Desk, Observer
from daemon.service.edits import EditDesk
from daemon.service.incidents import IncidentDesk
from daemon.service.rulebook import RuleBook
from daemon.service.timers import TimerDesk
from daemon.storage.postgres.store import PostgresStore
from daemon.storage.sqlite.store import SqliteStore, open_sqlite
from rules.load import ConfiguredChannel, load_sources
from rules.model import RuleSet, Site

OpenStore = Callable[[Path], Awaitable[SqliteStore]]

START: Instant = 1_798_797_600_000  # 2027-01-01T10:00:00Z

RULES = """
channels:
  page: { kind: status_page }
  mail: { kind: email }
  ops: { kind: slack, audience: internal }
  x: { kind: x }
components:
  - id: checkout
    name: Checkout
    matchers: [ 'service="checkout"' ]
    customers_cannot: pay for their orders
  - { id: search, name: Search, matchers: [ 'service="search"' ], customers_cannot: "find products" }
routes:
  - id: services
    matchers: [ 'severity=~"critical|page|warning"' ]
    group_by: [ component ]
    for: 1m
    keep_firing_for: 5m
    monitor_for: 10m
    open:
      components: matched
      impact: { label: severity, values: { critical: critical, page: major }, else: minor }
      plan: public
  - id: rest
    group_by: [ alertname ]
    open: { components: [], impact: none, plan: internal }
plans:
  public:
    to: [ page, mail, ops ]
    ask: comms
    steps:
      - { id: first, after: 0s, say: investigating, promise: 30m }
      - { id: nag, every: 25m, ask: comms }
      - { id: holding, every: 30m, say: holding, promise: 30m }
      - { id: social, after: 2h, say: short, to: [ x ], if: "impact >= major", approve: veto 5m }
      - { id: clear, on: monitoring, say: monitoring, limit: 3 }
      - { id: relapse, on: [ refired, reopened ], say: relapse, promise: 30m, limit: 3 }
      - { id: done, on: resolved, say: resolved, to: [ told, ops ] }
      - { id: sorry, on: retracted, say: false_alarm, to: [ told, ops ] }
  internal:
    to: [ ops ]
    ask: comms
    steps:
      - { id: tell, after: 0s, say: internal_note }
      - { id: end, on: resolved, say: internal_end }
people:
  comms: { channel: ops, mention: "@comms" }
"""


@dataclass
class Loudspeaker:
    """A channel that keeps what it was given; ``answers`` are handed out one by one, then it just sends."""

    name: str
    audience: Audience
    clock: FakeClock
    capabilities: Capabilities
    heard: list[tuple[Instant, Payload]] = field(default_factory=list)
    answers: list[Outcome] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    people: tuple[str, ...] = ("",)
    price: Decimal = Decimal(0)
    edited: list[tuple[Instant, str, Payload]] = field(default_factory=list)  # when, which post, to what
    edit_answers: list[Outcome] = field(default_factory=list)

    def recipients(self) -> tuple[str, ...]:
        return self.people

    def render(self, post: Post, recipient: str = "") -> Payload:
        if post.audience is Audience.internal and self.audience is Audience.public:
            raise ValueError("internal text on a public channel")
        shown = {"text": post.text, "title": post.title, "incident": post.incident, "key": post.key}
        if self.capabilities.shows_state:
            shown["state"] = f"{post.status}/{post.impact}"
        return shown

    def cost(self, payload: Payload) -> Decimal:
        return self.price

    def shown(self, payload: Payload) -> Shown:
        return Shown(payload["text"], payload["title"])

    async def send(self, payload: Payload, parent: Ref | None, key: str) -> Outcome:
        outcome = self.answers.pop(0) if self.answers else Sent(Ref({"id": str(len(self.heard) + 1)}))
        if isinstance(outcome, Sent):
            self.heard.append((self.clock.now(), payload))
        return outcome

    async def edit(self, ref: Ref, payload: Payload) -> Outcome:
        outcome = self.edit_answers.pop(0) if self.edit_answers else Sent(ref)
        if isinstance(outcome, Sent):
            self.edited.append((self.clock.now(), ref.ids["id"], payload))
        return outcome

    async def find(self, payload: Payload, key: str, since: Instant, parent: Ref | None = None) -> Found:
        return self.found.pop(0) if self.found else CannotTell("cannot be read back")

    async def check(self) -> str | None:
        return None

    async def close(self) -> None:
        """Nothing to close."""


def speakers_at(clock: FakeClock) -> dict[str, Loudspeaker]:
    """One of each kind that the rules name."""
    return {
        "mail": Loudspeaker("mail", Audience.public, clock, Capabilities("email", on_doubt="resend")),
        "ops": Loudspeaker("ops", Audience.internal, clock, Capabilities("slack", on_doubt="hold")),
        "x": Loudspeaker("x", Audience.public, clock, Capabilities("x", on_doubt="read_back", threads=True)),
    }


class House:
    """One daemon.  ``await House.open(tmp_path)``; ``restart`` closes it and opens it again."""

    def __init__(self, folder: Path, clock: FakeClock, rules: str, said: Mapping[str, Loudspeaker]) -> None:
        self.folder = folder
        self.clock = clock
        self.text = rules
        self.speakers = dict(said)
        self.observers: list[Observer] = []
        self.store: SqliteStore | PostgresStore

    @classmethod
    async def open(cls, folder: Path, rules: str = RULES) -> House:
        clock = FakeClock(START)
        house = cls(folder, clock, rules, speakers_at(clock))
        await house._start()
        return house

    def rule_set(self, text: str) -> RuleSet:
        configured = {"page": ConfiguredChannel(kind="status_page", audience=Audience.public)}
        for name, speaker in self.speakers.items():
            configured[name] = ConfiguredChannel(kind=speaker.capabilities.kind, audience=speaker.audience)
        site = Site("Example", "https://status.example.com", "UTC")
        return load_sources([("story.yaml", text)], site=site, configured=configured)

    async def open_store(self) -> SqliteStore | PostgresStore:
        return await open_sqlite(self.folder / "tocsin.db", SystemClock())

    async def _start(self) -> None:
        self.store = await self.open_store()
        rules = self.rule_set(self.text)
        book = RuleBook(rules, lambda sources: self.rule_set(sources[0][1]))
        self.desk = Desk(self.store, book, self.speakers, self.clock)
        kinds = {name: speaker.capabilities.kind for name, speaker in self.speakers.items()}
        self.metrics = Metrics(sources=["am"], channels=kinds)
        watcher = Watcher(self.metrics)
        self.desk.observers += [watcher.entry, *self.observers]
        now = self.clock.now()
        await self.store.write(lambda tx: tx.rules_version(rules.version, now, "test", rules.sources), now)
        self.alerts = AlertDesk(self.desk)
        self.incidents = IncidentDesk(self.desk)
        self.deliveries = DeliveryDesk(self.desk)
        self.timers = TimerDesk(self.desk)
        self.board = Board(self.desk)
        self.reconciler = Reconciler(self.speakers, self.deliveries, self.store, self.clock)
        self.watcher = watcher
        self.make_outboxes()
        await recovery.load_memory(self.desk, self.store)
        await recovery.settle_the_past(self.desk, self.store, self.speakers, self.clock)

    def make_outboxes(self) -> None:
        """A worker per channel, by what the channels are capable of now."""
        self.outboxes = [
            Outbox(speaker, self.deliveries, self.store, self.clock, self.watcher.attempt)
            for speaker in self.speakers.values()
        ]
        edits = EditDesk(self.desk)
        self.editors = [
            Editor(outbox, edits, self.store, self.clock, self.watcher.edited)
            for outbox in self.outboxes
            if outbox.channel.capabilities.shows_state
        ]

    async def close(self) -> None:
        await self.timers.heartbeat()
        await self.store.close()

    async def restart(self, away: int = 0) -> None:
        """Stop in good order, stay away so many milliseconds, start again."""
        await self.close()
        self.clock.advance(away)
        await self._start()
        await self.settle()

    async def store_without_rule_versions(self) -> None:
        """Lose the stored rule files, as a restored copy of an old database might."""
        with closing(sqlite3.connect(self.folder / "tocsin.db")) as connection, connection:
            connection.execute("DELETE FROM rule_versions")

    # -- what comes in -----------------------------------------------------

    async def alert(
        self,
        name: str = "Down",
        *,
        firing: bool = True,
        starts_at: Instant | None = None,
        truncated: int = 0,
        **labels: str,
    ) -> TakenIn:
        """One webhook with one alert; the same labels are the same alert."""
        return await self.send([self.make(name, firing=firing, starts_at=starts_at, **labels)], truncated)

    async def send(self, alerts: list[Alert], truncated: int = 0) -> TakenIn:
        taken = await self.alerts.take_in(Report(alerts, truncated))
        await self.settle()
        return taken

    def make(
        self, name: str = "Down", *, firing: bool = True, starts_at: Instant | None = None, **labels: str
    ) -> Alert:
        shown = {"alertname": name, "service": "checkout", "severity": "page"} | labels
        fingerprint = "-".join(f"{key}={value}" for key, value in sorted(shown.items()))
        return Alert("am", fingerprint, START if starts_at is None else starts_at, firing, shown)

    # -- time --------------------------------------------------------------

    async def settle(self) -> None:
        """Everything that is due now: timers, outbox, doubts; until nothing moves."""
        for _ in range(50):
            worked = await self.timers.tick() > 0
            for outbox in self.outboxes:
                worked = await outbox.step() or worked
            for editor in self.editors:
                worked = await editor.step() or worked
            worked = await self.reconciler.step() or worked
            if not worked:
                return
        raise AssertionError("the house does not come to rest")

    async def forward(self, minutes: float) -> None:
        """Let time pass, stopping at every instant at which something is due."""
        end = self.clock.now() + int(minutes * MINUTE)
        await self.settle()
        while (now := self.clock.now()) < end:
            due = [await self.store.earliest_due(), await self.store.earliest_claim(), await self._doubt()]
            monotonic = self.clock.monotonic()
            due += [now + ceil(one.destination.wait(monotonic) * SECOND) for one in self.outboxes]
            due += [now + ceil(one.wait(monotonic) * SECOND) for one in self.editors]
            later = [one for one in due if one is not None and now < one <= end]
            self.clock.advance(min(later, default=end) - now)
            await self.settle()

    async def _doubt(self) -> Instant | None:
        in_hand = {DeliveryState.unknown, DeliveryState.claimed, DeliveryState.attempted}
        page = await self.store.deliveries(50, states=in_hand)
        return min((row.lease_until or row.not_before for row in page.items), default=None)

    # -- what is seen ------------------------------------------------------

    def minutes(self, instant: Instant) -> float:
        return (instant - START) / MINUTE

    def heard(self, channel: str) -> list[tuple[float, str]]:
        """(minute, text) of everything that a channel accepted."""
        return [(self.minutes(at), payload["text"]) for at, payload in self.speakers[channel].heard]

    async def page(self) -> list[tuple[float, str]]:
        """(minute, status) of every update on the page, oldest first, over all incidents."""
        view = await self.board.view()
        updates = [
            one for incident in (*view.open_incidents, *view.past_incidents) for one in incident.updates
        ]
        return sorted((self.minutes(one.at), one.status) for one in updates)

    def state(self, number: int = 1) -> Group:
        return self.desk.memory.states[self.desk.memory.numbers[number]]
