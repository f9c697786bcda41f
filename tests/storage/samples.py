"""Rows as services would make them, with only the interesting parts spelt out."""

from __future__ import annotations

from typing import Any

from daemon.core.delivery import Delivery, DeliveryState
from daemon.core.journal import Alerts, Created, Heard, Recorded
from daemon.core.store import EpisodeRow, GroupRow, Store, Tx
from daemon.core.words import Audience

NOW = 1_798_797_600_000


def group_row(group: int, **changes: Any) -> GroupRow:
    values: dict[str, Any] = {
        "id": group,
        "public_id": f"public{group:06}",
        "route": "web",
        "rules": "r1",
        "phase": "open",
        "created_at": NOW,
    }
    return GroupRow(**(values | changes))


def episode_row(episode: int, group: int, **changes: Any) -> EpisodeRow:
    values: dict[str, Any] = {
        "id": episode,
        "group": group,
        "source": "am",
        "fingerprint": f"f{episode}",
        "starts_at": NOW,
        "firing": True,
        "seen_at": NOW,
        "labels": {"alertname": "Down"},
    }
    return EpisodeRow(**(values | changes))


def delivery_row(delivery: int, group: int = 1, **changes: Any) -> Delivery:
    values: dict[str, Any] = {
        "id": delivery,
        "key": f"key{delivery}",
        "group": group,
        "update": f"u{delivery}",
        "channel": "x",
        "audience": Audience.public,
        "recipient": "",
        "payload": b'{"text":"hello"}',
        "state": DeliveryState.queued,
        "created_at": NOW,
        "not_before": NOW,
        "sequence": delivery,
    }
    return Delivery(**(values | changes))


def begin(tx: Tx, **changes: Any) -> int:
    """A new group with its first entry and its row."""
    group = tx.next_id("group")
    tx.journal(group, Recorded(1, tx.now, Created(public_id=f"public{group:06}", rules="r1", route="web")))
    tx.group(group_row(group, **changes))
    return group


async def new_group(store: Store, **changes: Any) -> int:
    return await store.write(lambda tx: begin(tx, **changes), NOW)


async def hear(store: Store, group: int, sequence: int) -> None:
    """Append one entry."""
    await store.write(lambda tx: tx.journal(group, Recorded(sequence, NOW, Heard())), NOW)


async def put(store: Store, *rows: Delivery) -> None:
    """Put deliveries into the outbox as they are."""

    def work(tx: Tx) -> None:
        for row in rows:
            tx.delivery(row)

    await store.write(work, NOW)


SOME_ALERTS = Alerts(source="am", common={"severity": "critical"}, note="Latency is high")
