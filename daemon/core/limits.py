"""Entries of the journal about what holds automatic words back: shadow plans, flapping, budgets.

They are entries like those of ``daemon.core.journal``; each knows how it becomes state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from daemon.core.channel_view import ChannelView
from daemon.core.clock import Instant
from daemon.core.group import Group
from daemon.core.words import Audience

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


Limiting = Shadowed | Earlier
LIMIT_KINDS: tuple[type[Limiting], ...] = (Shadowed, Earlier)


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
