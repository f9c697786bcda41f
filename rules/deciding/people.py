"""What people did, before any rule looks: their words go first."""

from __future__ import annotations

from daemon.core.clock import MINUTE
from daemon.core.journal import TakeOverEnded
from rules.deciding.asks import ask
from rules.deciding.draft import Draft
from rules.deciding.speech import say_person

ANNOUNCED = 10 * MINUTE  # before a take over runs out (rules-language, "Take over")


def people(draft: Draft) -> None:
    """Send on what people wrote; end a take over that nobody used."""
    while draft.state.person:
        say_person(draft, draft.state.person[0])
    _take_over(draft)
    if draft.is_open and draft.state.removed and not draft.state.components:
        mark = f"retract/{len(draft.state.removed)}"
        if mark not in draft.state.done:
            ask(draft, "retract", occasion=mark)


def _take_over(draft: Draft) -> None:
    state = draft.state
    if not state.taken_over_by or state.taken_over_act is None:
        return
    if not draft.is_open and not (state.phase == "resolved" and state.firing):  # it is about to reopen
        return
    ends = state.taken_over_act + draft.rules.limits.take_over
    if draft.now >= ends:
        draft.add(TakeOverEnded(who=state.taken_over_by, reason="no act of that person"))
    elif draft.now >= ends - ANNOUNCED and not state.take_over_announced:
        left = max((ends - draft.now) // MINUTE, 1)
        ask(draft, "take_over_ending", detail=state.taken_over_by, more={"minutes_left": left})
