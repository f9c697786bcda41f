"""Texts that wait for people: votes, vetoes, ends of windows, and facts that moved on."""

from __future__ import annotations

from daemon.core.channel_view import AGAIN
from daemon.core.group import Pending
from daemon.core.journal import Withdrawn
from daemon.core.words import Status
from rules.deciding.asks import ask
from rules.deciding.draft import Draft
from rules.deciding.returns import anew
from rules.deciding.speech import say_waited, shown, skip

VOTES = {"one": 1, "two": 2}


def approvals(draft: Draft) -> None:
    """End each wait that has an answer, has run out, or no longer fits."""
    for pending in list(draft.state.waiting.values()):
        _one(draft, pending)


def _one(draft: Draft, pending: Pending) -> None:
    state = draft.state
    if state.status is Status.resolved and pending.status is not Status.resolved:
        skip(draft, pending.plan, pending.step, pending.occasion, "resolved")
    elif pending.plan != state.plan and not pending.occasion.startswith(AGAIN):
        skip(draft, pending.plan, pending.step, pending.occasion, "plan changed")
    elif pending.vetoed_by:
        skip(draft, pending.plan, pending.step, pending.occasion, f"vetoed by {pending.vetoed_by}")
    elif (pending.status, pending.impact, pending.components, pending.plan) != (
        state.status, state.impact, state.components, state.plan,
    ):  # fmt: skip
        draft.add(
            Withdrawn(
                step=pending.step, plan=pending.plan, occasion=pending.occasion,
                reason="status, impact or components changed",
            )
        )  # fmt: skip
        anew(draft, pending)  # no event will ask for it again
    elif pending.need in VOTES and len(pending.votes) >= VOTES[pending.need]:
        say_waited(draft, pending)
    elif draft.now >= pending.until:
        _ran_out(draft, pending)


def _ran_out(draft: Draft, pending: Pending) -> None:
    if pending.need == "veto" or pending.otherwise == "post":
        say_waited(draft, pending)
        return
    skip(draft, pending.plan, pending.step, pending.occasion, "no approval in time")
    ready = shown(pending.posts)
    ask(draft, "approval ran out", ready=ready, more={"step": pending.step})
