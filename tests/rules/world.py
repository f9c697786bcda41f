"""A world for the decision function: random rule sets, random histories, and a driver that plays them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from hypothesis import strategies as st

from daemon.core import journal as j
from daemon.core.clock import MINUTE, SECOND, Instant
from daemon.core.group import Group
from daemon.core.journal import Recorded
from daemon.core.words import Audience, Impact, Status
from daemon.service.budgets import bound, facts
from rules.model import (
    Approve,
    ChannelRule,
    Component,
    ConditionError,
    Flapping,
    Limits,
    Person,
    Plan,
    Raise,
    Route,
    RuleSet,
    Site,
    Step,
    Taken,
    TextError,
)
from rules.settle import settle

START: Instant = 1_798_797_600_000 + 17 * SECOND + 321  # neither a full minute nor a full second


@dataclass(frozen=True)
class Plain:
    """A condition made of a Python function."""

    source: str
    names: frozenset[str]
    test: Callable[[Mapping[str, Any]], bool]

    def holds(self, facts: Mapping[str, Any]) -> bool:
        return self.test(facts)


def _raises(facts: Mapping[str, Any]) -> bool:
    raise ConditionError("always")


CONDITIONS: dict[str, Plain] = {
    "major": Plain("impact >= major", frozenset({"impact"}), lambda f: f["impact"] >= Impact.major),
    "firing2": Plain("alerts_firing >= 2", frozenset({"alerts_firing"}), lambda f: f["alerts_firing"] >= 2),
    "unattended": Plain("unattended >= 2", frozenset({"unattended"}), lambda f: f["unattended"] >= 2),
    "early": Plain("status < monitoring", frozenset({"status"}), lambda f: f["status"] < Status.monitoring),
    "hours": Plain("hours", frozenset({"hours"}), lambda f: f["hours"]),
    "broken": Plain("1 / 0 > 1", frozenset(), _raises),
}


def nowhere(_labels: Mapping[str, str]) -> tuple[Taken, ...]:
    """A router for tests that hand alerts straight to a group."""
    return ()


@dataclass(frozen=True)
class Hours:
    """A window that is open every other span."""

    span: int = 50 * MINUTE

    def is_open(self, now: Instant) -> bool:
        return (now // self.span) % 2 == 0

    def next_edge(self, now: Instant) -> Instant:
        return (now // self.span + 1) * self.span


class EchoTexts:
    """Texts that tell which they are; ``same`` never changes, ``bad`` fails."""

    def render(self, name: str, channel: ChannelRule, facts: Mapping[str, Any]) -> str:
        if name == "bad":
            raise TextError("bad on purpose")
        if name == "same":
            return "always the same words"
        return (
            f"{name} {facts['status'].name} {facts['impact'].name} {facts['now']} {facts['next_update_at']}"
        )

    def built_in(self, name: str, channel: ChannelRule, facts: Mapping[str, Any]) -> str:
        return f"built-in {name} {facts['now']}"


CHANNELS = {
    "page": ChannelRule("page", "status_page"),
    "mail": ChannelRule("mail", "email"),
    "x": ChannelRule("x", "x", optional=True),
    "ops": ChannelRule("ops", "slack", Audience.internal),
}
COMPONENTS = {name: Component(name, name.title()) for name in ("checkout", "search")}
SPANS = [0, 5 * MINUTE, 10 * MINUTE, 25 * MINUTE, 30 * MINUTE, 61 * MINUTE]
TARGETS = [("page", "mail", "ops"), ("page",), ("x",), ("ops",), ("told", "ops"), ("page", "x")]
EVENTS = ["acked", "identified", "monitoring", "resolved", "refired", "reopened", "impact_raised",
          "components_changed", "promise_broken", "retracted"]  # fmt: skip

conditions = st.sampled_from([None, None, None, *CONDITIONS.values()])
approvals = st.sampled_from(
    [None, None, None, Approve("veto", 5 * MINUTE), Approve("one", 10 * MINUTE, "skip"),
     Approve("two", 10 * MINUTE, "post")]
)  # fmt: skip


@st.composite
def steps(draw: st.DrawFn, number: int) -> Step:
    """Any step that the schema would take."""
    kinds: list[Literal["after", "every", "on"]] = ["after", "every", "on"]
    when = draw(st.sampled_from(kinds))
    does = draw(st.sampled_from(["say", "say", "say", "ask", "set"]))
    to = draw(
        st.sampled_from(
            [("page", "mail", "ops"), ("page",), ("x",), ("ops",), ("told", "ops"), ("page", "x")]
        )
    )
    return Step(
        id=f"s{number}",
        when=when,
        after=draw(st.sampled_from(SPANS)) if when != "every" else 0,
        every=draw(st.sampled_from([10 * MINUTE, 25 * MINUTE, 30 * MINUTE])) if when == "every" else 0,
        on=tuple(draw(st.lists(st.sampled_from(EVENTS), min_size=1, max_size=2, unique=True)))
        if when == "on"
        else (),
        say=draw(st.sampled_from(["news", "same", "bad"])) if does == "say" else "",
        ask=draw(st.sampled_from(["comms", "ops"])) if does == "ask" else "",
        set_impact=draw(st.sampled_from([Impact.major, Impact.critical])) if does == "set" else None,
        to=to if does == "say" else (),
        condition=draw(conditions),
        approve=draw(approvals) if does == "say" else None,
        promise=draw(st.sampled_from([None, 10 * MINUTE, 30 * MINUTE])) if does == "say" else None,
        limit=1 if when == "after" else draw(st.sampled_from([None, None, 2])),
    )


FIRST = Step(id="first", when="after", say="news", to=("page", "mail", "ops"), promise=30 * MINUTE, limit=1)
HOLDING = Step(id="holding", when="every", every=30 * MINUTE, say="news", to=("page", "mail", "ops"),
               promise=30 * MINUTE)  # fmt: skip
DONE = Step(id="done", when="on", on=("resolved",), say="news", to=("told", "ops"))
SORRY = Step(id="sorry", when="on", on=("retracted",), say="news", to=("told", "ops"))
INTERNAL = Plan(
    "internal", (Step(id="tell", when="after", say="news", to=("ops",), limit=1),), ("ops",), "comms"
)


limits = st.builds(
    Limits,
    flapping=st.sampled_from([None, None, Flapping(1, 60 * MINUTE, "internal")]),
    posts_per_hour=st.sampled_from([{}, {}, {"x": 1, "mail": 2}, {"mail": 1, "ops": 1}]),
)


@st.composite
def rule_sets(draw: st.DrawFn, *, sane: bool = False, windows: bool = True) -> RuleSet:
    """A random rule set; a ``sane`` one has a first update, a cadence and a resolution."""
    extra = [draw(steps(number)) for number in range(draw(st.integers(0, 4)))]
    if not windows:
        extra = [step for step in extra if step.condition is None or "hours" not in step.condition.names]
    base = [FIRST, *extra, HOLDING, DONE, SORRY] if sane else extra
    ask, shadow = draw(st.sampled_from(["comms", ""])), draw(st.sampled_from([False, False, True]))
    public = Plan("public", tuple(base), ("page", "mail", "ops"), ask, shadow)
    raises = draw(
        st.lists(
            st.builds(
                Raise,
                st.sampled_from([CONDITIONS["firing2"], CONDITIONS["major"], CONDITIONS["broken"]]),
                st.sampled_from([None, Impact.major, Impact.critical]),
                st.sampled_from(["", "", "internal"]) if not sane else st.just(""),
            ),
            max_size=2,
        )
    )
    route = Route(
        id="route", plan="public", components="matched", impact=Impact.minor,
        hold_for=draw(st.sampled_from([0, MINUTE])),
        keep_firing_for=draw(st.sampled_from([0, 2 * MINUTE, 5 * MINUTE])),
        monitor_for=draw(st.sampled_from([0, 10 * MINUTE])),
        reopen_within=draw(st.sampled_from([0, 30 * MINUTE])),
        stale_after=draw(st.sampled_from([60 * MINUTE, 300 * MINUTE])),
        raises=tuple(raises),
    )  # fmt: skip
    return RuleSet(
        version="v1", site=Site(), channels=CHANNELS, components=COMPONENTS, routes=(route,),
        plans={"public": public, "internal": INTERNAL}, texts=EchoTexts(),
        windows={"hours": Hours()} if windows else {}, people={"comms": Person("comms", "ops", "@comms")},
        limits=draw(limits),
        router=nowhere,
    )  # fmt: skip


@dataclass(frozen=True)
class Happening:
    """Something from outside, so many milliseconds after the start."""

    at: int
    make: Callable[[Group], j.Entry | None]
    what: str


def _acted(**fields: Any) -> Callable[[Group], j.Entry | None]:
    return lambda state: j.Acted(**fields) if state.phase == "open" else None


def _vote(act: str, who: str) -> Callable[[Group], j.Entry | None]:
    def make(state: Group) -> j.Entry | None:
        for occasion in state.waiting:
            return j.Acted(act=act, who=who, occasion=occasion)
        return None

    return make


def _alert(number: int, *, firing: bool, impact: Impact) -> Callable[[Group], j.Entry | None]:
    def make(state: Group) -> j.Entry | None:
        if state.phase == "ended":
            return None
        known = state.episodes.get(number)
        if firing and (known is None or not known.firing):
            component = "checkout" if number % 2 else "search"
            fired = j.Fired(number, state.created_at, component, impact)
            return j.Alerts(fired=(fired,), common={"severity": "page"})
        if not firing and known is not None and known.firing:
            return j.Alerts(cleared=(number,))
        return None

    return make


def _channel(name: str, *, down: bool) -> Callable[[Group], j.Entry | None]:
    return lambda _: j.ChannelTurned(name, down)


def _promising(state: Group) -> j.Entry | None:
    promise = state.at + 45 * MINUTE
    return (
        j.Acted(act="update", who="bo", text="words of bo", promise=promise)
        if state.phase == "open"
        else None
    )


ACTS: list[tuple[str, Callable[[Group], j.Entry | None]]] = [
    ("ack", _acted(act="ack", who="ana")),
    ("update", _acted(act="update", who="ana", text="words of ana")),
    ("promise", _promising),
    ("identified", _acted(act="update", who="ana", text="we found it", status=Status.identified)),
    ("monitoring", _acted(act="update", who="ana", status=Status.monitoring)),
    ("resolve", _acted(act="update", who="ana", text="it is over", status=Status.resolved)),
    ("quiet resolve", _acted(act="update", who="ana", status=Status.resolved)),
    ("lower", _acted(act="update", who="ana", impact=Impact.none)),
    ("raise", _acted(act="update", who="ana", impact=Impact.critical)),
    ("remove", _acted(act="update", who="ana", remove=("checkout",))),
    ("take over", _acted(act="take_over", who="ana")),
    ("hand back", _acted(act="hand_back", who="ana")),
    ("retract", _acted(act="retract", who="ana")),
    ("approve", _vote("approve", "ana")),
    ("approve too", _vote("approve", "bo")),
    ("veto", _vote("veto", "bo")),
    ("x down", _channel("x", down=True)),
    ("x up", _channel("x", down=False)),
    ("heard", lambda state: j.Heard() if state.firing else None),
]  # fmt: skip


@st.composite
def outages(draw: st.DrawFn) -> list[Happening]:
    """Channels that take nothing for a while, longer and shorter than what a text may wait."""
    at = draw(st.sampled_from([0, 2, 31])) * MINUTE
    back = at + draw(st.sampled_from([10, 16, 25, 47, 100, 200])) * MINUTE
    names = draw(st.sampled_from([("mail",), ("x",), ("mail", "x", "ops")]))
    return [
        *(Happening(at, _channel(name, down=True), f"{name} down") for name in names),
        *(Happening(back, _channel(name, down=False), f"{name} up") for name in names),
    ]


@st.composite
def happenings(draw: st.DrawFn, *, people: bool = True) -> list[Happening]:
    """Up to a dozen things within four hours, the first an alert at once."""
    story = [Happening(0, _alert(1, firing=True, impact=Impact.minor), "alert 1 fires")]
    instants = st.integers(1, 4 * 60).map(lambda minutes: minutes * MINUTE) | st.integers(1, 240 * MINUTE)
    for _ in range(draw(st.integers(0, 11))):
        at = draw(instants)
        if not people or draw(st.booleans()):
            number, firing = draw(st.integers(1, 3)), draw(st.booleans())
            impact = draw(st.sampled_from([Impact.minor, Impact.major]))
            what = f"alert {number} {'fires' if firing else 'clears'}"
            story.append(Happening(at, _alert(number, firing=firing, impact=impact), what))
        else:
            what, make = draw(st.sampled_from(ACTS))
            story.append(Happening(at, make, what))
    if draw(st.booleans()):
        story += draw(outages())
    return sorted(story, key=lambda one: one.at)


@dataclass
class World:
    """Plays a history against one group and keeps the whole journal."""

    rules: RuleSet
    sends: bool = True  # whether the outbox delivers at once, to channels that are not down
    state: Group = field(default_factory=lambda: Group(id=7))
    journal: list[Recorded] = field(default_factory=list)
    due: Instant | None = None
    calls: int = 0
    posted: dict[str, list[Instant]] = field(default_factory=dict)  # by channel with a budget

    def step(self, inputs: Sequence[j.Entry], now: Instant) -> tuple[Recorded, ...]:
        """One settling, as the daemon does it; then the outbox's answers."""
        caps = self.rules.limits.posts_per_hour
        world = facts(self.state, self.posted, caps, now)
        done = settle(self.state, inputs, self.rules, now, due=self.due, number=lambda: 42, world=world)
        for one in done.recorded:
            for name in caps.keys() & one.entry.posts.keys() if bound(one.entry) else ():  # type: ignore[union-attr]
                self.posted.setdefault(name, []).append(one.at)
        self.calls += 1
        self.state, self.due = done.state, done.next_due
        self.journal.extend(done.recorded)
        moved: list[j.Entry] = [
            j.DeliveryMoved(name, update, "sent")
            for name, view in self.state.channels.items() if self.sends and not view.down
            for update, one in view.queued.items() if not one.question
        ]  # fmt: skip
        if moved:
            self.step(moved, now)
        return done.recorded

    def oversleep(self) -> None:
        """Forget when the group is due: the next step comes late."""
        self.due = None

    def play(self, story: list[Happening], until: int, *, every: int | None = None) -> World:
        """Run to ``START + until``: lazily at each ``next_due``, or also every so many milliseconds."""
        created = j.Created(public_id="abcdefghijkl", rules="v1", route="route", labels={})
        queue = list(story)
        now = START
        self.step([created], now)
        end = START + until
        while True:
            instants = [START + queue[0].at] if queue else []
            instants += [self.due] if self.due is not None else []
            instants += [now + every] if every is not None else []
            later = [instant for instant in instants if instant <= end]
            if not later:
                return self
            now = max(min(later), now)
            inputs = []
            if self.due is not None and self.due < now:  # pragma: no cover - the driver never comes late
                raise AssertionError("late")
            while queue and START + queue[0].at <= now:
                entry = queue.pop(0).make(self.state)
                if entry is not None:
                    inputs.append(entry)
                    self.step([entry], now)
            if not inputs:
                self.step([], now)

    def said(self, channel: str | None = None) -> list[tuple[int, j.Said]]:
        return [
            (one.at - START, one.entry) for one in self.journal
            if isinstance(one.entry, j.Said) and (channel is None or channel in one.entry.posts)
        ]  # fmt: skip

    def of(self, kind: str) -> list[tuple[int, Any]]:
        return [(one.at - START, one.entry) for one in self.journal if one.entry.kind == kind]


def digest(journal: Sequence[Recorded]) -> str:
    """One line that differs whenever anything in a journal does."""
    return hashlib.sha256(repr(journal).encode()).hexdigest()
