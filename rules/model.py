"""What a loaded rule set is: frozen objects that the decision function reads.

``rules.load`` makes them from files; nothing here knows YAML.  All spans are
milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from daemon.core.clock import MINUTE, Instant, Span
from daemon.core.words import Audience, Impact
from rules.words.settings import Settings


@dataclass(frozen=True, slots=True)
class Site:
    """What texts may say about the page; comes from the daemon's configuration."""

    name: str = "Status"
    url: str = "http://127.0.0.1:8080"
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """A channel that the rules expect; ``configured`` is filled in when the set is bound."""

    id: str
    kind: str
    audience: Audience = Audience.public
    optional: bool = False
    configured: bool = True

    @property
    def is_page(self) -> bool:
        return self.kind == "status_page"


@dataclass(frozen=True, slots=True)
class Component:
    """A part of the service as customers know it."""

    id: str
    name: str
    group: str = ""
    matchers: tuple[str, ...] = ()
    customers_cannot: str = ""
    description: str = ""
    depends_on: tuple[str, ...] = ()


class Condition(Protocol):
    """A compiled ``if``."""

    @property
    def source(self) -> str: ...

    @property
    def names(self) -> frozenset[str]:
        """The facts that the expression uses."""
        ...

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether it holds; ``facts`` has at least ``names``.  Raises ConditionError."""
        ...


class ConditionError(Exception):
    """An ``if`` raised; it counts as false and a person is asked."""


class TextError(Exception):
    """A template raised or came out empty; the built-in text takes its place."""


@dataclass(frozen=True, slots=True)
class Approve:
    """Who must agree before a text leaves."""

    need: Literal["veto", "one", "two"]
    within: Span = 30 * MINUTE
    otherwise: Literal["skip", "post"] = "skip"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a plan's timeline."""

    id: str
    when: Literal["after", "every", "on"]
    after: Span = 0  # `after: 2h`; or with `on`: that long after the event
    every: Span = 0
    on: tuple[str, ...] = ()
    say: str = ""  # a text's name
    ask: str = ""  # a person or channel id
    set_impact: Impact | None = None
    set_plan: str = ""
    to: tuple[str, ...] = ()  # channel ids and "told"; already filled from the plan
    condition: Condition | None = None
    approve: Approve | None = None
    promise: Span | None = None
    limit: int | None = None
    then: str = ""
    was: tuple[str, ...] = ()

    @property
    def does(self) -> Literal["say", "ask", "set"]:
        return "say" if self.say else "ask" if self.ask else "set"


@dataclass(frozen=True, slots=True)
class Plan:
    """A timeline of steps."""

    id: str
    steps: tuple[Step, ...]
    to: tuple[str, ...] = ()
    ask: str = ""
    shadow: bool = False
    on: tuple[Step, ...] = field(init=False, repr=False, compare=False)  # the steps by kind, in their order
    after: tuple[Step, ...] = field(init=False, repr=False, compare=False)
    every: tuple[Step, ...] = field(init=False, repr=False, compare=False)  # those that speak before others

    def __post_init__(self) -> None:
        for kind in ("on", "after"):
            object.__setattr__(self, kind, tuple(step for step in self.steps if step.when == kind))
        rounds = [step for step in self.steps if step.when == "every"]
        object.__setattr__(self, "every", tuple(sorted(rounds, key=lambda step: not step.say)))


@dataclass(frozen=True, slots=True)
class Raise:
    """A line that raises impact or moves the plan when its condition holds."""

    condition: Condition
    impact: Impact | None = None
    plan: str = ""


@dataclass(frozen=True, slots=True)
class ImpactByLabel:
    """``impact: { label: severity, values: {...}, else: minor }``."""

    label: str
    values: Mapping[str, Impact]
    otherwise: Impact

    def of(self, labels: Mapping[str, str]) -> Impact:
        return self.values.get(labels.get(self.label, ""), self.otherwise)


@dataclass(frozen=True, slots=True)
class Route:
    """Which alerts open which incident, and how long things must last."""

    id: str
    plan: str
    components: tuple[str, ...] | Literal["matched"]
    impact: Impact | ImpactByLabel
    matchers: tuple[str, ...] = ()
    go_on: bool = False  # `continue`
    group_by: tuple[str, ...] = ()
    hold_for: Span = 0  # `for`
    keep_firing_for: Span = 0
    monitor_for: Span = 0
    reopen_within: Span = 30 * MINUTE
    stale_after: Span = 5 * 60 * MINUTE
    raises: tuple[Raise, ...] = ()
    was: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can be asked: a mention in a channel."""

    id: str
    channel: str
    mention: str = ""


class Window(Protocol):
    """A named time interval."""

    def is_open(self, now: Instant) -> bool: ...

    def next_edge(self, now: Instant) -> Instant | None:
        """The first instant after ``now`` at which it opens or closes; None if never."""
        ...


@dataclass(frozen=True, slots=True)
class Flapping:
    """A group that opened so often ``within`` that time opens on this plan, and a person is asked."""

    opened: int
    within: Span
    plan: str


@dataclass(frozen=True, slots=True)
class Limits:
    take_over: Span = 60 * MINUTE
    flapping: Flapping | None = None
    posts_per_hour: Mapping[str, int] = field(default_factory=dict)


class Texts(Protocol):
    """Renders texts; bounded, pure."""

    def render(self, name: str, channel: ChannelRule, facts: Mapping[str, Any]) -> str:
        """The words of text ``name`` for that channel.  Raises TextError; never returns empty."""
        ...

    def built_in(self, name: str, channel: ChannelRule, facts: Mapping[str, Any]) -> str:
        """The shipped text of that name, or a plain sentence; never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Taken:
    """One route takes an alert: into which group, as what."""

    route: Route
    key: tuple[tuple[str, str], ...]  # the group_by labels with their values, in group_by order
    component: str  # "" when about no component
    impact: Impact


@dataclass(frozen=True)
class RuleSet:
    """All that a decision needs besides state and time."""

    version: str
    site: Site
    channels: Mapping[str, ChannelRule]
    components: Mapping[str, Component]
    routes: tuple[Route, ...]  # the built-in catch-all is the last where the files have none
    plans: Mapping[str, Plan]
    texts: Texts
    windows: Mapping[str, Window]
    people: Mapping[str, Person]
    limits: Limits
    router: Callable[[Mapping[str, str]], tuple[Taken, ...]]  # labels -> takes, memoised, never empty
    sources: tuple[tuple[str, str], ...] = ()  # (file name, text): what the version was made from
    notices: tuple[str, ...] = ()  # optional channels left out, and the like
    words: Settings = field(default_factory=Settings)  # what the wording gate is told about this house

    def route(self, route: str) -> Route | None:
        """The route of that id (or that used to have it)."""
        for candidate in self.routes:
            if candidate.id == route or route in candidate.was:
                return candidate
        return None

    @property
    def has_page(self) -> bool:
        return any(channel.is_page and channel.configured for channel in self.channels.values())

    def first_public_plan(self) -> str:
        """The first plan in the files that speaks in public, of those in shadow only if all are."""
        public = [
            plan for plan in self.plans.values()
            if any(self._is_public(step.to) for step in plan.steps if step.say)
        ]  # fmt: skip
        first = next((plan for plan in public if not plan.shadow), public[0] if public else None)
        return first.id if first is not None else next(iter(self.plans), "")

    def _is_public(self, names: tuple[str, ...]) -> bool:
        return any(
            name in self.channels and self.channels[name].audience is Audience.public for name in names
        )
