"""A group that opens again and again: it goes to the plan for that, and a person is asked."""

from __future__ import annotations

from daemon.core.clock import Instant
from rules import durations
from rules.deciding.asks import ask
from rules.deciding.draft import Draft

MARK = "flapping"


def flaps(draft: Draft, at: Instant) -> str:
    """Why an opening at that instant is one too many; empty when it is not."""
    limit = draft.rules.limits.flapping
    if limit is None:
        return ""
    count = sum(opened > at - limit.within for opened in draft.state.openings)
    if count < limit.opened:
        return ""
    return f"it opened {count} times within {durations.show(limit.within)} before this"


def flapping_plan(draft: Draft) -> str:
    limit = draft.rules.limits.flapping
    return limit.plan if limit is not None else ""


def ask_about_flapping(draft: Draft, reason: str) -> None:
    """Ask once per incident, when it opens or reopens too often."""
    if reason and MARK not in draft.state.done:
        ask(draft, "flapping", detail=reason, occasion=MARK)
