"""A story as lines for people: what was said, asked, waited for and deliberately not done, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from daemon.core import journal as j
from daemon.core.clock import Instant
from daemon.core.delivery import DeliveryState
from daemon.lab.changes import in_words_of
from daemon.lab.story import Came, KeptBack, Posted, Told
from daemon.lab.world import World
from rules import durations
from rules.model import Approve, RuleSet, Step

Kind = Literal["alert", "person", "world", "state", "said", "asked", "waits", "not done", "delivery"]

NEEDS = {"veto": "goes out unless vetoed", "one": "needs one approval", "two": "needs two approvals"}
TROUBLE = {
    DeliveryState.unknown: "nobody saw whether {step} arrived on {channel}: it is looked into",
    DeliveryState.held: "{step} on {channel} is held: a person must say whether it is there",
    DeliveryState.dead: "{channel} refused {step} for good",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line.  ``rule`` is the step or route that caused it, ``texts`` the words by channel."""

    at: Instant
    group: int
    kind: Kind
    what: str
    rule: str = ""
    step: str = ""
    channels: tuple[str, ...] = ()
    texts: Mapping[str, str] | None = None
    until: Instant | None = None


class Timeline:
    """The rows of what a world has lived through, in order."""

    def __init__(self, world: World, start: Instant) -> None:
        self._world = world
        self._start = start
        self._states = {state.id: state for state in world.states()}
        self._said: dict[str, j.Said] = {}
        self._said_at: dict[str, Instant] = {}

    def rows(self) -> list[Row]:
        """Sorted by time; at one instant in the order in which things were learnt."""
        found = [row for event in self._world.story.events for row in self._of(event)]
        return sorted(found, key=lambda row: row.at)

    def incident(self, group: int) -> str:
        """INC-<number>; empty for what is no incident."""
        state = self._states.get(group)
        return f"INC-{state.number}" if state is not None else ""

    def _of(self, event: object) -> Iterator[Row]:
        match event:
            case Came(kind=kind):
                kinds: dict[str, Kind] = {"alert": "alert", "person": "person"}
                who = f"{event.what}: " if kind == "person" else ""
                yield Row(event.at, event.group, kinds.get(kind, "world"), f"{who}{event.text}")
            case KeptBack():
                what = f"{event.step} is due, but its `if` is false: {event.condition}"
                yield Row(
                    event.at,
                    event.group,
                    "not done",
                    what,
                    self._rule(event.group, event.plan, event.step),
                    event.step,
                )
            case Posted():
                yield from self._posted(event)
            case Told():
                yield from self._told(event.at, event.group, event.entry)

    def _posted(self, post: Posted) -> Iterator[Row]:
        said = self._said_at.get(post.update)
        if said is not None and post.at > said:
            late = durations.show(post.at - said)
            what = f"{post.channel} took {post.step}, {late} later"
            yield Row(post.at, post.group, "delivery", what, step=post.step, channels=(post.channel,))

    def _told(self, at: Instant, group: int, entry: j.Entry) -> Iterator[Row]:
        match entry:
            case j.Said():
                yield from self._says(at, group, entry)
            case j.Asked():
                yield self._asks(at, group, entry)
            case j.Waiting():
                yield self._waits(at, group, entry)
            case j.Skipped() | j.Withdrawn():
                verb = "is skipped" if isinstance(entry, j.Skipped) else "is withdrawn"
                what = f"{entry.step} {verb}: {entry.reason}"
                yield Row(at, group, "not done", what, self._rule(group, entry.plan, entry.step), entry.step)
            case j.Superseded():
                what = f"what is queued for {', '.join(entry.channels)} will not leave: {entry.reason}"
                yield Row(at, group, "not done", what, channels=entry.channels)
            case j.DeliveryMoved():
                yield from self._moved(at, group, entry)
            case _:
                found = self._changed(group, entry)
                if found is not None:
                    yield Row(at, group, "state", *found)

    def _asks(self, at: Instant, group: int, asked: j.Asked) -> Row:
        where = f" in {asked.channel}" if asked.channel else ", who cannot be reached"
        about = asked.step or asked.reason
        why = f" ({asked.reason})" if asked.step and asked.reason != "ask" else ""
        what = f"asks {asked.whom or 'whoever operates this'}{where}: {about}{why}"
        channels = (asked.channel,) if asked.channel else ()
        texts = {asked.channel or "operators": asked.text}
        return Row(
            at, group, "asked", what, self._rule(group, asked.plan, asked.step), about, channels, texts
        )

    def _waits(self, at: Instant, group: int, waiting: j.Waiting) -> Row:
        need = NEEDS.get(waiting.need, waiting.need)
        what = f"{waiting.step} waits until {self._span(waiting.until)}: {need}"
        rule = self._rule(group, waiting.plan, waiting.step)
        channels = tuple(waiting.posts)
        return Row(at, group, "waits", what, rule, waiting.step, channels, waiting.posts, waiting.until)

    def _says(self, at: Instant, group: int, said: j.Said) -> Iterator[Row]:
        self._said[said.update] = said
        self._said_at[said.update] = at
        who = f" ({said.who})" if said.who else ""
        promise = f"; next update by {self._span(said.promise)}" if said.promise is not None else ""
        what = f"says {said.step}{who} on {', '.join(said.posts)}{promise}"
        rule = self._rule(group, said.plan, said.step)
        yield Row(at, group, "said", what, rule, said.step, tuple(said.posts), said.posts)
        for channel, why in said.left_out.items():
            yield Row(at, group, "not done", f"{said.step} is left out on {channel}: {why}", rule, said.step)

    def _moved(self, at: Instant, group: int, moved: j.DeliveryMoved) -> Iterator[Row]:
        said = self._said.get(moved.update)
        told = TROUBLE.get(DeliveryState(moved.state))
        if said is not None and told is not None:
            what = told.format(step=said.step, channel=moved.channel)
            yield Row(at, group, "delivery", what, step=said.step, channels=(moved.channel,))

    def _changed(self, group: int, entry: j.Entry) -> tuple[str, str] | None:
        """What moved, and the rule behind it; None for what nobody wants to read."""
        if isinstance(entry, j.StepSet):
            moved = f"impact {entry.impact.name}" if entry.impact is not None else f"plan {entry.move_to}"
            return f"{entry.step} sets {moved}", self._rule(group, entry.plan, entry.step)
        return in_words_of(entry, self.incident(group), self._span)

    def _span(self, instant: Instant) -> str:
        return durations.show(instant - self._start) if instant >= self._start else "before the start"

    def _rule(self, group: int, plan: str, step: str) -> str:
        """The step as its file has it, in one line."""
        state = self._states.get(group)
        rules = self._world.rules_of(state) if state is not None else self._world.rules
        found = step_of(rules, plan, step)
        return f"{plan}/{step}: {in_words(found)}" if found is not None else ""


def step_of(rules: RuleSet, plan: str, step: str) -> Step | None:
    """A step by its names."""
    steps = rules.plans[plan].steps if plan in rules.plans else ()
    return next((one for one in steps if one.id == step), None)


def in_words(step: Step) -> str:
    """When a step acts, and on what condition."""
    if step.when == "on":
        parts = [f"on {', '.join(step.on)}"] + ([f"after {durations.show(step.after)}"] if step.after else [])
    else:
        parts = [f"{step.when} {durations.show(step.after if step.when == 'after' else step.every)}"]
    if step.condition is not None:
        parts.append(f'if "{step.condition.source}"')
    if step.approve is not None:
        parts.append(f"approve {_approval(step.approve)}")
    if step.limit is not None and step.when != "after":
        parts.append(f"limit {step.limit}")
    return ", ".join(parts)


def _approval(approve: Approve) -> str:
    if approve.need == "veto":
        return f"veto {durations.show(approve.within)}"
    return f"{approve.need} within {durations.show(approve.within)}, otherwise {approve.otherwise}"


def data_of(rows: list[Row], timeline: Timeline, start: Instant) -> list[dict[str, Any]]:
    """The rows for programs; ``at`` is in seconds from the start."""
    return [
        {
            "at": (row.at - start) / 1000,
            "incident": timeline.incident(row.group) or None,
            "kind": row.kind,
            "what": row.what,
            "rule": row.rule or None,
            "step": row.step or None,
            "channels": list(row.channels),
            "texts": dict(row.texts or {}),
            "until": None if row.until is None else (row.until - start) / 1000,
        }
        for row in rows
    ]
