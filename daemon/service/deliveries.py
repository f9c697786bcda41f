"""The outbox's transactions: claim with intent, record what happened, settle doubts.

Each move is a compare-and-set on id, state and token; the journal hears of it in
the same transaction (reliability: intent before effect).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import msgspec

from daemon.core import journal as j
from daemon.core.clock import MINUTE, SECOND, Instant, Span
from daemon.core.delivery import MAY_BE_THERE, OPENS_THE_WAY, Delivery, DeliveryState
from daemon.core.destination import PARKED
from daemon.core.errors import NotFound, Refused
from daemon.core.ports import Capabilities, Outcome, Ref, Rejected, Retry, Scope, Sent, Unknown
from daemon.core.retry import delay, scheduled
from daemon.service.bounces import leave_out
from daemon.service.desk import Desk, Work
from daemon.service.in_hand import attempted, buried, freed
from daemon.service.posts import CONFIRMED
from daemon.service.spending import Purse
from daemon.service.state_posts import give_way

READS_NEEDED = 2  # read-backs that must both find nothing before "not there" counts
NOT_SETTLED = frozenset(DeliveryState) - OPENS_THE_WAY
EARLIER_ANSWERS = {("resend", DeliveryState.dead), ("confirm", DeliveryState.unknown)}
SLICE = 50  # groups that one transaction tells of a channel's turn

LONG_GONE = 60 * MINUTE
GONE = "the channel is no longer configured"


class DeliveryDesk:
    """Every move of a delivery."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def attempt(self, rows: list[Delivery], lease: Span) -> list[Delivery]:
        """Commit the intent to send rows that are queued, or claimed with their token by this node.

        Returns those that are ours now.  A text that has waited too long is said
        anew first, and what came of it is attempted in its place.
        """

        def job(work: Work) -> list[Delivery]:
            ours: list[Delivery] = []
            too_dear: list[Delivery] = []
            purse = Purse(work, self.desk.channels)
            for row in rows:
                for one in self._as_of_now(work, row, len(rows) - len(ours)):
                    if refusal := purse.refusal(one):
                        too_dear += buried(work, one, refusal)
                        continue
                    tried = attempted(work, one, lease)
                    if tried is not None:
                        ours.append(tried)
            self._tell(work, [*too_dear, *ours])
            return ours

        return await self.desk.work(job, weight=len(rows))

    def _as_of_now(self, work: Work, row: Delivery, most: int) -> list[Delivery]:
        """The row, or what takes its place because it waited too long; none when people must agree first."""
        view = work.state(row.group).channels.get(row.channel)
        superseded = view is not None and view.states.get(row.update) == DeliveryState.superseded
        if view is None or not (superseded or view.late(work.tx.now)):
            return [row]
        free = freed(work, row)
        if free is None:
            return []
        row = free
        if superseded:  # while another node had it in hand
            gone = replace(row, state=DeliveryState.superseded)
            work.tx.delivery_changed(gone, DeliveryState.queued, row.token)
            return []
        work.settle(work.state(row.group), [j.ChannelTurned(row.channel, view.down, tried=True)])
        next_ones: dict[str, Delivery] = {}
        for one in work.tx.read_deliveries(row.group, NOT_SETTLED):
            if one.channel == row.channel:
                next_ones.setdefault(one.recipient, one)
        ready = [one for one in next_ones.values() if _may_go(one, work.tx.now)]
        return ready[: max(most, 0)]

    async def record(
        self, row: Delivery, outcome: Outcome, capabilities: Capabilities, *, rests: bool = False
    ) -> Delivery | None:
        """Write down how an attempt ended; None when the row has moved on without this worker.

        ``rests``: the destination is not tried for a while, so a row that was
        not sent keeps its place in the queue, unless it has a schedule of its own.
        """
        now = self.desk.clock.now()
        after = _after(row, outcome, capabilities, now)
        if rests and after.state is DeliveryState.queued and not capabilities.schedule:
            after = replace(after, not_before=row.not_before)

        def job(work: Work) -> Delivery | None:
            kept: Delivery | None = after
            if not work.tx.delivery_changed(after, DeliveryState.attempted, row.token):
                kept = _sent_after_all(work, row, after)
            if kept is not None:
                self._tell(work, [kept])
                leave_out(work.tx, kept, outcome, capabilities)
            return kept

        return await self.desk.work(job)

    async def turn(self, channel: str, *, down: bool) -> None:
        """Tell live groups that a destination takes nothing any more, or takes posts again."""
        memory = self.desk.memory
        groups = sorted({*memory.live.values(), *memory.opened_by_people})
        for start in range(0, len(groups), SLICE):
            await self.desk.work(
                lambda work, some=groups[start : start + SLICE]: self._turn(work, some, channel, down=down)  # type: ignore[misc]
            )

    def _turn(self, work: Work, groups: list[int], channel: str, *, down: bool) -> None:
        for group in groups:
            state = self.desk.memory.states.get(group)
            view = state.channels.get(channel) if state is not None else None
            if state is not None and view is not None and view.down is not down:
                work.settle(work.state(group), [j.ChannelTurned(channel, down)])

    async def settle_doubt(self, row: Delivery, after: Delivery) -> bool:
        """Move a row out of ``unknown``, or put it off there; False when it has moved on."""

        def job(work: Work) -> bool:
            moved = work.tx.delivery_changed(after, DeliveryState.unknown, row.token)
            if moved:
                self._tell(work, [after])
            return moved

        return await self.desk.work(job)

    async def answer_held(self, delivery: int, answer: str, who: str, reference: str = "") -> Delivery:
        """A person's word about a row: ``confirm`` (it is there) or ``drop`` a held one, ``resend`` it.

        A dead one can be resent too: people replay what they have put right.  Whoever
        has found a post whose fate is unknown need not wait until it is held.
        """
        targets = {
            "confirm": DeliveryState.sent, "resend": DeliveryState.queued, "drop": DeliveryState.dead,
        }  # fmt: skip

        def job(work: Work) -> Delivery:
            row = work.tx.read_delivery(delivery)
            if row is None:
                raise NotFound(f"there is no delivery {delivery}")
            if row.edits is not None:
                raise Refused(
                    f"delivery {delivery} changes a post that is there: the next update does so anew"
                )
            if row.state is not DeliveryState.held and (answer, row.state) not in EARLIER_ANSWERS:
                raise Refused(f"delivery {delivery} is {row.state}, not held: there is nothing to decide")
            if answer == "resend" and (why := _too_late(work, row)):
                raise Refused(f"delivery {delivery} is not posted any more: {why}")
            ref = msgspec.json.encode(Ref({CONFIRMED: reference})) if answer == "confirm" else row.ref
            again = 0 if answer == "resend" else row.resends  # their word is a new start; else it is what was
            after = replace(row, state=targets[answer], not_before=work.tx.now, ref=ref, resends=again)
            work.tx.delivery_changed(after, row.state, row.token)
            self._tell(work, [after], who)
            return after

        return await self.desk.work(job)

    async def bury(self) -> int:
        """At start: what waits for a channel that is gone ends, and people hear of it.

        They can send it again (``resend``) once the channel is configured anew.
        On a shared store another node may have the channel still: there it must
        have waited for longer than any node would let it.
        """
        waited = 0 if self.desk.store.exclusive else LONG_GONE
        before_then = self.desk.clock.now() - waited
        waiting: list[Delivery] = []
        before: int | None = None
        while True:
            page = await self.desk.store.deliveries(500, before, states={DeliveryState.queued})
            waiting += [
                row
                for row in page.items
                if row.channel not in self.desk.channels and row.created_at <= before_then
            ]
            before = page.next
            if before is None:
                break

        def job(work: Work) -> int:
            buried = [replace(row, state=DeliveryState.dead, reason="other", detail=GONE) for row in waiting]
            moved = [row for row in buried if work.tx.delivery_changed(row, DeliveryState.queued, row.token)]
            self._tell(work, moved)
            return sum(row.edits is None for row in moved)

        return await self.desk.work(job, weight=len(waiting)) if waiting else 0

    async def recover(self, states: Collection[DeliveryState], quarantine: dict[str, Span]) -> int:
        """At start: the process before is dead, if the store's lock proves it; else its leases must end.

        What it had claimed is queued again; what it had attempted is in doubt,
        and only the provider's own lateness is left of the quarantine.
        """
        if not self.desk.store.exclusive:
            return 0
        count = 0
        before: int | None = None
        while True:
            page = await self.desk.store.deliveries(500, before, states=states)
            if not page.items:
                return count
            await self.desk.work(lambda work, items=page.items: self._recover(work, items, quarantine))  # type: ignore[misc]
            count += len(page.items)
            before = page.next
            if before is None:
                return count

    async def take_over(self, rows: list[Delivery], quarantine: dict[str, Span]) -> int:
        """Free rows whose lease has ended: no worker can still be about to send them.

        The lease covers attempt, watchdog and abort, so that what was attempted
        is in doubt for the provider's own lateness alone.  A worker that lives
        and hears an answer later finds its token gone (``record``).
        """

        def job(work: Work) -> int:
            ended = [row for row in rows if row.lease_until is None or row.lease_until <= work.tx.now]
            return self._recover(work, ended, quarantine, "its worker went away in the middle")

        return await self.desk.work(job, weight=len(rows))

    def _recover(
        self,
        work: Work,
        rows: list[Delivery],
        quarantine: dict[str, Span],
        detail: str = "the daemon stopped in the middle",
    ) -> int:
        moved = []
        for row in rows:
            if row.state is DeliveryState.claimed:
                after = replace(row, state=DeliveryState.queued, token=row.token + 1, lease_until=None)
            else:
                wait = quarantine.get(row.channel, 60 * SECOND)
                doubtful = DeliveryState.unknown if row.edits is None else DeliveryState.queued
                after = replace(
                    row, state=doubtful, token=row.token + 1, reason="other",
                    detail=detail, not_before=work.tx.now + wait, lease_until=None,
                )  # fmt: skip
            if work.tx.delivery_changed(after, row.state, row.token):
                moved.append(after)
                give_way(work.tx, after)
        self._tell(work, moved)
        return sum(row.edits is None for row in moved)

    def _tell(self, work: Work, rows: list[Delivery], who: str = "") -> None:
        """Journal the moves.

        Rows of one update to many recipients are one notice per state, and a
        recipient's trouble is never taken for the channel's.
        """
        groups: dict[int, list[j.Entry]] = {}
        for row in rows:
            if row.edits is not None:
                continue  # service/edits.py speaks of those
            state = work.state(row.group)
            view = state.channels.get(row.channel)
            known = view.states.get(row.update) if view is not None else None
            if known == row.state or (row.recipient and not self._worth_telling(work, row, known)):
                continue
            entry = j.DeliveryMoved(
                channel=row.channel, update=row.update, state=row.state, key=row.key, reason=row.reason,
                url=_url(row), who=who,
            )  # fmt: skip
            told = groups.setdefault(row.group, [])
            if not row.recipient or entry not in told:
                told.append(entry)
        for group, entries in groups.items():
            work.settle(work.state(group), _last_of_each(entries))

    def _worth_telling(self, work: Work, row: Delivery, known: str | None) -> bool:
        """For many recipients the furthest that any of them got is told; back to "nobody has it" too."""
        if known is None or _RANK.get(row.state, 0) > _RANK.get(DeliveryState(known), 0):
            return True
        if row.state is DeliveryState.held:  # a person must decide, however many others have it
            return f"doubt/{row.channel}/{row.update}" not in work.state(row.group).done
        if row.state is not DeliveryState.queued or known == DeliveryState.sent:
            return False
        if work.tx.in_doubt(row.group, row.channel, row.update):
            return False  # asked first, because to read all rows of a mailing takes long
        others = work.tx.read_deliveries(row.group, MAY_BE_THERE)
        return not any(one.update == row.update and one.channel == row.channel for one in others)


def _may_go(row: Delivery, now: Instant) -> bool:
    return row.state is DeliveryState.queued and row.not_before <= now and row.waits_for is None


def _sent_after_all(work: Work, row: Delivery, after: Delivery) -> Delivery | None:
    """Settle a doubt about this very attempt by the answer that came for it late.

    Taking over moves the token on by one; every other way out of ``attempted``
    and back would have moved it further or counted another attempt.
    """
    stored = work.tx.read_delivery(row.id)
    if after.state is not DeliveryState.sent or stored is None:
        return None
    same = (stored.token, stored.attempts, stored.attempted_at) == (
        row.token + 1, row.attempts, row.attempted_at,
    )  # fmt: skip
    if stored.state is not DeliveryState.unknown or not same:
        return None
    found = replace(after, token=stored.token)
    return found if work.tx.delivery_changed(found, DeliveryState.unknown, stored.token) else None


def _too_late(work: Work, row: Delivery) -> str:
    """Why these words must not be said any more; empty when they may.

    A later post to the same place may have gone out, and an old one after it would
    confuse; or the last word was withdrawn because nobody there knew of the incident,
    and nobody would ever hear that it is over.
    """
    states = MAY_BE_THERE | {DeliveryState.queued, DeliveryState.claimed, DeliveryState.superseded}
    later = [
        one
        for one in work.tx.read_deliveries(row.group, states)
        if (one.channel, one.recipient) == (row.channel, row.recipient) and one.sequence > row.sequence
    ]
    if any(one.state in MAY_BE_THERE for one in later):
        return "newer posts went past it; confirm it or drop it"
    newest = max(later, key=lambda one: one.sequence, default=row)
    over = newest.state is DeliveryState.superseded
    return "the incident ended without it; write an update if there is something to say" if over else ""


def _last_of_each(entries: list[j.Entry]) -> list[j.Entry]:
    """With many recipients in one transaction the same notice is needed once."""
    seen: dict[tuple[str, str, str], j.Entry] = {}
    for entry in entries:
        if isinstance(entry, j.DeliveryMoved):
            seen[(entry.channel, entry.update, entry.state)] = entry
    return list(seen.values())


_RANK = {
    DeliveryState.queued: 0, DeliveryState.attempted: 1, DeliveryState.unknown: 2, DeliveryState.dead: 3,
    DeliveryState.held: 4, DeliveryState.sent: 5,
}  # fmt: skip


def _url(row: Delivery) -> str:
    if row.ref is None:
        return ""
    return msgspec.json.decode(row.ref, type=Ref).url


def _after(row: Delivery, outcome: Outcome, capabilities: Capabilities, now: Instant) -> Delivery:
    """Where an attempt leaves the row (reliability 3.3)."""
    match outcome:
        case Sent(ref=ref):
            return replace(
                row, state=DeliveryState.sent, ref=msgspec.json.encode(ref), reason="", detail="",
                lease_until=None,
            )  # fmt: skip
        case Retry() | Unknown() if capabilities.schedule and row.attempts > len(capabilities.schedule):
            return replace(
                row, state=DeliveryState.dead, reason=outcome.reason,
                detail=f"{row.attempts} attempts failed; the last: {outcome.detail}", lease_until=None,
            )  # fmt: skip
        case Retry():
            planned = scheduled(capabilities.schedule, row.attempts, row.key, outcome.after)
            wait = delay(row.attempts, outcome.after) if planned is None else planned
            return replace(
                row, state=DeliveryState.queued, not_before=now + wait, reason=outcome.reason,
                detail=outcome.detail, lease_until=None,
            )  # fmt: skip
        case Rejected():
            if outcome.scope is Scope.destination:
                return replace(
                    row, state=DeliveryState.queued, not_before=now + int(PARKED * SECOND),
                    reason=outcome.reason, detail=outcome.detail, lease_until=None,
                )  # fmt: skip
            return replace(
                row, state=DeliveryState.dead, reason=outcome.reason, detail=outcome.detail, lease_until=None
            )
        case _:
            wait = int(capabilities.late_apply * SECOND)
            return replace(
                row, state=DeliveryState.unknown, not_before=now + wait, reason=outcome.reason,
                detail=outcome.detail, lease_until=None, reads=0,
            )  # fmt: skip
