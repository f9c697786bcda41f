"""The next instant worth looking at: nothing would be decided before it."""

from __future__ import annotations

from collections.abc import Iterator

from daemon.core.clock import Instant, Span
from daemon.core.promise import broken_at
from rules.deciding.draft import Draft
from rules.deciding.people import ANNOUNCED
from rules.deciding.steps import after_occasion, on_occasions, round_due
from rules.deciding.transitions import (
    doubts_due,
    downs_due,
    monitoring_due,
    resolved_due,
    stale_at,
    unsaid_due,
)
from rules.model import Condition, Plan, Step


def next_due(draft: Draft) -> Instant | None:
    """The earliest instant after now at which something may be due; None if only an entry can change it."""
    later = [instant for instant in _instants(draft) if instant > draft.now]
    return min(later, default=None)


def _instants(draft: Draft) -> Iterator[Instant]:
    state, route = draft.state, draft.route
    if state.phase == "pending":
        if route is not None and state.firing and state.pending_since is not None:
            yield state.pending_since + route.hold_for
        return
    if state.phase == "resolved" and state.resolved_at is not None:
        yield state.resolved_at + (route.reopen_within if route is not None else 30 * 60_000)
    for pending in state.waiting.values():
        yield pending.until
    for name, view in state.channels.items():
        yield from (due for mark, due in doubts_due(name, view) if mark not in state.done)
    yield from (due for _, mark, due in downs_due(draft) if mark not in state.done)
    plan = draft.plan
    if plan is not None:
        for step in plan.on:
            if step.after:
                yield from (due for _, _, due in on_occasions(draft, plan, step))
    if draft.is_open:
        yield from _while_open(draft, plan)


def _while_open(draft: Draft, plan: Plan | None) -> Iterator[Instant]:
    state, route = draft.state, draft.route
    candidates = [
        monitoring_due(draft, route),
        resolved_due(draft, route),
        stale_at(draft, route),
        unsaid_due(draft),
        state.paused_until,  # `taken_over` turns false then
        broken_at(state.promise) if state.promise is not None and not state.broken_open else None,
    ]
    if state.taken_over_by and state.taken_over_act is not None:
        ends = state.taken_over_act + draft.rules.limits.take_over
        candidates += [ends - ANNOUNCED, ends]
    candidates += [
        state.spent.get(name) for name, view in state.channels.items() if view.over_budget is not None
    ]
    yield from (instant for instant in candidates if instant is not None)
    if route is not None:
        for line in route.raises:
            yield from _edges(draft, line.condition)
    if plan is not None:
        open_for = draft.state.open_for(draft.now)
        for step in plan.after:
            yield from _of_after(draft, plan, step, step.after - open_for)
        for step in plan.every:
            yield from _of_every(draft, plan, step)


def _of_after(draft: Draft, plan: Plan, step: Step, left: Span) -> Iterator[Instant]:
    if left <= 0 and (step.condition is None or not draft.rules.windows):
        return  # its time has come: only an entry can change what it waits for
    if after_occasion(plan, step) not in draft.state.done:
        yield draft.now + left
        yield from _edges(draft, step.condition)


def _of_every(draft: Draft, plan: Plan, step: Step) -> Iterator[Instant]:
    if not draft.waits(plan.id, step.id):
        due = round_due(draft, plan, step)
        if due is None:
            return
        yield due
    yield from _edges(draft, step.condition)


def _edges(draft: Draft, condition: Condition | None) -> Iterator[Instant]:
    """Edges of the windows that a condition looks at: only they change it without an entry."""
    if condition is None or not draft.rules.windows:
        return
    for name in condition.names & draft.rules.windows.keys():
        edge = draft.rules.windows[name].next_edge(draft.now)
        if edge is not None:
            yield edge
