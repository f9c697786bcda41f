"""What every store keeps of bounces and of recipients who get no more mail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daemon.core.store import Store, Tx
from daemon.core.suppression import Bounce, Suppression
from tests.storage.conftest import AnyOpen
from tests.storage.samples import NOW, delivery_row, new_group

ANN = Bounce(1, "mail", "ann@example.org", NOW, "4.4.1", "no answer")
SUPPRESSED = Suppression("mail", "ann@example.org", NOW, "5.1.1", 1, "550 who")


async def test_a_bounce_is_kept_once_for_each_delivery(store: Store) -> None:
    """A later one of the same mail takes its place; other recipients and channels are others."""
    others = (replace(ANN, delivery=2, recipient="bo@example.org"), replace(ANN, delivery=3, channel="ops"))

    def work(tx: Tx) -> list[Bounce]:
        for one in (ANN, *others):
            tx.bounce(one)
        return tx.read_bounces("mail", "ann@example.org")

    assert await store.write(work, NOW) == [ANN]
    worse = replace(ANN, at=NOW + 5, status="5.1.1")
    await store.write(lambda tx: tx.bounce(worse), NOW)
    assert await store.write(lambda tx: tx.read_bounces("mail", "ann@example.org"), NOW) == [worse]
    assert await store.write(lambda tx: tx.read_bounces("ops", "ann@example.org"), NOW) == [others[1]]


async def test_a_suppression_lasts_until_it_is_lifted(open_any: AnyOpen) -> None:
    """It outlives the process; a lifted one stays as history and is in force no more; it can come again."""
    store: Store = await open_any()
    await store.write(lambda tx: tx.suppression(SUPPRESSED), NOW)
    await store.write(lambda tx: tx.suppression(replace(SUPPRESSED, channel="ops", since=NOW + 1)), NOW)
    await store.close()
    store = await open_any()
    first = await store.suppressions(1)
    assert first.items == [replace(SUPPRESSED, channel="ops", since=NOW + 1)]
    assert (await store.suppressions(1, first.next)).items == [SUPPRESSED]
    assert await store.suppression_counts() == {"mail": 1, "ops": 1}
    lifted = replace(SUPPRESSED, lifted_at=NOW + 9, lifted_by="ada")
    await store.write(lambda tx: tx.suppression(lifted), NOW)
    assert await store.suppression_counts() == {"ops": 1}
    assert await store.write(lambda tx: tx.read_suppressions("mail"), NOW) == {"ann@example.org": lifted}
    await store.write(lambda tx: tx.suppression(SUPPRESSED), NOW)
    assert await store.suppression_counts() == {"mail": 1, "ops": 1}


async def test_a_work_that_fails_suppresses_nobody(store: Store) -> None:
    """Both kinds of rows are undone with the work that made them."""

    def work(tx: Tx) -> None:
        tx.bounce(ANN)
        tx.suppression(SUPPRESSED)
        assert tx.read_suppressions("mail")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        await store.write(work, NOW)
    assert (await store.suppressions(10)).items == []
    assert await store.write(lambda tx: tx.read_bounces("mail", "ann@example.org"), NOW) == []


async def test_a_delivery_is_found_by_its_client_key(store: Store) -> None:
    """In the batch that makes it and after it; no other key finds it."""
    group = await new_group(store)

    def make(tx: Tx) -> object:
        tx.delivery(delivery_row(tx.next_id("delivery"), group))
        return tx.read_delivery_by_key("key1")

    assert await store.write(make, NOW) == delivery_row(1, group)
    assert await store.write(lambda tx: tx.read_delivery_by_key("key1"), NOW) == delivery_row(1, group)
    assert await store.write(lambda tx: tx.read_delivery_by_key("key2"), NOW) is None
