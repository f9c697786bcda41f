"""The outbox: one row per key, moves by compare-and-set, successors behind their predecessors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from daemon.core.delivery import FINAL, Delivery, DeliveryState
from daemon.core.errors import Refused
from daemon.core.store import DeliveryCount, Store, Tx
from tests.storage.samples import NOW, delivery_row, new_group, put

LEASED: dict[str, Any] = {"state": DeliveryState.claimed, "token": 1, "lease_until": NOW + 30_000}


async def one(store: Store) -> Delivery:
    """The newest delivery."""
    return (await store.deliveries(1)).items[0]


async def test_a_delivery_comes_back_as_it_was_put(store: Store) -> None:
    """All fields survive, with their types."""
    row = delivery_row(
        1,
        recipient="a@example.com",
        token=3,
        lease_until=NOW,
        attempts=2,
        resends=1,
        reads=1,
        attempted_at=NOW,
        ref=b"{}",
        reason="server",
        detail="502",
        waits_for=7,
        state=DeliveryState.held,
    )
    await put(store, row)
    found = await one(store)
    assert found == row
    assert type(found.state) is DeliveryState


async def test_the_same_intent_makes_one_row(store: Store) -> None:
    """A key that is there, committed or in this batch, is not put again."""
    await put(store, delivery_row(1))
    rows = [delivery_row(2, key="key1"), delivery_row(3, key="new"), delivery_row(4, key="new", payload=b"o")]
    await put(store, *rows)
    assert [row.id for row in (await store.deliveries(9)).items] == [3, 1]


async def test_compare_and_set(store: Store) -> None:
    """A claim succeeds once; whoever expects the old state or an old token changes nothing."""
    await put(store, delivery_row(1))
    claimed = delivery_row(1, **LEASED)
    wins = [
        await store.write(lambda tx: tx.delivery_changed(claimed, DeliveryState.queued, 0), NOW)
        for _ in range(2)
    ]
    assert wins == [True, False]
    stale = replace(claimed, state=DeliveryState.attempted, token=5)
    assert not await store.write(lambda tx: tx.delivery_changed(stale, DeliveryState.claimed, 5), NOW)
    assert await one(store) == claimed


async def test_a_delivery_that_is_not_there_cannot_change(store: Store) -> None:
    """A missing row is a lost comparison, not an error."""
    assert not await store.write(
        lambda tx: tx.delivery_changed(delivery_row(8), DeliveryState.queued, 0), NOW
    )


async def test_moves_within_one_batch_add_up(store: Store) -> None:
    """Two moves of a stored row, and moves of a row put in the same batch, end in the last state."""
    await put(store, delivery_row(1))

    def work(tx: Tx) -> list[bool]:
        tx.delivery(delivery_row(2))
        moved = []
        for delivery in (1, 2):
            claimed = delivery_row(delivery, **LEASED)
            attempted = replace(claimed, state=DeliveryState.attempted, attempts=1)
            moved.append(tx.delivery_changed(claimed, DeliveryState.queued, 0))
            moved.append(tx.delivery_changed(claimed, DeliveryState.queued, 0))
            moved.append(tx.delivery_changed(attempted, DeliveryState.claimed, 1))
        return moved

    assert await store.write(work, NOW) == [True, False, True] * 2
    assert {row.state for row in (await store.deliveries(9)).items} == {DeliveryState.attempted}


async def test_a_work_reads_deliveries_with_what_its_batch_holds(store: Store) -> None:
    """One by id or those of a group: committed rows, changed rows and new rows."""
    await put(store, delivery_row(1), delivery_row(2))

    def work(tx: Tx) -> tuple[list[tuple[int, str]], list[int], str, bool]:
        tx.delivery_changed(delivery_row(2, **LEASED), DeliveryState.queued, 0)
        tx.delivery(delivery_row(3))
        every = [(row.id, row.state.value) for row in tx.read_deliveries(1)]
        queued = [row.id for row in tx.read_deliveries(1, {DeliveryState.queued})]
        second = tx.read_delivery(2)
        assert second is not None
        return every, queued, second.state.value, tx.read_delivery(9) is None

    every, queued, second, missing = await store.write(work, NOW)
    assert every == [(1, "queued"), (2, "claimed"), (3, "queued")]
    assert (queued, second, missing) == ([1, 3], "claimed", True)


async def test_moves_that_the_state_machine_lacks_are_refused(store: Store) -> None:
    """`sent` is final, and a token never shrinks."""
    await put(store, delivery_row(1, state=DeliveryState.sent, token=2))
    again = delivery_row(1, state=DeliveryState.queued, token=2)
    with pytest.raises(Refused, match="cannot become"):
        await store.write(lambda tx: tx.delivery_changed(again, DeliveryState.sent, 2), NOW)
    shrunk = delivery_row(1, state=DeliveryState.sent, token=1)
    with pytest.raises(Refused, match="only grows"):
        await store.write(lambda tx: tx.delivery_changed(shrunk, DeliveryState.sent, 2), NOW)


async def test_claimable_rows_are_due_and_queued(store: Store) -> None:
    """Oldest `not_before` first; other states, later rows and other channels do not come."""
    await put(
        store,
        delivery_row(1, not_before=NOW + 1, recipient="a"),
        delivery_row(2, not_before=NOW, recipient="b"),
        delivery_row(3, not_before=NOW + 99, recipient="c"),
        delivery_row(4, recipient="d", **LEASED),
        delivery_row(5, not_before=NOW, channel="slack"),
    )
    assert [row.id for row in await store.claimable(NOW + 1, 9)] == [2, 5, 1]
    assert [row.id for row in await store.claimable(NOW + 1, 9, "x")] == [2, 1]
    assert [row.id for row in await store.claimable(NOW + 1, 1)] == [2]
    assert await store.earliest_claim() == NOW


@pytest.mark.parametrize("state", list(DeliveryState))
async def test_a_successor_waits_until_its_predecessor_opens_the_way(
    store: Store, state: DeliveryState
) -> None:
    """Order per incident, channel and recipient: final states and `held` let the next one pass."""
    await put(store, delivery_row(1, state=state, not_before=NOW + 99), delivery_row(2))
    passes = [row.id for row in await store.claimable(NOW, 9)] == [2]
    assert passes == (state in FINAL or state is DeliveryState.held)


@pytest.mark.parametrize(
    "other", [{"group": 2}, {"channel": "slack"}, {"recipient": "b"}], ids=["group", "channel", "recipient"]
)
async def test_rows_of_another_thread_do_not_wait(store: Store, other: dict[str, Any]) -> None:
    """Only the same incident, channel and recipient is a thread."""
    await put(store, delivery_row(1, **{"state": DeliveryState.unknown, **other}), delivery_row(2))
    assert [row.id for row in await store.claimable(NOW, 9)] == [2]


async def test_counts_leave_out_what_is_final(store: Store) -> None:
    """Per channel and state: how many, and since when the oldest."""
    await put(
        store,
        delivery_row(1, created_at=NOW + 5),
        delivery_row(2, created_at=NOW + 3),
        delivery_row(3, state=DeliveryState.sent),
        delivery_row(4, channel="slack", state=DeliveryState.held),
    )
    assert await store.delivery_counts() == [
        DeliveryCount("slack", DeliveryState.held, 1, NOW),
        DeliveryCount("x", DeliveryState.queued, 2, NOW + 3),
    ]


async def test_doubts_are_known_without_reading_all_rows(store: Store) -> None:
    """By group, channel and update; what this batch moves in and out of doubt counts."""
    group = await new_group(store)
    await put(store, delivery_row(1, group, update="u", state=DeliveryState.attempted, token=1),
              delivery_row(2, group, update="v", state=DeliveryState.sent))  # fmt: skip

    def asked(tx: Tx) -> list[bool]:
        return [
            tx.in_doubt(group, "x"), tx.in_doubt(group, "x", "u"), tx.in_doubt(group, "x", "v"),
            tx.in_doubt(group, "y"), tx.in_doubt(group + 1, "x"),
        ]  # fmt: skip

    def settled(tx: Tx) -> list[bool]:
        row = delivery_row(1, group, update="u", state=DeliveryState.sent, token=1)
        assert tx.delivery_changed(row, DeliveryState.attempted, 1)
        return asked(tx)

    def begun(tx: Tx) -> list[bool]:
        tx.delivery(delivery_row(3, group, update="v", state=DeliveryState.attempted))
        return asked(tx)

    assert await store.write(asked, NOW) == [True, True, False, False, False]
    assert await store.write(settled, NOW) == [False] * 5
    assert await store.write(asked, NOW) == [False] * 5
    assert await store.write(begun, NOW) == [True, False, True, False, False]
