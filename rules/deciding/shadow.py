"""Plans in shadow: all is decided and journalled, nothing leaves for customers."""

from __future__ import annotations

from daemon.core.limits import Shadowed
from rules.deciding.draft import Draft

REHEARSED = "(This plan is in shadow: nothing of it reaches customers.)"


def shadow(draft: Draft) -> None:
    """Step into the shadow with the plan, and out of it with another one.

    Customers who know of the incident hear the rest of it: then its plan speaks, whichever it is.
    """
    state, plan = draft.state, draft.plan
    if plan is None or state.phase == "pending":
        return
    if plan.shadow and not state.shadow and draft.is_open and not state.public_updates:
        draft.add(Shadowed(on=True, plan=plan.id))
    elif state.shadow and not plan.shadow:
        draft.add(Shadowed(on=False, plan=plan.id))
