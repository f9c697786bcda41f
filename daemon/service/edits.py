"""The outbox's transactions for edits: claim with intent, record what happened.

As for posts (service/deliveries.py), but nothing is ever in doubt: an edit that
is made twice is made once, so whatever is not known is done again.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from daemon.core import journal as j
from daemon.core.clock import HOUR, SECOND, Instant, Span
from daemon.core.delivery import Delivery, DeliveryState
from daemon.core.destination import PARKED
from daemon.core.ports import Capabilities, Outcome, Ref, Rejected, Retry, Scope, Sent
from daemon.core.retry import delay
from daemon.service.desk import Desk, Work
from daemon.service.in_hand import attempted, freed
from daemon.service.state_posts import give_way, supersede

TRIED_FOR: Span = 24 * HOUR
"""An edit that failed for this long is given up; the next update makes a new one."""

NO_POST = "the post never was"


class EditDesk:
    """Every move of an edit but those of a start (``DeliveryDesk.recover``)."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def attempt(self, rows: list[Delivery], lease: Span) -> list[tuple[Delivery, Ref]]:
        """Commit the intent to edit; those that are ours now, each with the name of its post.

        An edit whose post never was ends here.
        """

        def job(work: Work) -> list[tuple[Delivery, Ref]]:
            ours = []
            for row in rows:
                post = work.tx.read_delivery(row.edits) if row.edits is not None else None
                if post is None or post.state is not DeliveryState.sent or post.ref is None:
                    if (free := freed(work, row)) is not None:
                        supersede(work.tx, free, NO_POST)
                    continue
                tried = attempted(work, row, lease)
                if tried is not None:
                    ours.append((tried, msgspec.json.decode(post.ref, type=Ref)))
            return ours

        return await self.desk.work(job, weight=len(rows))

    async def record(self, row: Delivery, outcome: Outcome, capabilities: Capabilities) -> Delivery | None:
        """Write down how an attempt ended; None when the row has moved on without this worker."""
        after = _after(row, outcome, capabilities, self.desk.clock.now())

        def job(work: Work) -> Delivery | None:
            kept = after
            if not work.tx.delivery_changed(kept, DeliveryState.attempted, row.token):
                return None
            if give_way(work.tx, kept):
                return replace(kept, state=DeliveryState.superseded)
            if kept.state is DeliveryState.queued and work.tx.now - row.created_at > TRIED_FOR:
                kept = replace(kept, state=DeliveryState.expired)
                work.tx.delivery_changed(kept, DeliveryState.queued, row.token)
            if kept.state is not DeliveryState.queued:
                self._tell(work, kept)
            return kept

        return await self.desk.work(job)

    def _tell(self, work: Work, row: Delivery) -> None:
        """Journal the end of an edit; people are not asked, for the words went out as posts."""
        post = work.tx.read_delivery(row.edits) if row.edits is not None else None
        entry = j.DeliveryMoved(
            channel=row.channel, update=row.update, state=row.state, key=row.key, reason=row.reason,
            edits=post.update if post is not None else row.update,
        )  # fmt: skip
        work.settle(work.state(row.group), [entry])


def _after(row: Delivery, outcome: Outcome, capabilities: Capabilities, now: Instant) -> Delivery:
    """Where an attempt leaves the edit.  In doubt, not before the provider can be late no more."""
    if isinstance(outcome, Sent):
        ref = msgspec.json.encode(outcome.ref)
        return replace(row, state=DeliveryState.sent, ref=ref, reason="", detail="", lease_until=None)
    if isinstance(outcome, Rejected) and outcome.scope is Scope.delivery:
        state, wait = DeliveryState.dead, 0
    elif isinstance(outcome, Rejected):
        state, wait = DeliveryState.queued, int(PARKED * SECOND)
    elif isinstance(outcome, Retry):
        state, wait = DeliveryState.queued, delay(row.attempts, outcome.after)
    else:
        state, wait = DeliveryState.queued, max(delay(row.attempts), int(capabilities.late_apply * SECOND))
    return replace(
        row, state=state, not_before=now + wait, reason=outcome.reason, detail=outcome.detail,
        lease_until=None,
    )  # fmt: skip
