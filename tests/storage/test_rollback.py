"""What fails leaves no trace, names whose memory is wrong, and never hurts its neighbours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from daemon.core.errors import BadInput, Refused
from daemon.core.journal import Created, Heard, Recorded
from daemon.core.store import GroupRow, Store, Tx
from tests.storage.conftest import DATABASES, OPENERS, AnyOpen
from tests.storage.samples import NOW, begin, delivery_row, episode_row, group_row, hear, new_group


@pytest.fixture(params=DATABASES)
def open_any(request: pytest.FixtureRequest) -> AnyOpen:
    """Stores that have batches: the one in memory writes each work by itself."""
    opener: AnyOpen = request.getfixturevalue(OPENERS[request.param])
    return opener


def listen(store: Store) -> list[frozenset[int]]:
    told: list[frozenset[int]] = []
    store.on_rollback(told.append)
    return told


def poison(tx: Tx) -> None:
    """Rows that pass every check here and that the database itself refuses."""
    begin(tx, public_id="public000001")
    tx.episode(episode_row(1, 1))
    tx.episode(episode_row(1, 1))


async def together(store: Store, *works: Callable[[Tx], object]) -> list[object]:
    """Run works so that they end up in one batch."""
    return await asyncio.gather(*(store.write(work, NOW) for work in works), return_exceptions=True)


async def test_a_work_that_raises_is_undone_alone(store: Store) -> None:
    """Its ids, number, entries, rows and keys are free again; the next work in the batch uses them."""
    told = listen(store)

    def bad(tx: Tx) -> None:
        group = begin(tx)
        tx.next_number()
        tx.episode(episode_row(tx.next_id("episode"), group))
        tx.delivery(delivery_row(tx.next_id("delivery")))
        tx.quarantine("am", "x", b"")
        tx.rules_version("v", NOW, "x", [])
        raise Refused("no")

    def good(tx: Tx) -> tuple[int, int, int]:
        delivery = tx.next_id("delivery")
        tx.delivery(delivery_row(delivery))
        return begin(tx), tx.next_number(), delivery

    refused, result = await together(store, bad, good)
    assert isinstance(refused, Refused)
    assert result == (1, 1, 1)
    assert [row.id for row in (await store.deliveries(9)).items] == [1]
    assert told == [frozenset({1})]
    assert [len(await store.journal(1)), len((await store.alerts(9)).items)] == [1, 0]
    assert (await store.quarantined(9)).items == []
    assert await store.rules_versions() == []
    assert store.stats()["commits"] == 1


async def test_the_row_of_an_earlier_work_stands_when_a_later_one_raises(store: Store) -> None:
    """Undoing the second change of a group brings the first back."""

    def bad(tx: Tx) -> None:
        tx.journal(1, Recorded(2, NOW, Heard()))
        tx.group(group_row(1, title="second"))
        raise Refused("no")

    await together(store, lambda tx: begin(tx, title="first"), bad)
    row = await store.group_by_id(1)
    assert row is not None
    assert (row.title, row.sequence) == ("first", 1)
    assert (await store.verify_chain(1)).good


async def test_memory_that_was_dropped_can_be_read_again_in_the_same_batch(store: Store) -> None:
    """After an undone neighbour, the next work finds what is still going to be committed."""

    def bad(tx: Tx) -> None:
        tx.journal(1, Recorded(2, NOW, Heard()))
        raise Refused("no")

    _, _, sequences = await together(
        store, begin, bad, lambda tx: [entry.sequence for entry in tx.read_group_journal(1)]
    )
    assert sequences == [1]


async def test_touched_groups_are_named_even_without_a_row(store: Store) -> None:
    """A caller that changes memory before it writes says so itself."""
    told = listen(store)

    def bad(tx: Tx) -> None:
        tx.touch(7)
        raise Refused("no")

    await together(store, bad)
    assert told == [frozenset({7})]


async def test_rows_that_the_database_refuses_hurt_their_work_alone(store: Store) -> None:
    """The batch is halved until the culprit stands alone; all others are stored, in their order."""
    told = listen(store)
    await new_group(store)
    works: list[Callable[[Tx], object]] = [begin] * 9
    works.insert(4, poison)
    results = await together(store, *works)
    culprit = results.pop(4)
    assert isinstance(culprit, BadInput)
    assert "refuses" in str(culprit)
    assert sorted(results) == list(range(2, 11))  # type: ignore[type-var]
    assert len(await store.open_groups()) == 10
    assert (await store.alerts(9)).items == []
    assert told[0] == frozenset(range(1, 12))


@pytest.mark.parametrize(
    "title", ["lone surrogate \ud800", 2**70], ids=["surrogate", "number beyond 64 bits"]
)
async def test_values_that_cannot_be_bound_are_poison_too(store: Store, title: object) -> None:
    """The driver refuses them before SQL runs; neighbours are safe all the same."""
    results = await together(store, lambda tx: begin(tx, title=title), begin)
    assert isinstance(results[0], BadInput)
    assert results[1] == 1
    assert len(await store.open_groups()) == 1


async def test_an_entry_with_a_surrogate_is_refused_at_once(store: Store) -> None:
    """The body is made when the work runs, so its caller is blamed without a second try."""
    entry = Created(public_id="\ud800", rules="r")
    with pytest.raises(BadInput, match="created cannot be stored"):
        await store.write(lambda tx: tx.journal(1, Recorded(1, NOW, entry)), NOW)
    assert store.stats()["rollbacks"] == 0


async def test_a_row_that_cannot_be_made_is_its_own_works_fault(store: Store) -> None:
    """When ``make`` raises, the caller gets that exception, and the neighbours are stored."""

    def broken(tx: Tx) -> GroupRow:
        raise Refused("cannot render")

    def promise(tx: Tx) -> None:
        tx.group_later(begin(tx), broken)

    results = await together(store, promise, begin)
    assert isinstance(results[0], Refused)
    assert [row.id for row in await store.open_groups()] == [1]


async def test_a_batch_that_was_undone_never_counts_as_committed(store: Store) -> None:
    """Batch numbers are not used twice."""
    numbers: list[int] = []

    def note(tx: Tx) -> None:
        numbers.append(tx.batch)
        begin(tx)

    await new_group(store)
    await together(store, note, poison)
    assert len(numbers) == 2
    assert numbers[0] < numbers[1] <= store.committed


async def test_a_transaction_is_useless_after_its_work(store: Store) -> None:
    """A ``Tx`` that was kept fails instead of writing into nothing."""
    kept = await store.write(lambda tx: tx, NOW)
    with pytest.raises(AttributeError):
        kept.next_id("group")


async def test_a_cancelled_caller_that_still_waits_in_the_queue_stores_nothing(store: Store) -> None:
    """Work that nobody waits for any more is not begun."""

    def first(tx: Tx) -> int:
        waiting.cancel()
        return begin(tx)

    running = asyncio.create_task(store.write(first, NOW, weight=2_000))
    waiting = asyncio.create_task(store.write(begin, NOW))
    await asyncio.wait({running, waiting})
    assert waiting.cancelled()
    assert await new_group(store) == 2
    assert len(await store.open_groups()) == 2


async def test_work_goes_on_after_trouble(store: Store) -> None:
    """The next write after a refused one is an ordinary one."""
    await new_group(store)
    await together(store, poison)
    await hear(store, 1, 2)
    assert (await store.verify_chain(1)).entries == 2


async def test_a_lost_batch_is_told_before_its_groups(store: Store) -> None:
    """A batch that the database refuses is named as a whole; a work that merely raises is not."""
    lost: list[int] = []
    store.on_lost_batch(lost.append)

    def bad(tx: Tx) -> None:
        begin(tx)
        raise Refused("no")

    await together(store, bad)
    assert lost == []
    await together(store, poison)
    assert lost


async def test_notes_come_back_and_can_be_forgotten(store: Store) -> None:
    """A note is what was written last; an empty one is none; it never hides the store's own secret."""
    secret = store.secret
    for value in (b"one", b"two"):
        await store.write(lambda tx, value=value: tx.note("secret", value), NOW)  # type: ignore[misc]
    assert await store.noted("secret") == b"two"
    assert await store.noted("other") is None
    await store.write(lambda tx: tx.note("secret", b""), NOW)
    assert await store.noted("secret") is None
    assert store.secret == secret


async def test_the_shelf_of_raw_bodies_is_bounded(store: Store) -> None:
    """Only the newest are kept, as many as was said."""

    def put(tx: Tx) -> None:
        tx.quarantine("am", "not JSON", b"{")
        tx.trim_quarantine(3)

    for _ in range(5):
        await store.write(put, NOW)
    assert [one.id for one in (await store.quarantined(9)).items] == [5, 4, 3]
