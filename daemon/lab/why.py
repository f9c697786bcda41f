"""Why a step is not where somebody expected it: from the state, the journal and the rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from daemon.core import journal as j
from daemon.core.clock import Instant
from daemon.core.group import Group
from daemon.lab.world import World
from rules import durations
from rules.decide import decide
from rules.deciding.draft import Draft
from rules.deciding.steps import after_is_due
from rules.model import Plan, RuleSet, Step

FAR = 300  # decisions that are looked ahead

NEEDS = {
    "veto": "goes out unless somebody vetoes it",
    "one": "one person must approve",
    "two": "two people must approve",
}


def since(world: World, start: Instant, instant: Instant) -> str:
    """An instant as a span from the scenario's start."""
    del world
    return durations.show(max(instant - start, 0))


def why_not(world: World, start: Instant, states: Iterable[Group], step: str, channel: str) -> Iterator[str]:
    """One sentence for each thing that is known about a step that did not come."""
    found = False
    for state in states:
        for sentence in _of_incident(world, start, state, step, channel):
            found = True
            yield f"{step}: {sentence}"
    if not found:
        for told in world.story.entries(j.Skipped):
            if isinstance(told.entry, j.Skipped) and told.entry.step == step:
                yield f"{step}: skipped at {since(world, start, told.at)}: {told.entry.reason}"


def _of_incident(world: World, start: Instant, state: Group, step: str, channel: str) -> Iterator[str]:
    for pending in state.waiting.values():
        if pending.step == step:
            until = since(world, start, pending.until)
            yield f"waits until {until} ({NEEDS.get(pending.need, pending.need)})"
            return
    view = state.channels.get(channel)
    if view is not None and any(one.step == step for one in view.queued.values()):
        yield f"is queued for {channel}{', which is down' if view.down else ''}"
        return
    rules = world.rules_of(state)
    plan = rules.plans.get(state.plan)
    if plan is None or all(one.id != step for one in plan.steps):
        yield f"is no step of plan {state.plan}, which INC-{state.number} follows"
        return
    for kept_plan, kept in kept_back(state, rules, world.clock.now()):
        if kept.id == step and kept.condition is not None:
            yield f"is due in plan {kept_plan.id}, but its `if` is false: {kept.condition.source}"
            return
    skipped = [
        one for one in world.story.entries(j.Skipped, groups=frozenset({state.id})) if _is(one.entry, step)
    ]
    if skipped and isinstance(skipped[-1].entry, j.Skipped):
        yield f"was skipped at {since(world, start, skipped[-1].at)}: {skipped[-1].entry.reason}"
        return
    coming = dict(reversed(list(ahead(state, rules, world.due(state.id)))))
    if step in coming:
        yield f"comes at {since(world, start, coming[step])}"


def _is(entry: j.Entry, step: str) -> bool:
    return isinstance(entry, j.Skipped) and entry.step == step


def kept_back(state: Group, rules: RuleSet, now: Instant) -> Iterator[tuple[Plan, Step]]:
    """Steps that are due by their time and do nothing, because their ``if`` is false."""
    plan = rules.plans.get(state.plan)
    if plan is None or state.phase != "open":
        return
    draft = Draft(state, rules, now, look=True)
    for step in plan.steps:
        if step.when != "after" or step.condition is None or not after_is_due(draft, plan, step):
            continue
        if not draft.holds(step.condition, ""):
            yield plan, step


def ahead(state: Group, rules: RuleSet, due: Instant | None) -> Iterator[tuple[str, Instant]]:
    """The steps that would act if nothing came in any more, and when."""
    for _ in range(FAR):
        if due is None:
            return
        decision = decide(state, rules, due)
        for entry in decision.entries:
            if isinstance(entry, j.Said | j.Asked | j.StepSet | j.Waiting) and entry.step:
                yield entry.step, due
        state, due = decision.state, decision.next_due
