"""A row in a worker's hand: free it, write the intent to send it, or bury it before anything left."""

from __future__ import annotations

from dataclasses import replace

from daemon.core.clock import Span
from daemon.core.delivery import Delivery, DeliveryState
from daemon.service.desk import Work


def freed(work: Work, row: Delivery) -> Delivery | None:
    """The row as a queued one; None when somebody else has it."""
    if row.state is not DeliveryState.claimed:
        return row
    free = replace(row, state=DeliveryState.queued, token=row.token + 1, lease_until=None)
    return free if work.tx.delivery_changed(free, DeliveryState.claimed, row.token) else None


def buried(work: Work, row: Delivery, why: str) -> list[Delivery]:
    """The row, dead before anything of it left; none when somebody else has it."""
    free = freed(work, row)
    if free is None:
        return []
    dead = replace(free, state=DeliveryState.dead, reason="other", detail=why)
    return [dead] if work.tx.delivery_changed(dead, DeliveryState.queued, free.token) else []


def attempted(work: Work, row: Delivery, lease: Span) -> Delivery | None:
    """The row with its intent written; None when somebody else has it."""
    until = work.tx.now + lease
    claimed = row
    if row.state is DeliveryState.queued:
        claimed = replace(row, state=DeliveryState.claimed, token=row.token + 1, lease_until=until)
        if not work.tx.delivery_changed(claimed, DeliveryState.queued, row.token):
            return None
    tried = replace(
        claimed, state=DeliveryState.attempted, attempts=row.attempts + 1, attempted_at=work.tx.now,
        lease_until=until,
    )  # fmt: skip
    return tried if work.tx.delivery_changed(tried, DeliveryState.claimed, claimed.token) else None
