"""One attempt and its worker: intent, deadline, lease, and a worker that comes back from the dead.

The stalls are made where the machine could make them: between the commit of the
intent and the call, and between the answer and its record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import replace

import pytest

from daemon.core.clock import SECOND
from daemon.core.delivery import Delivery, DeliveryState
from daemon.core.errors import Unavailable
from daemon.core.ports import Capabilities, NotThere, Outcome, Payload, Reason, Ref, Rejected, Sent, Unknown
from daemon.outbox import CLAIM, DEADLINE, ENOUGH, LEASE, Outbox
from tests.stories.house import House

LATE = 60 * SECOND  # how long the house's providers may still apply a call


def outbox(house: House, channel: str) -> Outbox:
    return next(one for one in house.outboxes if one.channel.name == channel)


async def only(house: House, channel: str) -> Delivery:
    """The channel's one row."""
    (row,) = (await house.store.deliveries(9, channel=channel)).items
    return row


async def queued(house: House, channel: str = "mail") -> Delivery:
    """An open incident whose first post on that channel has not been tried."""
    house.outboxes = [one for one in house.outboxes if one.channel.name != channel]
    await house.alert()
    await house.forward(1)
    house.make_outboxes()
    return await only(house, channel)


def stall(house: House, monkeypatch: pytest.MonkeyPatch, span: int, then: Callable[[], object]) -> list[int]:
    """The next worker stands still for ``span`` after its intent was committed, as SIGSTOP would have it."""
    attempt = house.deliveries.attempt
    stalled: list[int] = []

    async def stopped(rows: list[Delivery], lease: int) -> list[Delivery]:
        ours = await attempt(rows, lease)
        if ours and not stalled:
            stalled.append(span)
            house.clock.advance(span)
            then()
        return ours

    monkeypatch.setattr(house.deliveries, "attempt", stopped)
    return stalled


async def test_the_intent_is_committed_before_the_call(house: House) -> None:
    """I5: while the channel is called, the row is ``attempted`` on disk with its token and lease."""
    await queued(house)
    seen: list[Delivery] = []
    mail = house.speakers["mail"]
    send = mail.send

    async def looking(payload: Payload, parent: Ref | None, key: str) -> Outcome:
        seen.append(await only(house, "mail"))
        return await send(payload, parent, key)

    mail.send = looking  # type: ignore[method-assign]  # this one speaker looks at the store first
    await outbox(house, "mail").step()
    (row,) = seen
    assert (row.state, row.token, row.attempts) == (DeliveryState.attempted, 1, 1)
    assert row.lease_until == house.clock.now() + LEASE
    assert (await only(house, "mail")).state is DeliveryState.sent


@pytest.mark.parametrize(("left", "calls"), [(ENOUGH + 1, 1), (ENOUGH - 1, 0), (-5.0, 0)])
async def test_a_commit_that_took_too_long_sends_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, left: float, calls: int
) -> None:
    """Rule 2: the deadline runs from before the commit; too late is proof that nothing left."""
    await queued(house)
    stall(house, monkeypatch, int((DEADLINE - left) * SECOND), lambda: None)
    await outbox(house, "mail").step()
    assert len(house.heard("mail")) == calls
    row = await only(house, "mail")
    assert row.state is (DeliveryState.sent if calls else DeliveryState.queued)
    await house.forward(1)
    assert len(house.heard("mail")) == 1
    assert (await only(house, "mail")).attempts == 2 - calls


async def test_the_parent_is_looked_up_before_the_intent(house: House) -> None:
    """Nothing waits between the look at the clock and the call: no question to the store comes after it."""
    await queued(house, "mail")
    mail = house.speakers["mail"]
    mail.capabilities = replace(mail.capabilities, threads=True)
    order: list[str] = []
    deliveries, attempt, send = house.store.deliveries, house.deliveries.attempt, mail.send

    async def asked(*args: object, **wanted: object) -> object:
        order.append("store")
        return await deliveries(*args, **wanted)  # type: ignore[arg-type]  # handed on as they came

    async def intended(rows: list[Delivery], lease: int) -> list[Delivery]:
        ours = await attempt(rows, lease)
        order.append("intent")
        return ours

    async def called(payload: Payload, parent: Ref | None, key: str) -> Outcome:
        order.append("call")
        return await send(payload, parent, key)

    mail.send = called  # type: ignore[method-assign]  # as above
    house.store.deliveries = asked  # type: ignore[method-assign,assignment]  # this one store notes who asks
    house.deliveries.attempt = intended  # type: ignore[method-assign]  # and when the intent was there
    await outbox(house, "mail").step()
    assert order == ["store", "intent", "call"]


async def test_row_10_a_worker_stopped_past_its_lease_does_not_call(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others take its row over; when it goes on, it neither calls nor changes the row."""
    x = house.speakers["x"]
    x.found = [NotThere(), NotThere()]
    await house.alert()
    await house.forward(125)  # X waits for its veto
    stalled = stall(house, monkeypatch, LEASE + SECOND, lambda: None)
    taken: list[DeliveryState] = []
    attempt = house.deliveries.attempt

    async def overtaken(rows: list[Delivery], lease: int) -> list[Delivery]:
        ours = await attempt(rows, lease)
        if stalled and not taken:
            await house.reconciler.step()
            taken.append((await only(house, "x")).state)
        return ours

    monkeypatch.setattr(house.deliveries, "attempt", overtaken)
    await house.forward(1)
    assert taken == [DeliveryState.unknown]
    assert x.heard == []
    row = await only(house, "x")
    assert (row.state, row.token, row.attempts) == (DeliveryState.unknown, 2, 1)
    await house.forward(3)
    assert (await only(house, "x")).state is DeliveryState.sent
    assert len(x.heard) == 1


async def test_two_workers_for_one_row(house: House) -> None:
    """Both have read it as queued: one gets it, the other goes home."""
    row = await queued(house)
    both = [await house.deliveries.attempt([row], LEASE) for _ in range(2)]
    assert [len(ours) for ours in both] == [1, 0]


async def test_a_claimed_row_is_attempted_with_its_token_alone(house: House) -> None:
    """On a shared store rows come claimed; whoever has an older token gets nothing."""
    row = await queued(house)
    claimed = replace(row, state=DeliveryState.claimed, token=1, lease_until=house.clock.now() + CLAIM)
    await house.desk.work(lambda work: work.tx.delivery_changed(claimed, DeliveryState.queued, 0))
    assert await house.deliveries.attempt([replace(claimed, token=0)], LEASE) == []
    (ours,) = await house.deliveries.attempt([claimed], LEASE)
    assert (ours.state, ours.token, ours.lease_until) == ("attempted", 1, house.clock.now() + LEASE)


async def test_a_claim_whose_worker_died_is_free_again(house: House) -> None:
    """Nothing had left: ``claimed`` goes back to the queue when its lease ends, with a new token."""
    row = await queued(house)
    claimed = replace(row, state=DeliveryState.claimed, token=1, lease_until=house.clock.now() + CLAIM)
    await house.desk.work(lambda work: work.tx.delivery_changed(claimed, DeliveryState.queued, 0))
    house.clock.advance(CLAIM - 1)
    assert not await house.reconciler.step()
    house.clock.advance(1)
    assert await house.reconciler.step()
    row = await only(house, "mail")
    assert (row.state, row.token, row.attempts) == (DeliveryState.queued, 2, 0)
    await house.settle()
    assert len(house.heard("mail")) == 1


async def test_an_attempt_whose_worker_died_is_in_doubt_for_its_quarantine(house: House) -> None:
    """After the lease, and not before the provider's own lateness has passed too."""
    row = await queued(house)
    await house.deliveries.attempt([row], LEASE)
    house.clock.advance(LEASE - 1)
    assert not await house.reconciler.step()
    house.clock.advance(1)
    assert await house.reconciler.step()
    row = await only(house, "mail")
    assert (row.state, row.token) == (DeliveryState.unknown, 2)
    assert row.not_before == house.clock.now() + LATE
    house.clock.advance(LATE - 1)
    await house.settle()
    assert (await only(house, "mail")).state is DeliveryState.unknown
    assert house.heard("mail") == []
    house.clock.advance(1)
    await house.settle()
    assert len(house.heard("mail")) == 1, "mail is sent once more out of a doubt"


class Away:
    """A store that is away for a while: whatever would be written is refused."""

    def __init__(self, house: House) -> None:
        self.house, self.away = house, False
        self.refused = asyncio.Event()
        self._write = house.store.write
        house.store.write = self._or_not  # type: ignore[method-assign,assignment]  # the house's one store

    async def _or_not(self, *args: object, **named: object) -> object:
        if self.away:
            self.refused.set()
            raise Unavailable("the store is away")
        return await self._write(*args, **named)  # type: ignore[arg-type]  # handed on as they came


ENDS: list[tuple[Outcome, str, int]] = [
    (Sent(Ref({"id": "9"})), "sent", 1),
    (Rejected(Reason.content, "no"), "unknown", 0),
    (Unknown(Reason.timeout), "unknown", 0),
]


@pytest.mark.parametrize(("outcome", "state", "heard"), ENDS)
async def test_an_answer_that_could_not_be_written_down_in_time(
    house: House, outcome: Outcome, state: str, heard: int
) -> None:
    """The store is away past the lease: the row is taken over; proof of this very attempt still counts."""
    await queued(house)
    house.speakers["mail"].answers = [outcome]
    store = Away(house)
    mail = house.speakers["mail"]
    send = mail.send

    async def then_away(payload: Payload, parent: Ref | None, key: str) -> Outcome:
        store.away = True
        return await send(payload, parent, key)

    mail.send = then_away  # type: ignore[method-assign]  # the store goes while the channel is called
    working = asyncio.create_task(outbox(house, "mail").step())
    await store.refused.wait()
    store.away = False
    house.clock._now += LEASE  # time passes and the worker, which sleeps, is not woken yet
    assert await house.reconciler.step()
    assert (await only(house, "mail")).state is DeliveryState.unknown
    house.clock.advance(SECOND)
    assert await working, "its loop goes on"
    row = await only(house, "mail")
    assert (row.state, row.token) == (state, 2)
    assert len(house.heard("mail")) == heard
    mail.send = send  # type: ignore[method-assign]  # the store stays
    await house.forward(3)
    assert len(house.heard("mail")) == 1
    assert (await only(house, "mail")).state is DeliveryState.sent


async def test_a_late_answer_of_an_older_attempt_settles_nothing(house: House) -> None:
    """Meanwhile the row went through its doubt and was attempted again: only the token's owner writes."""
    row = await queued(house)
    (first,) = await house.deliveries.attempt([row], LEASE)
    house.clock.advance(LEASE)
    await house.reconciler.step()
    house.clock.advance(LATE)
    await house.reconciler.step()
    (second,) = await house.deliveries.attempt([await only(house, "mail")], LEASE)
    capabilities = Capabilities("email")
    assert await house.deliveries.record(first, Sent(Ref({"id": "1"})), capabilities) is None
    assert (await only(house, "mail")).state is DeliveryState.attempted
    house.clock.advance(LEASE)
    await house.reconciler.step()
    assert await house.deliveries.record(first, Sent(Ref({"id": "1"})), capabilities) is None
    assert (await only(house, "mail")).state is DeliveryState.unknown
    settled = await house.deliveries.record(second, Sent(Ref({"id": "2"})), capabilities)
    assert settled is not None
    assert settled.state is DeliveryState.sent


async def test_a_start_on_a_shared_store_takes_nothing_from_others(house: House) -> None:
    """Only a store's lock proves that the process before is dead; else the leases must end."""
    row = await queued(house)
    await house.deliveries.attempt([row], LEASE)

    def names() -> Collection[DeliveryState]:
        return {DeliveryState.claimed, DeliveryState.attempted}

    type(house.store).exclusive = property(lambda _: False)  # type: ignore[method-assign,assignment]
    try:
        assert await house.deliveries.recover(names(), {}) == 0
    finally:
        type(house.store).exclusive = property(lambda _: True)  # type: ignore[method-assign,assignment]
    assert (await only(house, "mail")).state is DeliveryState.attempted
    assert await house.deliveries.recover(names(), {}) == 1
