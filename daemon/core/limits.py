"""Entries of the journal about what holds automatic words back: shadow plans, flapping, budgets.

They are entries like those of ``daemon.core.journal``; each knows how it becomes state.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from daemon.core.channel_view import ChannelView, Queued
from daemon.core.clock import Instant
from daemon.core.group import Group
from daemon.core.words import Audience, Status

SHADOW = "shadow"
"""What stands in place of a delivery's state where nothing left: the plan is in shadow."""


@dataclass(frozen=True, slots=True)
class Shadowed:
    """From here on nothing leaves for customers (``on``), or all that was said so far did not."""

    kind: ClassVar[str] = "shadowed"
    decided: ClassVar[bool] = True
    on: bool
    plan: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """When incidents of the same route and labels opened or reopened not long before this group."""

    kind: ClassVar[str] = "earlier"
    decided: ClassVar[bool] = False
    opened: tuple[Instant, ...]


@dataclass(frozen=True, slots=True)
class BudgetSpent:
    """All incidents together have posted on a channel what its hour allows, until then; None: no longer."""

    kind: ClassVar[str] = "budget_spent"
    decided: ClassVar[bool] = False
    channel: str
    until: Instant | None = None


@dataclass(frozen=True, slots=True)
class OverBudget:
    """A text does not go to these channels yet; the newest one is said there when there is room."""

    kind: ClassVar[str] = "over_budget"
    decided: ClassVar[bool] = True
    step: str
    plan: str
    channels: tuple[str, ...]
    status: Status
    until: Instant
    internal: bool = False


Limiting = Shadowed | Earlier | BudgetSpent | OverBudget


def shadowed(state: Group, _at: Instant, entry: Shadowed) -> None:
    """Out of the shadow customers know nothing yet: what was told, promised and counted is void."""
    state.shadow = entry.on
    if entry.on:
        return
    for name, view in state.channels.items():
        if view.audience is Audience.public:
            state.channels[name] = ChannelView(down=view.down, downs=view.downs, returned_at=view.returned_at)
    state.page_told, state.first_vetoed_at, state.first_asked_at = False, None, None
    state.last_counting, state.last_counting_to = None, ()
    state.promise, state.broken_open = None, False
    state.promises_kept = state.promises_broken = 0
    state.unattended = state.public_updates = state.longest_silence = 0


def earlier(state: Group, _at: Instant, entry: Earlier) -> None:
    """They count towards flapping as if this group had opened so often."""
    state.openings = entry.opened


def budget_spent(state: Group, _at: Instant, entry: BudgetSpent) -> None:
    """Kept by channel; a channel with room is not kept."""
    if entry.until is not None:
        state.spent[entry.channel] = entry.until
    else:
        state.spent.pop(entry.channel, None)


def over_budget(state: Group, at: Instant, entry: OverBudget) -> None:
    """The newest text waits in place of the one before it."""
    for name in entry.channels:
        audience = Audience.internal if entry.internal else Audience.public
        view = state.channels.setdefault(name, ChannelView(audience))
        view.over_budget = Queued(at, step=entry.step, plan=entry.plan, status=entry.status)
        view.again += 1


def had_room(state: Group, channels: Iterable[str]) -> None:
    """Newer words went there, or what waited for room has had its turn."""
    for name in channels:
        if name in state.channels:
            state.channels[name].over_budget = None
