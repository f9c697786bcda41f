"""Lists are read page by page, newest first, with a cursor that survives what is added meanwhile."""

from __future__ import annotations

import pytest

from daemon.core.delivery import DeliveryState
from daemon.core.store import Store, Tx
from tests.storage.samples import NOW, delivery_row, episode_row, new_group, put


async def test_incidents_come_by_number_page_by_page(store: Store) -> None:
    """Pending groups have no number and are no incidents; the last page has no cursor."""
    for number in (1, None, 2, 3):
        await new_group(store, number=number)
    first = await store.incidents(2)
    assert ([row.number for row in first.items], first.next) == ([3, 2], 2)
    await new_group(store, number=4)
    second = await store.incidents(2, first.next)
    assert ([row.number for row in second.items], second.next) == ([1], None)


async def test_a_page_that_ends_exactly_at_the_last_row_has_no_next(store: Store) -> None:
    """Nobody is sent to an empty page."""
    for number in (1, 2):
        await new_group(store, number=number)
    assert (await store.incidents(2)).next is None


async def test_incidents_by_phase(store: Store) -> None:
    """A filter keeps the phases that were asked for."""
    for number, phase in enumerate(("open", "resolved", "ended"), start=1):
        await new_group(store, number=number, phase=phase)
    assert [row.phase for row in (await store.incidents(9, phases={"open", "ended"})).items] == [
        "ended",
        "open",
    ]


async def test_history_begins_at_an_instant(store: Store) -> None:
    """The page asks for what opened since then."""
    for number, opened in ((1, NOW), (2, NOW + 10), (3, NOW + 20)):
        await new_group(store, number=number, opened_at=opened)
    first = await store.history(NOW + 10, 1)
    assert ([row.number for row in first.items], first.next) == ([3], 3)
    assert [row.number for row in (await store.history(NOW + 10, 5, first.next)).items] == [2]


@pytest.mark.parametrize(
    ("firing", "expected"), [(None, [3, 2, 1]), (True, [3, 1]), (False, [2])], ids=["all", "firing", "clear"]
)
async def test_alerts_by_state(store: Store, firing: bool | None, expected: list[int]) -> None:
    """Episodes can be listed firing, clear or both."""

    def work(tx: Tx) -> None:
        for episode in (1, 2, 3):
            tx.episode(episode_row(episode, 1, firing=episode != 2))

    await store.write(work, NOW)
    page = await store.alerts(10, firing=firing)
    assert [row.id for row in page.items] == expected
    below = await store.alerts(10, before=3, firing=firing)
    assert [row.id for row in below.items] == [row for row in expected if row < 3]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [4, 3, 2, 1]),
        ({"group": 1}, [2, 1]),
        ({"channel": "slack"}, [3]),
        ({"update": "u4"}, [4]),
        ({"states": {DeliveryState.sent}}, [2]),
        ({"states": {DeliveryState.sent, DeliveryState.held}}, [4, 2]),
        ({"states": {DeliveryState.queued}, "group": 1}, [1]),
        ({"before": 3}, [2, 1]),
    ],
    ids=["all", "group", "channel", "update", "final state", "states", "live state and group", "cursor"],
)
async def test_deliveries_by_filters(store: Store, filters: dict[str, object], expected: list[int]) -> None:
    """Every filter narrows the list, alone or together."""
    await put(
        store,
        delivery_row(1, 1),
        delivery_row(2, 1, state=DeliveryState.sent),
        delivery_row(3, 2, channel="slack"),
        delivery_row(4, 2, state=DeliveryState.held),
    )
    page = await store.deliveries(10, **filters)  # type: ignore[arg-type]
    assert [row.id for row in page.items] == expected


async def test_quarantine_page_by_page(store: Store) -> None:
    """Newest first, with a cursor."""
    for reason in "abc":
        await store.write(lambda tx, reason=reason: tx.quarantine("am", reason, b""), NOW)  # type: ignore[misc]
    first = await store.quarantined(2)
    assert [item.reason for item in first.items] == ["c", "b"]
    assert [item.reason for item in (await store.quarantined(2, first.next)).items] == ["a"]
