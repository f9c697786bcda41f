"""Inputs in, decisions out: one step of a group's life, as every caller of ``decide`` does it.

The daemon, the tests and the tools differ only in where the inputs come from
and where the entries go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from daemon.core import fold
from daemon.core.clock import Instant
from daemon.core.group import Group
from daemon.core.journal import Entry, Numbered, Recorded
from rules.decide import decide
from rules.model import RuleSet


@dataclass(frozen=True, slots=True)
class Settlement:
    """The state after one step, the entries that led there, and when to look again."""

    state: Group
    recorded: tuple[Recorded, ...]
    next_due: Instant | None


def settle(
    state: Group,
    inputs: Sequence[Entry],
    rules: RuleSet,
    now: Instant,
    *,
    due: Instant | None,
    number: Callable[[], int],
    world: Sequence[Entry] = (),
) -> Settlement:
    """Take inputs in and decide at ``now``; what was due before ``now`` is decided first.

    ``state`` is used up: go on with the settlement's.  ``number`` gives an
    incident its number when it opens.  ``world`` are facts that hold already: they
    come before everything else.
    """
    recorded: list[Recorded] = [fold.add(state, now, entry) for entry in world]
    if inputs and due is not None and due < now:
        state, _ = _decide(state, rules, now, recorded, number)
    recorded.extend(fold.add(state, now, entry) for entry in inputs)
    state, next_due = _decide(state, rules, now, recorded, number)
    return Settlement(state, tuple(recorded), next_due)


def _decide(
    state: Group, rules: RuleSet, now: Instant, recorded: list[Recorded], number: Callable[[], int]
) -> tuple[Group, Instant | None]:
    decision = decide(state, rules, now)
    sequence = state.sequence
    recorded.extend(
        Recorded(sequence + offset, now, entry) for offset, entry in enumerate(decision.entries, 1)
    )
    new = decision.state
    if new.opened_at is not None and not new.number:
        recorded.append(fold.add(new, now, Numbered(number())))
    return new, decision.next_due
