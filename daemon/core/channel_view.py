"""What one group knows of one channel: what was said there, what waits, what is in doubt."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from daemon.core.clock import MINUTE, Instant, Span
from daemon.core.delivery import DeliveryState
from daemon.core.words import Audience, Status

STALE: Span = 15 * MINUTE
"""A text that was queued for longer is not said as it is when its channel is tried again."""

AGAIN = "again/"
"""How the occasion of a text begins that takes the place of what waited too long."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A text on its way that nothing settled yet."""

    at: Instant
    text: str = ""
    step: str = ""
    plan: str = ""
    status: Status = Status.investigating
    by_person: bool = False  # their words, or a row that they sent again: never re-worded by us
    question: str = ""  # why people are asked; empty: it is no question
    occasion: str = ""


@dataclass(frozen=True, slots=True)
class Late:
    """Updates that waited too long, and the one whose news is said anew (None: something newer says it)."""

    updates: tuple[str, ...]
    newest: Queued | None = None


@dataclass(slots=True)
class ChannelView:
    """What this group knows of one channel."""

    audience: Audience = Audience.public
    states: dict[str, str] = field(default_factory=dict)  # update id -> delivery state
    queued: dict[str, Queued] = field(default_factory=dict)  # oldest first; in hand or in doubt they stay
    doubts: dict[str, Instant] = field(default_factory=dict)  # updates that are `unknown`, since when
    last_text: str = ""
    left_text: str = ""  # the last one known to have left
    first: str = ""  # the update that opened the thread there
    told: bool = False
    down: bool = False
    downs: int = 0  # how often it went down
    returned_at: Instant | None = None  # when it came back, or was tried again, last
    again: int = 0  # how often something was said anew because it had waited too long
    over_budget: Queued | None = None  # the newest text that waits for room in the channel's hour
    posts: int = 0
    components: frozenset[str] = frozenset()  # all that its posts were about

    def copy(self) -> ChannelView:
        """A copy that can be folded further without touching this one."""
        return replace(self, states=dict(self.states), queued=dict(self.queued), doubts=dict(self.doubts))

    def late(self, now: Instant) -> Late | None:
        """What must not leave as it is; None when nothing waited too long.

        The newest text speaks for those before it.  A person's words stay as
        they are, and of questions alone the newest does.
        """
        # By `states`, which keeps the order in which things were said: what a person
        # sends again is in the queue since then, and is not the newest for that.
        waiting = {
            update: self.queued[update] for update, state in self.states.items()
            if state == DeliveryState.queued and update in self.queued
        }  # fmt: skip
        late = {update: one for update, one in waiting.items() if now - one.at > STALE}
        said = [update for update, one in waiting.items() if not one.question]
        newest = waiting[said[-1]] if said else None
        if newest is None:
            late.pop(next(reversed(waiting), ""), None)
        elif newest.by_person:
            late.pop(said[-1], None)
        if not late:
            return None
        anew = newest is not None and said[-1] in late
        return Late(tuple(late), newest if anew else None)
