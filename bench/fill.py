"""A long past for a database: incidents that ended, with their journals, through the store itself."""

from __future__ import annotations

from pathlib import Path

from daemon.core import journal as j
from daemon.core.clock import MINUTE, SystemClock
from daemon.core.store import EpisodeRow, GroupRow, Tx
from daemon.core.words import Impact, Status
from daemon.storage.sqlite.store import open_sqlite

EACH = 50  # entries of one incident
TOGETHER = 40  # incidents a commit
LABELS = {"alertname": "ErrorBudgetBurn", "cluster": "cluster-1", "service": "service_1", "severity": "page"}


async def fill(database: Path, entries: int) -> None:
    """Add about that many journal entries of ended incidents."""
    clock = SystemClock()
    store = await open_sqlite(database, clock)
    try:
        for _ in range(entries // EACH // TOGETHER):
            await store.write(_past, clock.now(), TOGETHER * EACH)
    finally:
        await store.close()


def _past(tx: Tx) -> None:
    for _ in range(TOGETHER):
        _incident(tx)


def _incident(tx: Tx) -> None:
    group, number = tx.next_id("group"), tx.next_number()
    began = tx.now - 100 * MINUTE
    episode = tx.next_id("episode")
    public_id = f"past{number:08}"
    first = j.Fired(episode, began, "service_1", Impact.major)
    entries: list[j.Entry] = [
        j.Created(public_id, "past", "route_1", {"cluster": "cluster-1"}),
        j.Alerts("am", (first,), common=LABELS, note="service_1 answers with errors"),
        j.Opened(began, "public", Impact.major, ("service_1",), "Service 1 does not work"),
        j.Numbered(number),
    ]
    entries += [
        j.DeliveryMoved("ops", f"{public_id}/public/holding/r{turn}", "sent") for turn in range(EACH - 6)
    ]
    entries += [j.StatusChanged(Status.resolved, tx.now, "resolved"), j.Ended("resolved")]
    for sequence, entry in enumerate(entries, 1):
        tx.journal(group, j.Recorded(sequence, began + sequence, entry))
    tx.episode(EpisodeRow(episode, group, "am", public_id, began, False, tx.now, LABELS, ends_at=tx.now))
    tx.group(
        GroupRow(
            group, public_id, "route_1", "past", "ended", began, (("cluster", "cluster-1"),), number,
            "Service 1 does not work", Status.resolved, Impact.major, began, tx.now, "resolved",
        )
    )  # fmt: skip
