"""The wall clock was set back: what was written down by the old reading lies in the future now.

Left there, nothing would be due until the clock has come round again: a day of
silence.  So every instant of the past that is ahead of the clock moves by as
much as the clock did.
"""

from __future__ import annotations

from dataclasses import replace

from daemon.core.clock import Instant, Span
from daemon.core.group import Group

MOVED = (
    "created_at", "pending_since", "opened_at", "resolved_at", "open_since", "plan_began", "clear_since",
    "heard_at", "asked_stale", "status_at", "monitoring_at", "first_vetoed_at", "first_asked_at",
    "last_counting", "taken_over_act", "openings",
)  # fmt: skip
"""Fields of Group that hold an instant of our own clock's past."""

KEPT = frozenset({"at", "started_at", "paused_until", "promise", "spent"})
"""The entry's own, a sender's, a person's word, one that follows its update, and those told anew."""


def set_back(state: Group, at: Instant, since: Instant) -> None:
    """The clock read ``since`` when it was put to ``at``, which is earlier."""
    lost: Span = since - at

    def back(instant: Instant) -> Instant:
        return instant - lost if instant > at else instant

    if state.promise is not None and state.last_counting is not None and state.last_counting > at:
        state.promise -= lost
    for name in MOVED:
        found: Instant | tuple[Instant, ...] | None = getattr(state, name)
        if found is not None:
            setattr(state, name, tuple(map(back, found)) if isinstance(found, tuple) else back(found))
    for episode in state.episodes.values():
        episode.since = back(episode.since)
    for pending in state.waiting.values():
        if pending.since > at:
            pending.since, pending.until = pending.since - lost, pending.until - lost
            pending.promise = None if pending.promise is None else pending.promise - lost
    for occasions in state.steps.values():
        occasions.last = None if occasions.last is None else back(occasions.last)
    for view in state.channels.values():
        view.queued = {update: replace(one, at=back(one.at)) for update, one in view.queued.items()}
        view.doubts = {update: back(instant) for update, instant in view.doubts.items()}
        view.returned_at = None if view.returned_at is None else back(view.returned_at)
    state.events = {
        name: tuple(replace(event, at=back(event.at), due=back(event.due)) for event in events)
        for name, events in state.events.items()
    }
    state.updates = [replace(update, at=back(update.at)) for update in state.updates]
