"""A channel that was down is tried again: what waited too long is said once, with the facts of now."""

from __future__ import annotations

from daemon.core.channel_view import AGAIN, Late
from daemon.core.group import Pending
from daemon.core.journal import Superseded
from daemon.core.words import Audience, Status
from rules.deciding.asks import ask
from rules.deciding.draft import Draft
from rules.deciding.speech import (
    ask_approval,
    ask_for_owner,
    counts,
    same_again,
    say_by_rule,
    skip,
    wait_for_people,
    words,
)
from rules.model import Plan, Step

WAITED = "it waited too long"


def catch_up(draft: Draft) -> None:
    """For each channel that is tried again at this instant: stale texts give way to one of now.

    The last state is never dropped (reliability, I13): the newest of them is said
    anew, unless something newer is queued or the channel has those words already.
    """
    for name, view in tuple(draft.state.channels.items()):
        late = view.late(draft.now) if view.returned_at == draft.now else None
        if late is not None:
            _catch_up(draft, name, late)


def use_room(draft: Draft) -> None:
    """For each channel whose hour has room again: what waited for it is said with the facts of now."""
    for name, view in tuple(draft.state.channels.items()):
        held = view.over_budget
        if held is not None and draft.is_open and draft.has_room(name) and draft.channel(name) is not None:
            draft.will_add()
            _say_anew(draft, name, held.plan, held.step, held.status)


def _catch_up(draft: Draft, name: str, late: Late) -> None:
    view = draft.state.channels[name]
    asked = any(view.queued[update].question == "approval" for update in late.updates)
    draft.add(Superseded(channels=(name,), reason=WAITED, again=True, updates=late.updates))
    for pending in draft.state.waiting.values() if asked else ():
        ask_approval(draft, pending)
    if late.newest is not None:
        _say_anew(draft, name, late.newest.plan, late.newest.step, late.newest.status)


def anew(draft: Draft, pending: Pending) -> bool:
    """Say anew what took a late text's place and no longer fits; False when it was no such text."""
    if not pending.occasion.startswith(AGAIN):
        return False
    _say_anew(draft, next(iter(pending.posts)), pending.plan, pending.step, pending.status)
    return True


def _say_anew(draft: Draft, name: str, plan_id: str, step_id: str, status: Status) -> None:
    """The step's words with the facts of now; where the status moved on, the words for that status."""
    if draft.channel(name) is None:
        return
    plan = draft.rules.plans.get(plan_id)
    step = next((one for one in plan.steps if one.id == step_id), None) if plan else None
    say = (
        step.say if step is not None and step.say and status is draft.state.status else _say_now(draft, name)
    )
    promise = _promise(draft, name, plan, step)
    posts = words(draft, step_id, say, (name,), promise)
    occasion = f"{AGAIN}{name}/{draft.state.channels[name].again}"
    if same_again(draft, posts):  # the channel has these very words: nothing is new
        skip(draft, plan_id, step_id, occasion, "same text")
    elif draft.hushed and draft.is_public(name):
        ask(draft, "taken_over", whom=ask_for_owner(draft, draft.plan), occasion=occasion, ready=posts[name])
    elif step is not None and step.approve is not None and draft.plan is not None:
        wait_for_people(draft, draft.plan, step, occasion, posts, promise)
    else:
        say_by_rule(draft, posts, step=step_id, plan=plan_id, occasion=occasion, promise=promise)


def _promise(draft: Draft, name: str, plan: Plan | None, step: Step | None) -> int | None:
    """Words that count promise as their step does; others repeat the promise that is open."""
    if step is not None and step.promise is not None and counts(draft, plan, (name,)):
        return draft.now + step.promise
    return draft.state.promise


def _say_now(draft: Draft, name: str) -> str:
    resolved = draft.state.status is Status.resolved
    rule = draft.rules.channels[name]
    if rule.audience is Audience.internal and not draft.state.page_told:
        return "internal_end" if resolved else "internal_note"
    if draft.state.retracted:
        return "false_alarm"
    if resolved or draft.state.status is Status.monitoring:
        return draft.state.status.name
    return "holding" if draft.state.channels[name].told else "investigating"
