"""The state of one group: the fold of its journal, and all that a decision may see.

``daemon.core.fold`` is the only place where an entry becomes state.  Nothing
here reads a rule, a clock or a store.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from operator import attrgetter

from daemon.core.channel_view import ChannelView
from daemon.core.clock import Instant, Span
from daemon.core.words import Audience, Impact, Status


@dataclass(slots=True)
class Episode:
    """One run of an alert within the group."""

    starts_at: Instant
    firing: bool
    component: str = ""
    impact: Impact = Impact.none
    since: Instant = 0  # when we learnt that it fires; shifted by gaps
    believed: bool = False  # a person resolved while it fired: it reopens nothing


@dataclass(slots=True)
class Occasions:
    """How often a step acted, how many of its occasions ended, and when the last one did."""

    count: int = 0
    rounds: int = 0
    last: Instant | None = None


@dataclass(slots=True)
class Pending:
    """A text that waits for a veto window to pass or for votes."""

    step: str
    plan: str
    occasion: str
    need: str
    since: Instant
    until: Instant
    otherwise: str
    posts: dict[str, str]
    promise: Instant | None
    attempt: int
    status: Status
    impact: Impact
    components: tuple[str, ...]
    votes: tuple[str, ...] = ()
    vetoed_by: str = ""
    first: bool = False  # the page has nothing before it


@dataclass(slots=True)
class Event:
    """Something that ``on`` steps listen for."""

    name: str
    at: Instant
    number: int
    status: Status | None = None  # the status it brought; None where it brought none
    by_person: bool = False
    due: Instant = 0  # when it should have been noticed; ``at`` is when it was
    left: bool = False  # its status was left since


@dataclass(frozen=True, slots=True)
class PageUpdate:
    """One update as the status page shows it."""

    id: str
    at: Instant
    status: Status
    impact: Impact
    text: str
    components: tuple[str, ...]
    by_person: bool


@dataclass(slots=True)
class PersonText:
    """A person's update that has not been sent on yet in this call of decide."""

    at: Instant
    who: str
    text: str
    to: tuple[str, ...]
    promise: Instant | None
    plan: str
    number: int
    resolves: bool
    title: str = ""


@dataclass(slots=True)
class Group:
    """Everything that one journal says, added up."""

    id: int = 0
    sequence: int = 0
    at: Instant = 0  # of the newest entry
    public_id: str = ""
    number: int = 0
    rules: str = ""
    route: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    plan: str = ""
    title: str = ""
    opened_by: str = ""

    phase: str = "pending"  # pending | open | resolved | ended
    ended: str = ""
    created_at: Instant = 0
    pending_since: Instant | None = None
    opened_at: Instant | None = None
    resolved_at: Instant | None = None
    open_since: Instant | None = None  # the clock of `after`: runs while open
    open_before: Span = 0  # and what it had counted before
    openings: tuple[Instant, ...] = ()  # it and its like before it opened then, newest last
    plan_began: Instant = 0
    plan_by_person: bool = False
    shadow: bool = False  # nothing leaves for customers, although it counts as said

    episodes: dict[int, Episode] = field(default_factory=dict)
    about: frozenset[str] = frozenset()  # the components of all episodes
    firing: int = 0
    clear_since: Instant | None = None
    heard_at: Instant | None = None
    asked_stale: Instant | None = None
    common: dict[str, str] | None = None
    note: str = ""
    link: str = ""
    started_at: Instant | None = None  # the senders' earliest startsAt

    status: Status = Status.investigating
    status_before: Status = Status.investigating
    status_at: Instant = 0
    monitoring_at: Instant = 0
    refired: bool = False  # an alert fired while monitoring and nothing was decided about it yet
    retracted: bool = False
    status_stands: bool = False  # a person set it while nothing fired
    believed_asked: bool = False  # a person was asked about alerts that fire on after their "resolved"
    impact: Impact = Impact.none
    impact_by_person: bool = False
    alert_impact: Impact = Impact.none
    components: tuple[str, ...] = ()
    removed: frozenset[str] = frozenset()
    raise_held: frozenset[int] = frozenset()

    steps: dict[str, Occasions] = field(default_factory=dict)  # "plan/step"
    done: set[str] = field(default_factory=set)  # occasions that ended
    waiting: dict[str, Pending] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)  # occasion -> times it was put to people
    events: dict[str, tuple[Event, ...]] = field(default_factory=dict)  # by name, newest last
    event_count: int = 0
    person: list[PersonText] = field(default_factory=list)
    person_count: int = 0
    questions: int = 0

    channels: dict[str, ChannelView] = field(default_factory=dict)
    updates: list[PageUpdate] = field(default_factory=list)  # oldest first
    page_told: bool = False
    first_vetoed_at: Instant | None = None
    first_asked_at: Instant | None = None
    last_counting: Instant | None = None
    last_counting_to: tuple[str, ...] = ()
    promise: Instant | None = None
    promises_kept: int = 0
    promises_broken: int = 0
    broken_open: bool = False  # the open promise was already counted as broken
    unattended: int = 0
    public_updates: int = 0
    longest_silence: Span = 0

    acked_by: str = ""
    taken_over_by: str = ""
    taken_over_act: Instant | None = None
    take_over_announced: bool = False
    spent: dict[str, Instant] = field(default_factory=dict)  # channels without room, until when
    paused_by: str = ""
    paused_until: Instant | None = None
    postmortem_scheduled: bool = False

    def copy(self) -> Group:
        """A copy that can be folded further without touching this one.

        Episodes are shared: no decided entry changes them.
        """
        twin = Group(*_VALUES(self))  # replace() takes five times as long
        twin.steps = {key: replace(value) for key, value in self.steps.items()}
        twin.done = set(self.done)
        twin.waiting = {key: replace(value) for key, value in self.waiting.items()}
        twin.attempts = dict(self.attempts)
        twin.events = dict(self.events)
        twin.person = list(self.person)
        twin.updates = list(self.updates)
        twin.spent = dict(self.spent)
        twin.channels = {key: value.copy() for key, value in self.channels.items()}
        return twin

    @property
    def is_live(self) -> bool:
        """Whether alerts may still join it."""
        return self.phase != "ended"

    @property
    def told(self) -> list[str]:
        """Public channels that were, or may have been, told about this incident; sorted."""
        return sorted(
            name for name, view in self.channels.items() if view.told and view.audience is Audience.public
        )

    def open_for(self, now: Instant) -> Span:
        """How long the incident has been open since its plan began (the clock of ``after``)."""
        return self.open_before + (max(now - self.open_since, 0) if self.open_since is not None else 0)


_VALUES = attrgetter(*(item.name for item in fields(Group)))
