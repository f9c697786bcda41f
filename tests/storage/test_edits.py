"""Deliveries that change a post: beside the posts' order, never in its way; on both stores."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from daemon.core.clock import SECOND
from daemon.core.delivery import Delivery, DeliveryState
from daemon.core.store import Store, Tx
from daemon.storage.restoration import hold
from tests.storage.samples import NOW, begin, delivery_row, new_group, put

LEASE = 10 * SECOND


def edit(delivery: int, post: int = 1, **changes: Any) -> Delivery:
    return delivery_row(delivery, edits=post, **changes)


async def claim(store: Store, *, edits: bool = True, channel: str = "x") -> list[int]:
    """What can be claimed; given back at once."""
    rows = await store.claim(channel, NOW, 9, LEASE, edits=edits)

    def give_back(tx: Tx) -> None:
        for row in rows:
            if row.state is DeliveryState.claimed:
                free = replace(row, state=DeliveryState.queued, lease_until=None)
                assert tx.delivery_changed(free, DeliveryState.claimed, row.token)

    await store.write(give_back, NOW)
    return [row.id for row in rows]


def _move(row: Delivery, after: Delivery, tx: Tx) -> bool:
    return tx.delivery_changed(after, row.state, row.token)


async def move(store: Store, row: Delivery, *states: DeliveryState) -> Delivery:
    """Walk a row along the arrows."""
    for state in states:
        after = replace(row, state=state, token=row.token + (state is DeliveryState.claimed))
        assert await store.write(partial(_move, row, after), NOW)
        row = after
    return row


async def test_an_edit_comes_back_as_it_was_put(store: Store) -> None:
    """What it edits is kept, and lists can leave edits out or show them alone."""
    await new_group(store)
    post, change = delivery_row(1, state=DeliveryState.sent), edit(2)
    await put(store, post, change)
    assert (await store.deliveries(9)).items == [change, post]
    assert (await store.deliveries(9, edits=True)).items == [change]
    assert (await store.deliveries(9, edits=False, channel="x")).items == [post]


async def test_a_work_reads_posts_or_edits(store: Store) -> None:
    """Whoever asks for a group's deliveries gets posts, unless it says otherwise; buffered ones too."""

    def work(tx: Tx) -> tuple[list[int], list[int]]:
        tx.delivery(edit(3))
        posts, edits = tx.read_deliveries(1), tx.read_deliveries(1, {DeliveryState.queued}, edits=True)
        assert tx.read_deliveries(1, channel="x", edits=True) == edits
        assert tx.read_deliveries(1, channel="y", edits=True) == []
        return [row.id for row in posts], [row.id for row in edits]

    await new_group(store)
    await put(store, delivery_row(1), edit(2))
    assert await store.write(work, NOW) == ([1], [2, 3])


@pytest.mark.parametrize("state", list(DeliveryState), ids=str)
async def test_an_edit_goes_once_the_fate_of_its_post_is_final(store: Store, state: DeliveryState) -> None:
    """While its post may still come it waits; and no post ever waits for it."""
    await new_group(store)
    await put(store, delivery_row(1, state=state), edit(2), delivery_row(3))
    final = state in {"sent", "dead", "superseded", "expired"}
    assert await claim(store) == ([2] if final else [])
    expected = [3] if final or state is DeliveryState.held else [1] if state is DeliveryState.queued else []
    assert await claim(store, edits=False) == expected
    assert [row.id for row in await store.claimable(NOW, 9)] == expected


async def test_one_edit_of_a_post_at_a_time(store: Store) -> None:
    """What is in hand of the same post keeps others back; another post's, or channel's, does not."""
    await new_group(store)
    await new_group(store)
    await put(
        store, delivery_row(1, state=DeliveryState.sent), delivery_row(2, 2, state=DeliveryState.sent),
        edit(3), edit(4), edit(5, 2, group=2), edit(6, channel="y"), edit(7, not_before=NOW + 1),
    )  # fmt: skip
    assert await claim(store) == [3, 4, 5]
    first = next(row for row in (await store.deliveries(9, edits=True)).items if row.id == 3)
    held = await move(store, first, DeliveryState.claimed)
    assert await claim(store) == [5]
    held = await move(store, held, DeliveryState.attempted)
    assert await claim(store) == [5]
    await move(store, held, DeliveryState.sent)
    assert await claim(store) == [4, 5]
    assert await claim(store, channel="y") == [6]


async def test_edits_are_not_counted_among_what_waits(store: Store) -> None:
    """Alarms look at posts that wait; an edit that does keeps nobody from hearing anything."""
    await new_group(store)
    await put(store, delivery_row(1), edit(2))
    assert [(row.channel, row.count) for row in await store.delivery_counts()] == [("x", 1)]


async def test_a_restore_drops_edits(store: Store) -> None:
    """The post may show something newer than the copy knows: nothing is held, nobody is told."""
    await store.write(begin, NOW)
    await put(store, delivery_row(1, state=DeliveryState.sent), edit(2), delivery_row(3), edit(4), edit(5))
    rows = {row.id: row for row in (await store.deliveries(9)).items}
    await move(store, rows[4], DeliveryState.claimed)
    await move(store, rows[5], DeliveryState.claimed, DeliveryState.attempted)
    assert await hold(store, NOW) == 1
    found = {row.id: row.state.value for row in (await store.deliveries(9)).items}
    assert found == {1: "sent", 2: "superseded", 3: "held", 4: "superseded", 5: "superseded"}
    assert len(await store.journal(1)) == 2
