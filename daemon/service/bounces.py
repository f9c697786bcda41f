"""Mails that came back: counted, judged, and recipients left out because of them."""

from __future__ import annotations

from dataclasses import replace

from daemon.core.clock import Instant
from daemon.core.delivery import Delivery
from daemon.core.errors import NotFound
from daemon.core.store import Tx
from daemon.core.suppression import BELIEVED, Bounce, Suppression, Taken, verdict
from daemon.service.desk import Desk, Work


class BounceDesk:
    """Every change of a suppression, each one transaction."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def take_in(self, channel: str, key: str, status: str, detail: str) -> Taken:
        """A mail system says that the mail with this client key failed.

        Said twice it counts once, unless it got worse; what a person has lifted
        is not brought back by mails from before.
        """

        def job(work: Work) -> Taken:
            row = work.tx.read_delivery_by_key(key)
            if row is None or row.channel != channel or not _may_bounce(row, work.tx.now):
                return Taken.strange
            return _judge(work.tx, row, status, detail)

        return await self._desk.work(job)

    async def lift(self, channel: str, recipient: str, who: str) -> Suppression:
        """Write to a recipient again.  Raises NotFound when no suppression of it is in force."""

        def job(work: Work) -> Suppression:
            found = work.tx.read_suppressions(channel).get(recipient)
            if found is None or found.lifted_at is not None:
                raise NotFound(f"channel {channel!r} leaves out no {recipient!r}: tocsin suppressions list")
            lifted = replace(found, lifted_at=work.tx.now, lifted_by=who)
            work.tx.suppression(lifted)
            return lifted

        return await self._desk.work(job)


def _may_bounce(row: Delivery, now: Instant) -> bool:
    return row.attempts > 0 and now - row.created_at <= BELIEVED


def _judge(tx: Tx, row: Delivery, status: str, detail: str) -> Taken:
    before = tx.read_bounces(row.channel, row.recipient)
    bounce = Bounce(row.id, row.channel, row.recipient, tx.now, status, detail)
    known = next((one for one in before if one.delivery == row.id), None)
    if known is not None and (known.is_hard or not bounce.is_hard):
        return Taken.repeated
    standing = tx.read_suppressions(row.channel).get(row.recipient)
    lifted_at = standing.lifted_at if standing is not None else None
    if lifted_at is not None and row.created_at <= lifted_at:
        return Taken.strange
    tx.bounce(bounce)
    if standing is not None and lifted_at is None:
        return Taken.counted
    ended = verdict(bounce, before, lifted_at)
    if ended is None:
        return Taken.counted
    tx.suppression(ended)
    return Taken.suppressed
