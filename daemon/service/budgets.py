"""How many automatic texts all incidents together have posted on a channel within the hour.

The count is part of the transaction that posts, and other nodes learn of it
before their next one, so no two of them spend the same room.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from daemon.core import journal as j
from daemon.core.clock import HOUR, Instant
from daemon.core.group import Group
from daemon.core.limits import BudgetSpent
from daemon.core.store import Tx
from daemon.core.words import Status
from daemon.service.memory import Memory

NOTE = "budget."  # before the channel's name: the note that keeps its posts of the last hour

Caps = Mapping[str, int]
"""Posts per hour by channel (``limits.posts_per_hour``)."""

_decode = msgspec.json.Decoder(tuple[Instant, ...]).decode


def spent_until(posts: Sequence[Instant], cap: int, now: Instant) -> Instant | None:
    """When there is room for one more; None when there is now.  ``posts`` are oldest first.

    >>> spent_until([0, 600_000], 2, 900_000)
    3600000
    """
    if len(posts) < cap:
        return None
    until = min(posts[-cap], now) + HOUR  # later than now: the clock was set back since
    return until if until > now else None


def facts(state: Group, posted: Mapping[str, Sequence[Instant]], caps: Caps, now: Instant) -> list[j.Entry]:
    """What the group's journal does not know yet of the channels' room."""
    if state.phase == "ended":
        return []
    found: list[j.Entry] = []
    for channel in dict.fromkeys((*caps, *state.spent)):
        until = spent_until(posted.get(channel, ()), caps[channel], now) if channel in caps else None
        known = state.spent.get(channel)
        if until != (known if known is not None and known > now else None):
            found.append(BudgetSpent(channel, until))
    return found


def bound(entry: j.Entry) -> bool:
    """Whether an entry is a text that budgets bind: a rule's, not of the end, and really sent."""
    return (
        isinstance(entry, j.Said)
        and not entry.who
        and not entry.shadow
        and entry.status is not Status.resolved
    )


def spend(tx: Tx, memory: Memory, caps: Caps, recorded: Iterable[j.Recorded]) -> None:
    """Count what was just said on channels with a budget."""
    for one in recorded if caps else ():
        if not isinstance(one.entry, j.Said) or not bound(one.entry):
            continue
        for channel in one.entry.posts.keys() & caps.keys():
            kept = [at for at in memory.posted.get(channel, ()) if one.at - HOUR < at <= one.at]
            memory.count(channel, (*kept, one.at))
            tx.note(NOTE + channel, msgspec.json.encode(memory.posted[channel]))


def learned(memory: Memory, notes: Mapping[str, bytes]) -> None:
    """Take over what the store, or another node, has counted."""
    for name, value in notes.items():
        if name.startswith(NOTE):
            memory.posted[name.removeprefix(NOTE)] = _decode(value)
