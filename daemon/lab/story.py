"""What came of a scenario, as it is told: journal entries, posts, and what came in from outside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from daemon.core import journal as j
from daemon.core.clock import Instant
from daemon.core.group import Group
from daemon.core.words import Audience


@dataclass(frozen=True, slots=True)
class Told:
    """One journal entry of one group."""

    at: Instant
    group: int
    entry: j.Entry


@dataclass(frozen=True, slots=True)
class Posted:
    """A channel took a text; ``step`` is the rule's step or ``person``, ``reason`` why it is a question."""

    at: Instant
    group: int
    channel: str
    step: str
    text: str
    update: str
    public: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Came:
    """Something from outside that no journal has in these words: alerts, a channel's mood, a stop, an act."""

    at: Instant
    kind: str  # alert | channel | daemon | rules | person
    text: str
    what: str = ""  # which channel, which person
    group: int = 0


@dataclass(frozen=True, slots=True)
class KeptBack:
    """A step is due and says nothing yet, because its ``if`` is false."""

    at: Instant
    group: int
    plan: str
    step: str
    condition: str


Event = Told | Posted | Came | KeptBack


@dataclass
class Story:
    """Everything in the order in which it was learnt."""

    events: list[Event] = field(default_factory=list)
    posts: dict[str, list[Posted]] = field(default_factory=dict)  # by channel, questions left out
    _updates: dict[str, tuple[int, j.Said | j.Asked]] = field(default_factory=dict)

    def entry(self, group: Group, recorded: j.Recorded) -> None:
        """An observer of the desk: one entry is durable now."""
        entry = recorded.entry
        self.events.append(Told(recorded.at, group.id, entry))
        if isinstance(entry, j.Said | j.Asked):
            self._updates[entry.update] = (group.id, entry)
        if isinstance(entry, j.Said):
            for page in entry.pages:
                self._post(
                    Posted(recorded.at, group.id, page, entry.step, entry.posts[page], entry.update, True)
                )

    def accepted(self, at: Instant, channel: str, update: str, text: str, audience: Audience) -> None:
        """A channel took a post."""
        group, entry = self._updates[update]
        public = audience is Audience.public
        if isinstance(entry, j.Said):
            self._post(Posted(at, group, channel, entry.step, text, update, public=public))
        else:
            self.events.append(
                Posted(
                    at,
                    group,
                    channel,
                    entry.step or entry.reason,
                    text,
                    update,
                    public=public,
                    reason=entry.reason,
                )
            )

    def _post(self, post: Posted) -> None:
        self.events.append(post)
        self.posts.setdefault(post.channel, []).append(post)

    def entries(self, *kinds: type[j.Entry], groups: frozenset[int] | None = None) -> Iterator[Told]:
        """The journal entries of those kinds."""
        for event in self.events:
            if (
                isinstance(event, Told)
                and isinstance(event.entry, kinds)
                and (groups is None or event.group in groups)
            ):
                yield event

    def reached(self) -> set[str]:
        """The steps that did something, as ``plan/step``."""
        found = self.entries(j.Said, j.Asked, j.StepSet, j.Waiting)
        return {f"{one.entry.plan}/{one.entry.step}" for one in found if one.entry.plan and one.entry.step}  # type: ignore[union-attr]
