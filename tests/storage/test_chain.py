"""The hash chain names the first entry that somebody changed, removed or moved."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.storage.conftest import Open
from tests.storage.samples import hear, new_group


@pytest.mark.parametrize(
    ("tampering", "broken_at", "reason"),
    [
        ("UPDATE journal SET body = '{\"a\":1}' WHERE sequence = 2", 2, "changed"),
        ("UPDATE journal SET at = at + 1 WHERE sequence = 2", 2, "changed"),
        ("UPDATE journal SET kind = 'resumed' WHERE sequence = 2", 2, "changed"),
        ("UPDATE journal SET group_id = 7 WHERE sequence = 2", 2, "missing"),
        ("DELETE FROM journal WHERE sequence = 1", 1, "missing"),
        ("DELETE FROM journal WHERE sequence = 3", 3, "missing"),
        ("UPDATE groups SET head = zeroblob(32)", 3, "row names"),
    ],
    ids=["body", "time", "kind", "group", "first removed", "last removed", "another head"],
)
async def test_tampering_is_found(
    open_store: Open, path: Path, tampering: str, broken_at: int, reason: str
) -> None:
    """Whatever was done to the file, the check says where it begins."""
    store = await open_store()
    group = await new_group(store)
    for sequence in (2, 3):
        await hear(store, group, sequence)
    row = await store.group_by_id(group)
    assert row is not None
    await store.write(lambda tx: tx.group(row), 0)  # the row learns the newest head
    assert (await store.verify_chain(group)).good
    await store.close()

    connection = sqlite3.connect(path)
    with connection:
        connection.execute(tampering)
    connection.close()
    verdict = await (await open_store()).verify_chain(group)
    assert (verdict.broken_at, reason in verdict.reason) == (broken_at, True), verdict


async def test_a_row_that_is_behind_its_journal_is_no_fault(open_store: Open) -> None:
    """Entries may be written without touching the projection."""
    store = await open_store()
    group = await new_group(store)
    await hear(store, group, 2)
    assert (await store.verify_chain(group)).good


async def test_a_group_that_never_was_has_an_empty_chain(open_store: Open) -> None:
    """Nothing to find is not a broken chain."""
    verdict = await (await open_store()).verify_chain(12)
    assert (verdict.good, verdict.entries) == (True, 0)
