"""What happens in a scenario, and what a test expects: plain data, without a file behind it.

All spans count from the start of the scenario, in milliseconds.  ``place`` is
the path of a thing in the file that it came from, for messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from daemon.core.clock import Instant, Span
from daemon.core.words import Impact, Status

Path = tuple[str | int, ...]

START: Instant = 1_799_056_800_000
"""2027-01-04T10:00:00Z, a Monday morning: where a scenario begins that does not say when."""

SOMEONE = "someone"


@dataclass(frozen=True, slots=True)
class Run:
    """One episode of one alert; ``resolves`` is None while it fires on."""

    labels: Mapping[str, str]
    fires: Span
    resolves: Span | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    place: Path = ()


@dataclass(frozen=True, slots=True)
class Which:
    """Picks an incident by its route and some of its group's labels."""

    route: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        labels = [f"{name}={value}" for name, value in self.labels.items()]
        return " ".join([*([f"route {self.route}"] if self.route else []), *labels])


@dataclass(frozen=True, slots=True)
class Act:
    """One act of a person; ``step`` is what approve and veto are about, ``promise`` a span from ``at``."""

    at: Span
    act: Literal["ack", "update", "approve", "veto", "take_over", "hand_back", "resolve", "retract", "open"]
    who: str = SOMEONE
    text: str = ""
    title: str = ""
    status: Status | None = None
    impact: Impact | None = None
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    promise: Span | None = None
    plan: str = ""
    step: str = ""
    reason: str = ""
    incident: Which | None = None
    refused: bool = False
    place: Path = ()


Mood = Literal["down", "up", "unknown", "rejected"]
"""Down and up last; the other two are about the next post alone."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What becomes of posts to a channel from ``at`` on."""

    at: Span
    channel: str
    mood: Mood
    place: Path = ()


@dataclass(frozen=True, slots=True)
class Away:
    """The daemon is stopped."""

    down: Span
    up: Span


@dataclass(frozen=True, slots=True)
class Reload:
    """Other rule files are loaded; their names are relative to the scenario's file."""

    at: Span
    rule_files: tuple[str, ...]
    place: Path = ()


@dataclass(frozen=True, slots=True)
class Pause:
    """``tocsin pause``; without ``until`` nobody resumes."""

    at: Span
    until: Span | None = None
    place: Path = ()


@dataclass(frozen=True, slots=True)
class Words:
    """What the newest text of a step on a channel must be like."""

    step: str
    on: str
    equals: str | None = None
    contains: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    matches: str | None = None
    max_length: int | None = None
    place: Path = ()


@dataclass(frozen=True, slots=True)
class Next:
    """The step that would act next if nothing came in, and when."""

    step: str
    at: Span | None = None


@dataclass(frozen=True, slots=True)
class Promises:
    """How many promised updates came in time, and how many did not."""

    kept: int | None = None
    broken: int | None = None


@dataclass(frozen=True, slots=True)
class Expect:
    """The state at ``at``, as far as it is written down: what is None is not compared."""

    at: Span
    incident: Which | None = None
    incidents: int | None = None
    status: Status | None = None
    impact: Impact | None = None
    plan: str | None = None
    components: Mapping[str, str] | None = None
    told: tuple[str, ...] | None = None
    posts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    new_posts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    waiting: tuple[str, ...] | None = None
    queued: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    asked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    promises: Promises | None = None
    longest_silence: Span | None = None
    next: Next | None = None
    texts: tuple[Words, ...] = ()
    place: Path = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """A history; with ``expects`` it is a test."""

    name: str = ""
    start: Instant = START
    rule_files: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    runs: tuple[Run, ...] = ()
    acts: tuple[Act, ...] = ()
    turns: tuple[Turn, ...] = ()
    away: tuple[Away, ...] = ()
    reloads: tuple[Reload, ...] = ()
    pauses: tuple[Pause, ...] = ()
    expects: tuple[Expect, ...] = ()
    strict: bool = False
    only: bool = False
    place: Path = ()

    @property
    def last(self) -> Span:
        """When the last thing of it happens."""
        instants = [one.at for one in self.acts] + [one.at for one in self.turns]
        instants += [one.at for one in self.reloads] + [one.at for one in self.expects]
        instants += [one.until or one.at for one in self.pauses] + [one.up for one in self.away]
        instants += [one.fires if one.resolves is None else one.resolves for one in self.runs]
        return max(instants, default=0)
