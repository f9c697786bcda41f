"""What a step that has not acted waits for."""

from __future__ import annotations

from dataclasses import dataclass

from rules import durations
from rules.deciding.draft import Draft
from rules.deciding.steps import anchor, round_due
from rules.model import Plan, Step


@dataclass(frozen=True, slots=True)
class Wait:
    """``due``: only its ``if`` can hold it back.  ``otherwise`` is what would have made it due."""

    why: str
    otherwise: str = ""
    due: bool = False


def still_to_come(draft: Draft, plan: Plan, step: Step) -> Wait:
    """Why that step of the plan in force has not acted at the draft's instant."""
    if draft.state.phase == "pending":
        return Wait("the incident has not opened", "an alert that fires for the whole of `for`")
    if step.when == "on":
        return _event(draft, step)
    if step.when == "after":
        return _after(draft, step)
    return _round(draft, plan, step)


def _event(draft: Draft, step: Step) -> Wait:
    events = [name for name in step.on if draft.state.events.get(name)]
    words = " or ".join(step.on)
    if not events:
        return Wait(f"there was no event {words}", f"the event {words}")
    if step.after:
        return Wait(f"{durations.show(step.after)} after {words} have not passed")
    return Wait(f"{words} came under another plan, or before this step was there")


def _after(draft: Draft, step: Step) -> Wait:
    open_for = draft.state.open_for(draft.now)
    if open_for < step.after:
        why = f"open for {_rough(open_for)} of {durations.show(step.after)}"
        return Wait(why, f"being open for {durations.show(step.after)}")
    return Wait("it is due, and waits for a step above it, or for the page's first update", due=True)


def _round(draft: Draft, plan: Plan, step: Step) -> Wait:
    since, due = anchor(draft, plan), round_due(draft, plan, step)
    if since is None or due is None:
        return Wait("rounds begin after the first update", "a first update")
    if draft.now < due:
        return Wait(f"its next round is due in {_rough(due - draft.now)}")
    return Wait("its round is due", due=True)


def _rough(span: int) -> str:
    """To the second, as people write it."""
    return durations.show(span // 1000 * 1000) if span >= 1000 else "0s"
