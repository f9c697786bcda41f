"""A delivery: one update on its way to one channel or one recipient.

The states and arrows are reliability's section 3.3; nothing else may happen to
a row.  What the outside world knows in each state is said beside it.

A delivery that ``edits`` another one changes a post that is there instead of
adding one (docs/decisions/0016-edits-are-deliveries.md).  Doing it twice is
doing it once, so it is never in doubt: no edit is ever ``unknown`` or ``held``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from daemon.core.clock import Instant
from daemon.core.words import Audience


class DeliveryState(StrEnum):
    """Nine states and no others, in tables, API and metrics."""

    queued = "queued"  # nothing has left
    claimed = "claimed"  # a worker holds it; nothing has left
    attempted = "attempted"  # intent is on disk; bytes may be leaving now
    sent = "sent"  # the channel has it
    unknown = "unknown"  # bytes left, no answer was seen; quarantine runs
    held = "held"  # its fate is unknown and only a person may decide
    dead = "dead"  # it will never be sent; people were told
    superseded = "superseded"  # a newer text took its place before it left
    expired = "expired"  # its schedule ended before it left


FINAL = frozenset({DeliveryState.sent, DeliveryState.dead, DeliveryState.superseded, DeliveryState.expired})
IN_HAND = frozenset({DeliveryState.claimed, DeliveryState.attempted})
MAY_BE_THERE = frozenset(
    {DeliveryState.attempted, DeliveryState.sent, DeliveryState.unknown, DeliveryState.held}
)
DOUBTS = MAY_BE_THERE - FINAL
"""Nobody can say yet whether it is there."""

OPENS_THE_WAY = FINAL | {DeliveryState.held}
"""A successor on the same channel may go once its predecessor is in one of these."""

ARROWS: dict[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.queued: frozenset(
        {DeliveryState.claimed, DeliveryState.superseded, DeliveryState.expired, DeliveryState.dead}
    ),
    DeliveryState.claimed: frozenset({DeliveryState.queued, DeliveryState.attempted}),
    DeliveryState.attempted: frozenset(
        {DeliveryState.sent, DeliveryState.queued, DeliveryState.dead, DeliveryState.unknown}
    ),
    DeliveryState.unknown: frozenset({DeliveryState.sent, DeliveryState.queued, DeliveryState.held}),
    DeliveryState.held: frozenset({DeliveryState.sent, DeliveryState.queued, DeliveryState.dead}),
    DeliveryState.sent: frozenset(),
    DeliveryState.dead: frozenset({DeliveryState.queued}),  # a person replays it
    DeliveryState.superseded: frozenset(),
    DeliveryState.expired: frozenset(),
}


@dataclass(slots=True)
class Delivery:
    """One row of the outbox.  ``key`` is deterministic: the same intent never makes two rows."""

    id: int
    key: str
    group: int
    update: str
    channel: str
    audience: Audience
    recipient: str
    payload: bytes  # canonical JSON, frozen
    state: DeliveryState
    created_at: Instant
    not_before: Instant  # queued: earliest claim; unknown: end of quarantine
    token: int = 0  # fencing: grows with each claim
    lease_until: Instant | None = None
    attempts: int = 0
    resends: int = 0  # automatic resends out of unknown; at most one (3.3 rule 6)
    reads: int = 0  # read-backs that said "not there"
    attempted_at: Instant | None = None
    ref: bytes | None = None  # canonical JSON of Ref once sent
    reason: str = ""
    detail: str = ""
    waits_for: int | None = None  # a last word: not while that first post is held (3.3 rule 7)
    sequence: int = 0  # order within group + channel + recipient
    edits: int | None = None  # the delivery whose post it is to change; None: it is a post of its own


def may_move(old: DeliveryState, new: DeliveryState) -> bool:
    """Whether the state machine has that arrow."""
    return new in ARROWS[old]
