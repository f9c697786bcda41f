"""The live daemon's services on SQLite and a fake clock, turned as its loops turn them.

Nothing of the lab drives it: it looks often instead of only when something is
due, has the real ticker with its heartbeat, and keeps a monitor of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

from daemon.core import journal as j
from daemon.core.alert import Alert, Report
from daemon.core.clock import MINUTE, SECOND, FakeClock, Instant, Span
from daemon.core.errors import TocsinError
from daemon.core.group import Group
from daemon.core.ports import (
    CannotTell,
    Capabilities,
    Found,
    NotThere,
    Outcome,
    Payload,
    Post,
    Reason,
    Ref,
    Rejected,
    Retry,
    Unknown,
)
from daemon.core.words import Audience, Impact, Status
from daemon.service.incidents import UpdateRequest
from daemon.storage.sqlite.store import SqliteStore
from daemon.ticker import Ticker
from rules import durations
from rules.load import load_sources
from rules.model import RuleSet, Site
from tests.faults.simulation.ground import SqliteGround
from tests.stories.house import House, Loudspeaker

RESENDS = Capabilities("email", per_recipient=True, on_doubt="resend", late_apply=0.0)
READS = {"threads": True, "can_find": True, "on_doubt": "read_back"}
SPEAKERS: dict[str, tuple[Audience, Capabilities, tuple[str, ...]]] = {
    "mail": (Audience.public, RESENDS, ("reader",)),
    "ops": (Audience.internal, Capabilities("slack", idempotency="lookup", **READS), ("",)),  # type: ignore[arg-type]
    "x": (Audience.public, Capabilities("x", idempotency="content", **READS), ("",)),  # type: ignore[arg-type]
}
ROUTE = {"route": "route"}
REPEAT: Span = 10 * MINUTE


@dataclass
class Speaker(Loudspeaker):
    """May be down; what was in doubt there never arrived."""

    is_down: bool = False

    def render(self, post: Post, recipient: str = "") -> Payload:
        return {**super().render(post, recipient), "update": post.update}

    async def send(self, payload: Payload, parent: Ref | None, key: str) -> Outcome:
        return Retry(Reason.network, "down") if self.is_down else await super().send(payload, parent, key)

    async def find(self, payload: Payload, key: str, since: Instant, parent: Ref | None = None) -> Found:
        return NotThere() if self.capabilities.can_find else CannotTell("cannot be read back")


class LiveHouse(House):
    """A house whose rules are taken as the tools take them: with all their channels configured."""

    ground: SqliteGround

    async def open_store(self) -> SqliteStore:
        opened = await self.ground.open(self.folder)
        assert isinstance(opened, SqliteStore)
        return opened

    def rule_set(self, text: str) -> RuleSet:
        return load_sources([("rules.yaml", text)], site=Site(), configured=None)


@dataclass
class Live:
    """One daemon and its surroundings; ``document`` is the scenario of what was done to it."""

    house: LiveHouse
    stride: Span
    start: Instant
    document: dict[str, list[Any]] = field(default_factory=dict)
    entries: list[tuple[Instant, int, j.Entry]] = field(default_factory=list)
    posts: list[tuple[Instant, str, str, str]] = field(default_factory=list)  # when, channel, step, text
    alerts: dict[str, Alert] = field(default_factory=dict)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)  # alert -> its run under way
    told: set[str] = field(default_factory=set)  # alerts that the daemon knows as firing
    running: bool = True
    reported_at: Instant = 0

    @classmethod
    async def open(cls, folder: Path, ground: SqliteGround, rules: str, start: Instant, stride: Span) -> Live:
        clock = FakeClock(start)
        speakers = {
            name: Speaker(name, audience, clock, capabilities, people=people)
            for name, (audience, capabilities, people) in SPEAKERS.items()
        }
        house = LiveHouse(folder, clock, rules, speakers)
        house.ground = ground
        live = cls(house, stride, start)
        house.observers.append(live._journalled)
        await house._start()
        live.ticker = Ticker(house.timers, clock)
        return live

    ticker: Ticker = field(init=False)

    def _journalled(self, group: Group, recorded: j.Recorded) -> None:
        self.entries.append((recorded.at, group.id, recorded.entry))
        if isinstance(recorded.entry, j.Said):
            for page in recorded.entry.pages:
                text = recorded.entry.posts[page]
                self.posts.append((recorded.at, page, recorded.entry.step, text))

    def finish(self) -> None:
        """Take the posts of the channels over, with the steps that said them."""
        steps = {one.update: one.step for _, _, one in self.entries if isinstance(one, j.Said)}
        for name, speaker in self.house.speakers.items():
            self.posts += [
                (at, name, steps[payload["update"]], payload["text"])
                for at, payload in speaker.heard
                if payload["update"] in steps
            ]

    def at(self) -> str:
        """Now, as a scenario writes it."""
        return durations.show(self.house.clock.now() - self.start)

    def note(self, block: str, **what: Any) -> None:
        self.document.setdefault(block, []).append(what)

    # -- time --------------------------------------------------------------

    async def turn(self) -> None:
        """Every loop, until none of them writes anything any more."""
        quiet = 0
        while quiet < 2:
            before = self.house.store.committed
            await self.ticker.step()
            for outbox in self.house.outboxes:
                await outbox.step()
            await self.house.reconciler.step()
            quiet = quiet + 1 if self.house.store.committed == before else 0

    async def until(self, instant: Instant) -> None:
        """Let time pass in short strides; what is due at the instant itself waits for the next ``turn``."""
        house, clock = self.house, self.house.clock
        while (now := clock.now()) < instant:
            if not self.running:
                clock.advance(instant - now)
                return
            due = [await house.store.earliest_due(), await house.store.earliest_claim(), await house._doubt()]
            monotonic = clock.monotonic()
            waits = [one.destination.wait(monotonic) * SECOND for one in house.outboxes]
            due += [now + max(ceil(wait - 0.01), 1) for wait in waits if wait > 0]  # floats are not exact
            due += [now + self.stride, instant]
            if self.told:
                due.append(max(self.reported_at + REPEAT, now + 1))
            clock.advance(min(one for one in due if one is not None and one > now) - now)
            if clock.now() >= instant:
                return
            if self.told and clock.now() >= self.reported_at + REPEAT:
                await self._send([name for name, alert in self.alerts.items() if alert.firing])
            await self.turn()

    # -- what happens ------------------------------------------------------

    async def fire(self, name: str, labels: dict[str, str]) -> None:
        known = self.alerts.get(name)
        if known is not None and known.firing:
            return
        self.alerts[name] = Alert("monitor", name, self.house.clock.now(), True, labels)
        self.runs[name] = {"labels": labels, "fires": self.at()}
        self.document.setdefault("alerts", []).append(self.runs[name])
        await self._send([name])

    async def clear(self, name: str) -> None:
        known = self.alerts.get(name)
        if known is None or not known.firing:
            return
        now = self.house.clock.now()
        self.alerts[name] = Alert("monitor", name, known.starts_at, False, known.labels, ends_at=now)
        self.runs[name]["resolves"] = self.at()
        await self._send([name])

    async def _send(self, names: list[str]) -> None:
        if not self.running:
            return
        known = [name for name in names if self.alerts[name].firing or name in self.told]
        self.reported_at = self.house.clock.now()
        if known:
            alerts = [self.alerts[name] for name in known]
            await self.house.alerts.take_in(
                Report(
                    [
                        Alert(
                            one.source,
                            one.fingerprint,
                            one.starts_at,
                            one.firing,
                            dict(one.labels),
                            ends_at=one.ends_at,
                        )
                        for one in alerts
                    ]
                )
            )
        self.told = {name for name in {*self.told, *known} if self.alerts[name].firing}

    def channel(self, name: str, mood: str) -> None:
        speaker = self.house.speakers[name]
        assert isinstance(speaker, Speaker)
        self.note("channels", at=self.at(), **{name: mood})
        if mood in {"down", "up"}:
            speaker.is_down = mood == "down"
        else:
            answers: dict[str, Outcome] = {
                "unknown": Unknown(Reason.timeout, "no answer"),
                "rejected": Rejected(Reason.content, "refused"),
            }
            speaker.answers.append(answers[mood])
        if mood == "up":
            for outbox in self.house.outboxes:
                if outbox.channel.name == name:
                    outbox.destination.rests_until = 0.0

    async def down(self) -> None:
        await self.turn()
        await self.house.close()
        self.running = False
        self.document.setdefault("daemon", []).append({"down": self.at()})

    async def up(self) -> None:
        await self.house._start()
        self.ticker = Ticker(self.house.timers, self.house.clock)
        self.running = True
        self.document["daemon"][-1]["up"] = self.at()
        await self._send(list(self.alerts))

    async def reload(self, rules: str) -> None:
        """As RuleReload does: the version is kept, then the book replaced."""
        house, now = self.house, self.house.clock.now()
        made = house.rule_set(rules)
        house.text = rules
        await house.store.write(lambda tx: tx.rules_version(made.version, now, "test", made.sources), now)
        house.desk.book.replace(made)

    async def pause(self, span: Span) -> None:
        until = self.house.clock.now() + span
        try:
            await self.house.incidents.pause("someone", until)
        except TocsinError:
            return
        self.note("pause", at=self.at(), until=durations.show(until - self.start))

    async def act(self, act: dict[str, Any], who: str) -> None:
        """One act on the incident of the rules' own route; what is refused is noted as such."""
        states = sorted(
            (one for one in self.house.desk.memory.states.values() if one.number and one.route == "route"),
            key=lambda one: one.number,
        )
        chosen = [one for one in states if one.phase == "open"] or states
        if not self.running or not chosen:
            return
        state = chosen[0] if chosen[0].phase == "open" else chosen[-1]
        if "vote" in act:
            steps = [one.step for one in state.waiting.values()]
            if not steps:
                return
            act = {act["vote"]: steps[0]}
        noted: dict[str, Any] = {"at": self.at(), "who": who, "incident": ROUTE, **act}
        try:
            await self._perform(state.number, who, act)
        except TocsinError:
            noted["refused"] = True
        self.note("people", **noted)

    async def _perform(self, number: int, who: str, act: dict[str, Any]) -> None:
        incidents = self.house.incidents
        simple: dict[str, Callable[[], Any]] = {
            "ack": lambda: incidents.ack(number, who),
            "take_over": lambda: incidents.take_over(number, who),
            "hand_back": lambda: incidents.hand_back(number, who),
            "resolve": lambda: incidents.resolve(number, who, act.get("update", "")),
            "retract": lambda: incidents.retract(number, who),
            "approve": lambda: incidents.vote(number, act["approve"], who, "approve"),
            "veto": lambda: incidents.vote(number, act["veto"], who, "veto"),
        }
        for name, do in simple.items():
            if name in act:
                await do()
                return
        promise = act.get("promise")
        components = act.get("components", {})
        request = UpdateRequest(
            text=act.get("update", ""),
            status=Status[act["status"]] if "status" in act else None,
            impact=Impact[act["impact"]] if "impact" in act else None,
            add=tuple(components.get("add", ())),
            remove=tuple(components.get("remove", ())),
            to=tuple(act.get("to", ())),
            promise=None if promise is None else self.house.clock.now() + durations.parse(promise),
            plan=act.get("plan", ""),
        )
        await incidents.update(number, who, request)
