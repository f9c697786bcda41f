"""Claims on several nodes: each row has one taker, and the order of an incident is kept."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from daemon.core.clock import MINUTE, SECOND
from daemon.core.delivery import DeliveryState
from tests.storage.postgres.conftest import Nodes, Session
from tests.storage.samples import NOW, delivery_row, new_group, put

pytestmark = pytest.mark.external

LEASE = 10 * SECOND


async def test_each_row_is_claimed_once(nodes: Nodes) -> None:
    """Three nodes claim at the same time until nothing is left; each row has one token and a lease."""
    stores = [(await nodes()).store for _ in range(3)]
    await put(stores[0], *(delivery_row(number, group=number) for number in range(1, 91)))
    taken: Counter[int] = Counter()

    async def worker(which: int) -> int:
        count = 0
        while rows := await stores[which].claim("x", NOW, 2, LEASE):
            assert len(rows) <= 2
            for row in rows:
                assert (row.state, row.token, row.lease_until) == (DeliveryState.claimed, 1, NOW + LEASE)
                taken[row.id] += 1
                count += 1
        return count

    shares = await asyncio.gather(*(worker(which % 3) for which in range(6)))
    assert taken == Counter(range(1, 91))
    assert sum(share > 0 for share in shares) > 1


@pytest.mark.parametrize("analysed", [False, True])
async def test_a_claim_takes_no_more_than_its_limit(nodes: Nodes, session: Session, analysed: bool) -> None:
    """Whatever plan the server makes of it."""
    store = (await nodes()).store
    await put(store, *(delivery_row(number, group=number) for number in range(1, 301)))
    if analysed:
        await session.execute("ANALYZE deliveries")
    assert [len(await store.claim("x", NOW, 1, LEASE)) for _ in range(20)] == [1] * 20


async def test_rows_that_somebody_works_on_are_passed_over(nodes: Nodes, session: Session) -> None:
    """No claim waits for a lock."""
    store = (await nodes()).store
    await put(store, *(delivery_row(number, group=number) for number in range(1, 5)))
    await session.execute("BEGIN; SELECT 1 FROM deliveries WHERE id IN (1, 3) FOR UPDATE")
    assert [row.id for row in await store.claim("x", NOW, 9, LEASE)] == [2, 4]
    await session.execute("ROLLBACK")
    assert [row.id for row in await store.claim("x", NOW, 9, LEASE)] == [1, 3]


async def test_the_order_of_an_incident_is_kept_over_nodes(nodes: Nodes) -> None:
    """A later post waits until the one before is at rest, whoever has that in hand."""
    one, two = (await nodes()).store, (await nodes()).store
    group = await new_group(one)
    await put(one, *(delivery_row(number, group=group) for number in (1, 2, 3)))
    (first,) = await one.claim("x", NOW, 9, LEASE)
    assert first.id == 1
    assert await two.claim("x", NOW, 9, LEASE) == []
    tried = replace(first, state=DeliveryState.attempted)
    assert await one.write(lambda tx: tx.delivery_changed(tried, DeliveryState.claimed, first.token), NOW)
    assert await two.claim("x", NOW, 9, LEASE) == []
    sent = replace(tried, state=DeliveryState.sent)
    assert await one.write(lambda tx: tx.delivery_changed(sent, DeliveryState.attempted, first.token), NOW)
    assert [row.id for row in await two.claim("x", NOW, 9, LEASE)] == [2]
    assert await one.claim("x", NOW + MINUTE, 9, LEASE) == []


async def test_a_stale_token_changes_nothing(nodes: Nodes) -> None:
    """Once somebody else has freed the row, its old taker has lost it."""
    one, two = (await nodes()).store, (await nodes()).store
    await put(one, delivery_row(1))
    (mine,) = await one.claim("x", NOW, 1, LEASE)
    free = replace(mine, state=DeliveryState.queued, token=mine.token + 1)
    assert await two.write(lambda tx: tx.delivery_changed(free, DeliveryState.claimed, mine.token), NOW)
    (theirs,) = await two.claim("x", NOW, 1, LEASE)
    assert theirs.token > mine.token
    tried = replace(mine, state=DeliveryState.attempted)
    assert not await one.write(lambda tx: tx.delivery_changed(tried, DeliveryState.claimed, mine.token), NOW)
    tried = replace(theirs, state=DeliveryState.attempted)
    assert await two.write(lambda tx: tx.delivery_changed(tried, DeliveryState.claimed, theirs.token), NOW)


async def test_what_a_work_has_read_cannot_be_claimed_under_it(nodes: Nodes) -> None:
    """A post is superseded or sent, never both."""
    one, two = (await nodes()).store, (await nodes()).store
    for number in range(1, 31):
        await put(one, delivery_row(number, group=number))
        row = delivery_row(number, group=number, state=DeliveryState.superseded)
        moved, claimed = await asyncio.gather(
            one.write(
                lambda tx, row=row: tx.delivery_changed(row, DeliveryState.queued, 0),  # type: ignore[misc]
                NOW,
            ),
            two.claim("x", NOW, 9, LEASE),
        )
        assert moved is not bool(claimed)
