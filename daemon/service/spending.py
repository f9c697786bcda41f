"""What one incident may cost on a channel that is paid by the message.

The rows of the outbox are the book: what may have left is paid, what was never
sent is not.  It is asked in the transaction of the intent, so no restart and no
second node forgets a message (docs/decisions/0018-a-budget-for-an-incident.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from daemon.core.delivery import MAY_BE_THERE, Delivery, DeliveryState
from daemon.core.ports import Channel
from daemon.core.words import Status
from daemon.service.desk import Work

NEVER_SENT = frozenset({DeliveryState.superseded, DeliveryState.expired})


class Purse:
    """What may be spent in one transaction; rows of one update are judged together."""

    def __init__(self, work: Work, channels: Mapping[str, Channel]) -> None:
        self._work, self._channels = work, channels
        self._asked: tuple[int, str, str] | None = None
        self._answer = ""

    def refusal(self, row: Delivery) -> str:
        """Why the update of this row must not leave for money's sake; empty when it may."""
        asked = (row.group, row.channel, row.update)
        if asked != self._asked:  # of another one: what was attempted since then counts
            self._asked, self._answer = asked, _overspent(self._work, self._channels.get(row.channel), row)
        return self._answer


def _overspent(work: Work, channel: Channel | None, row: Delivery) -> str:
    """An update goes to all of its recipients or to none, and leaves room for one more of its size.

    Whoever was told of the trouble is told of its end.
    """
    budget = channel.capabilities.incident_budget if channel is not None else None
    if channel is None or budget is None:
        return ""
    spent = this = once = Decimal(0)
    for one in work.tx.read_deliveries(row.group):
        if one.channel != row.channel:
            continue
        cost = channel.cost(msgspec.json.decode(one.payload))
        if one.update == row.update and one.state not in NEVER_SENT:
            this += cost * (1 + one.resends)
            once += cost
        elif one.state in MAY_BE_THERE:
            spent += cost * (1 + one.resends)
    reserve = Decimal(0) if _is_last_word(work, row) else once
    if spent + this + reserve <= budget:
        return ""
    kept = f", {reserve} is kept for the last word" if reserve else ""
    return f"an incident may cost {budget} here: {spent} is spent, this update costs {this}{kept}"


def _is_last_word(work: Work, row: Delivery) -> bool:
    view = work.state(row.group).channels.get(row.channel)
    said = view.queued.get(row.update) if view is not None else None
    return said is not None and said.status is Status.resolved
