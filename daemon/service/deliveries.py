"""The outbox's transactions: claim with intent, record what happened, settle doubts.

Each move is a compare-and-set on id, state and token; the journal hears of it in
the same transaction (reliability: intent before effect).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import msgspec

from daemon.core import journal as j
from daemon.core.clock import SECOND, Instant, Span
from daemon.core.delivery import MAY_BE_THERE, Delivery, DeliveryState
from daemon.core.errors import NotFound, Refused
from daemon.core.ports import Capabilities, Outcome, Ref, Rejected, Retry, Scope, Sent
from daemon.core.retry import delay
from daemon.service.desk import Desk, Work

PARKED: Span = 300 * SECOND
"""How long a destination rests after it refused our credentials, before it is tried again."""

READS_NEEDED = 2  # read-backs that must both find nothing before "not there" counts
LONGEST_DOUBT = 5  # read-backs that could not tell, before a person decides

GONE = "the channel is no longer configured"
DOUBT_OR_END = frozenset({DeliveryState.unknown, DeliveryState.held, DeliveryState.dead})


class DeliveryDesk:
    """Every move of a delivery."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def attempt(self, rows: list[Delivery], lease: Span) -> list[Delivery]:
        """Claim rows and commit the intent to send; returns those that are ours now."""

        def job(work: Work) -> list[Delivery]:
            ours = []
            for row in rows:
                claimed = replace(
                    row, state=DeliveryState.claimed, token=row.token + 1, lease_until=work.tx.now + lease
                )
                if not work.tx.delivery_changed(claimed, DeliveryState.queued, row.token):
                    continue
                tried = replace(
                    claimed,
                    state=DeliveryState.attempted,
                    attempts=row.attempts + 1,
                    attempted_at=work.tx.now,
                )
                if work.tx.delivery_changed(tried, DeliveryState.claimed, claimed.token):
                    ours.append(tried)
            self._tell(work, ours)
            return ours

        return await self.desk.work(job, weight=len(rows))

    async def record(self, row: Delivery, outcome: Outcome, capabilities: Capabilities) -> Delivery:
        """Write down how an attempt ended."""
        now = self.desk.clock.now()
        after = _after(row, outcome, capabilities, now)

        def job(work: Work) -> Delivery:
            if not work.tx.delivery_changed(after, DeliveryState.attempted, row.token):
                raise Refused(f"delivery {row.id} has moved on without this worker")
            self._tell(work, [after])
            if isinstance(outcome, Rejected) and outcome.scope is Scope.destination:
                self._turn(work, row.channel, down=True)
            elif isinstance(outcome, Sent):
                self._turn(work, row.channel, down=False)
            return after

        return await self.desk.work(job)

    def _turn(self, work: Work, channel: str, *, down: bool) -> None:
        """Tell live groups that a destination refuses us, or takes posts again."""
        memory = self.desk.memory
        for group in sorted({*memory.live.values(), *memory.opened_by_people}):
            state = memory.states.get(group)
            view = state.channels.get(channel) if state is not None else None
            if state is not None and view is not None and view.down is not down:
                work.settle(work.state(group), [j.ChannelTurned(channel, down)])

    async def settle_doubt(self, row: Delivery, after: Delivery) -> None:
        """Move a row out of ``unknown``."""

        def job(work: Work) -> None:
            if work.tx.delivery_changed(after, DeliveryState.unknown, row.token):
                self._tell(work, [after])

        await self.desk.work(job)

    async def answer_held(self, delivery: int, answer: str, who: str, reference: str = "") -> Delivery:
        """A person's word about a row: ``confirm`` (it is there) or ``drop`` a held one, ``resend`` it.

        A dead one can be resent too: people replay what they have put right.
        """
        targets = {
            "confirm": DeliveryState.sent, "resend": DeliveryState.queued, "drop": DeliveryState.dead,
        }  # fmt: skip

        def job(work: Work) -> Delivery:
            row = work.tx.read_delivery(delivery)
            if row is None:
                raise NotFound(f"there is no delivery {delivery}")
            if row.state is not DeliveryState.held and (answer, row.state) != ("resend", DeliveryState.dead):
                raise Refused(f"delivery {delivery} is {row.state}, not held: there is nothing to decide")
            if answer == "resend" and _was_passed(work, row):
                raise Refused(f"newer posts went past delivery {delivery}: confirm it or drop it")
            ref = msgspec.json.encode(Ref({"confirmed": reference})) if answer == "confirm" else row.ref
            after = replace(row, state=targets[answer], not_before=work.tx.now, ref=ref, resends=0)
            work.tx.delivery_changed(after, row.state, row.token)
            self._tell(work, [after], who)
            return after

        return await self.desk.work(job)

    async def bury(self) -> int:
        """At start: what waits for a channel that is gone ends, and people hear of it.

        They can send it again (``resend``) once the channel is configured anew.
        """
        waiting: list[Delivery] = []
        before: int | None = None
        while True:
            page = await self.desk.store.deliveries(500, before, states={DeliveryState.queued})
            waiting += [row for row in page.items if row.channel not in self.desk.channels]
            before = page.next
            if before is None:
                break

        def job(work: Work) -> int:
            buried = [replace(row, state=DeliveryState.dead, reason="other", detail=GONE) for row in waiting]
            moved = [row for row in buried if work.tx.delivery_changed(row, DeliveryState.queued, row.token)]
            self._tell(work, moved)
            return len(moved)

        return await self.desk.work(job, weight=len(waiting)) if waiting else 0

    async def recover(self, states: Collection[DeliveryState], quarantine: dict[str, Span]) -> int:
        """At start: the process before is dead (the store's lock proves it).

        What it had claimed is queued again; what it had attempted is in doubt,
        and only the provider's own lateness is left of the quarantine.
        """
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

    def _recover(self, work: Work, rows: list[Delivery], quarantine: dict[str, Span]) -> None:
        moved = []
        for row in rows:
            if row.state is DeliveryState.claimed:
                after = replace(row, state=DeliveryState.queued, token=row.token + 1)
            else:
                wait = quarantine.get(row.channel, 60 * SECOND)
                after = replace(
                    row, state=DeliveryState.unknown, token=row.token + 1, reason="other",
                    detail="the daemon stopped in the middle", not_before=work.tx.now + wait,
                )  # fmt: skip
            if work.tx.delivery_changed(after, row.state, row.token):
                moved.append(after)
        self._tell(work, moved)

    def _tell(self, work: Work, rows: list[Delivery], who: str = "") -> None:
        """Journal the moves.

        Rows of one update to many recipients are one notice per state, and a
        recipient's trouble is never taken for the channel's.
        """
        groups: dict[int, list[j.Entry]] = {}
        for row in rows:
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
        if row.state is not DeliveryState.queued:
            return False
        others = work.tx.read_deliveries(row.group, MAY_BE_THERE)
        return not any(one.update == row.update and one.channel == row.channel for one in others)


def _was_passed(work: Work, row: Delivery) -> bool:
    """Whether a later post to the same place has gone out: an old one after it would confuse."""
    later = work.tx.read_deliveries(row.group, {DeliveryState.sent})
    return any(
        (one.channel, one.recipient) == (row.channel, row.recipient) and one.sequence > row.sequence
        for one in later
    )


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
        case Retry():
            wait = delay(row.attempts, outcome.after)
            return replace(
                row, state=DeliveryState.queued, not_before=now + wait, reason=outcome.reason,
                detail=outcome.detail, lease_until=None,
            )  # fmt: skip
        case Rejected():
            if outcome.scope is Scope.destination:
                return replace(
                    row, state=DeliveryState.queued, not_before=now + PARKED, reason=outcome.reason,
                    detail=outcome.detail, lease_until=None,
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
