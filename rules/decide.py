"""The one decision function: live daemon, tests, simulator, backtest and explain all call it.

It reads no clock, no store and no network; the same arguments give the same
answer.  The order of things at one instant is that of rules-language, "Time".
"""

from __future__ import annotations

from dataclasses import dataclass

from daemon.core.clock import Instant
from daemon.core.group import Group
from daemon.core.journal import Entry
from rules.deciding.approvals import approvals
from rules.deciding.asks import ask_about_failures
from rules.deciding.collapse import collapse
from rules.deciding.draft import Draft, SomethingIsDue
from rules.deciding.people import people
from rules.deciding.returns import catch_up, use_room
from rules.deciding.shadow import shadow
from rules.deciding.steps import steps
from rules.deciding.transitions import open_if_due, transitions
from rules.deciding.wakes import next_due
from rules.model import RuleSet

MOST_PASSES = 64
"""A pass without an entry ends the call; this many with one would be a fault of ours."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be journalled now, the state with it, and when to look again.

    Without entries ``state`` is the very one that was handed in.
    """

    entries: tuple[Entry, ...]
    next_due: Instant | None
    state: Group


def decide(state: Group, rules: RuleSet, now: Instant) -> Decision:
    """Everything that is due for one group at ``now``.

    ``state`` is not changed.  ``rules`` must be the version that the group
    keeps.  Raises RuntimeError if it does not settle, which would be a fault of
    this program, never of a rule file.
    """
    if state.phase != "pending":  # a pending group is small, and mostly opens
        try:
            return _settle(Draft(state, rules, now, look=True))
        except SomethingIsDue:
            pass
    return _settle(Draft(state, rules, now))


def _settle(draft: Draft) -> Decision:
    for _ in range(MOST_PASSES):
        before = len(draft.entries)
        open_if_due(draft)
        shadow(draft)
        people(draft)
        transitions(draft)
        shadow(draft)
        catch_up(draft)
        use_room(draft)
        approvals(draft)
        steps(draft)
        ask_about_failures(draft)
        if len(draft.entries) == before and not collapse(draft):
            return Decision(tuple(draft.entries), next_due(draft), draft.state)
    raise RuntimeError(f"group {draft.state.id} does not settle at {draft.now}")
