"""Which steps of the plan are due now, and what firing one does."""

from __future__ import annotations

from collections.abc import Iterator

from daemon.core.clock import Instant
from daemon.core.group import Event
from daemon.core.journal import StepSet
from daemon.core.words import Status
from rules.deciding.asks import ask
from rules.deciding.draft import Draft
from rules.deciding.speech import counts, say_step, skip
from rules.model import Plan, Step


def steps(draft: Draft) -> None:
    """Fire what is due, in the order of rules-language: on, after, every (speaking first)."""
    plan = draft.plan
    if plan is None:
        return
    for steps_of_kind, fire in ((plan.on, _on), (plan.after, _after), (plan.every, _every)):
        for step in steps_of_kind:
            if draft.plan is plan:
                fire(draft, plan, step)


def on_occasions(draft: Draft, plan: Plan, step: Step) -> Iterator[tuple[str, Event, Instant]]:
    """The occasions of an ``on`` step that have not ended: their event and when they are due."""
    for name in step.on:
        events = draft.state.events.get(name, ())
        for event in events if step.after else events[-1:]:
            if event.at < draft.state.plan_began:
                continue
            occasion = f"{plan.id}/{step.id}/e{event.number}"
            if occasion not in draft.state.done and occasion not in draft.state.waiting:
                yield occasion, event, event.due + step.after


def _on(draft: Draft, plan: Plan, step: Step) -> None:
    for occasion, event, due in list(on_occasions(draft, plan, step)):
        if draft.now < due:
            continue
        asked_anew = occasion in draft.state.attempts
        if not step.after and event.at != draft.now and not asked_anew:
            continue  # its instant was under another plan: the past is never fired
        if event.left:
            skip(draft, plan.id, step.id, occasion, "the status was left meanwhile")
            continue
        if step.say and event.status is None and draft.state.status is Status.resolved:
            skip(draft, plan.id, step.id, occasion, "resolved")
            continue
        if not draft.holds(step.condition, occasion):
            skip(draft, plan.id, step.id, occasion, "its condition did not hold")
            continue
        if _kept_back(draft, step):
            skip(draft, plan.id, step.id, occasion, "the page has no first update yet")
            continue
        _fire(draft, plan, step, occasion, carry=event.by_person and event.at == draft.now)


def after_occasion(plan: Plan, step: Step) -> str:
    return f"{plan.id}/{step.id}/a"


def after_is_due(draft: Draft, plan: Plan, step: Step) -> bool:
    """Open long enough, not ended, not waiting (its ``if`` is not looked at)."""
    state = draft.state
    if state.phase != "open" or state.open_for(draft.now) < step.after:
        return False
    occasion = after_occasion(plan, step)
    return occasion not in state.done and occasion not in state.waiting


def _after(draft: Draft, plan: Plan, step: Step) -> None:
    if not after_is_due(draft, plan, step) or _narrower_waits(draft, plan, step):
        return
    occasion = after_occasion(plan, step)
    if not draft.holds(step.condition, occasion) or _kept_back(draft, step):
        return
    carry = step.after == 0 and draft.state.plan_by_person and draft.state.plan_began == draft.now
    _fire(draft, plan, step, occasion, carry=carry)


def _narrower_waits(draft: Draft, plan: Plan, step: Step) -> bool:
    """Whether an ``after`` step above this one still waits for people."""
    if not draft.state.waiting:
        return False
    for other in plan.after:
        if other.id == step.id:
            return False
        if after_occasion(plan, other) in draft.state.waiting:
            return True
    return False


def _kept_back(draft: Draft, step: Step) -> bool:
    """Nothing public leaves before the page has the first update, and nothing after a veto of that one."""
    if not step.say or not draft.rules.has_page or draft.state.page_told:
        return False
    channels = draft.target(step)
    return any(draft.is_public(name) for name in channels) and (
        draft.state.first_vetoed_at is not None or not any(draft.is_page(name) for name in channels)
    )


def anchor(draft: Draft, plan: Plan) -> Instant | None:
    """A of rules-language: the last update that counts, or the open promise less S.

    S looks only at steps that could keep the promise: their words count, and
    nobody has to agree first (docs/decisions/0004-cadence.md).
    """
    state = draft.state
    if state.last_counting is None or draft.page_is_silent(plan):
        return None
    if state.promise is None:
        return state.last_counting
    place = (state.sequence, plan.id)
    if place not in draft.anchors:
        draft.anchors[place] = _anchor_of_promise(draft, plan, state.promise)
    return draft.anchors[place]


def _anchor_of_promise(draft: Draft, plan: Plan, promise: Instant) -> Instant | None:
    spans = [
        step.every for step in plan.steps
        if step.when == "every" and step.say and step.approve is None
        and counts(draft, plan, draft.target(step))
        and draft.holds(step.condition, f"{plan.id}/{step.id}/s")
    ]  # fmt: skip
    return promise - min(spans) if spans else draft.state.last_counting


def round_due(draft: Draft, plan: Plan, step: Step) -> Instant | None:
    """When the next round of an ``every`` step is due; None before the first update."""
    state = draft.state
    since = anchor(draft, plan)
    if since is None or state.last_counting is None:
        return None
    occasions = state.steps.get(f"{plan.id}/{step.id}")
    if occasions is not None and occasions.last is not None and occasions.last > state.last_counting:
        return occasions.last + step.every
    due = since + step.every
    if due <= state.last_counting:  # a round that falls before the update itself is dropped
        due += -(-(state.last_counting - due + 1) // step.every) * step.every
    return due


def _every(draft: Draft, plan: Plan, step: Step) -> None:
    if not draft.is_open or draft.waits(plan.id, step.id):
        return
    due = round_due(draft, plan, step)
    if due is None or draft.now < due:
        return
    occasions = draft.state.steps.get(f"{plan.id}/{step.id}")
    occasion = f"{plan.id}/{step.id}/r{occasions.rounds + 1 if occasions else 1}"
    if draft.holds(step.condition, occasion):
        _fire(draft, plan, step, occasion, carry=False)


def _fire(draft: Draft, plan: Plan, step: Step, occasion: str, *, carry: bool) -> None:
    """One occasion of a step acts: it ends as said, asked, set or skipped, or waits."""
    draft.will_add()
    occasions = draft.state.steps.get(f"{plan.id}/{step.id}")
    if step.limit is not None and occasions is not None and occasions.count >= step.limit:
        ask(draft, "limit", whom=plan.ask, step=step, occasion=occasion)
    elif step.does == "ask":
        ask(draft, "ask", whom=step.ask, step=step, occasion=occasion)
    elif step.does == "set":
        _set(draft, plan, step, occasion)
    else:
        say_step(draft, plan, step, occasion, carry=carry)


def _set(draft: Draft, plan: Plan, step: Step, occasion: str) -> None:
    impact = step.set_impact if (step.set_impact or 0) > draft.state.impact else None
    move_to = step.set_plan if step.set_plan != draft.state.plan else ""
    if impact is None and not move_to:
        skip(draft, plan.id, step.id, occasion, "already so")
        return
    draft.add(StepSet(step=step.id, plan=plan.id, occasion=occasion, impact=impact, move_to=move_to))
