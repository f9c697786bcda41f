"""Rows and domain objects: one function each way, in the column order of tables.py.

Tuples are made with one C call where that is possible, since these functions
run once per alert.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from daemon.core.delivery import Delivery, DeliveryState
from daemon.core.store import EpisodeRow, GroupRow, Quarantined, RulesVersion
from daemon.core.suppression import Bounce, Suppression
from daemon.core.words import Audience, Impact, Status
from daemon.storage.codec import decode_labels, decode_pairs, encode_json

Row = tuple[Any, ...]

STATE, TOKEN = 8, 11  # places in a delivery's row

_delivery = attrgetter(
    "id", "key", "group", "update", "channel", "audience", "recipient", "payload", "state", "created_at",
    "not_before", "token", "lease_until", "attempts", "resends", "reads", "attempted_at", "ref", "reason",
    "detail", "waits_for", "sequence", "edits",
)  # fmt: skip


def delivery_to_row(item: Delivery) -> Row:
    return tuple(_delivery(item))


def delivery_from_row(row: Row) -> Delivery:
    item = Delivery(*row)
    item.audience = Audience(item.audience)
    item.state = DeliveryState(item.state)
    return item


def group_to_row(item: GroupRow) -> Row:
    """All columns but sequence and head, which the store knows better."""
    return (
        item.id, item.public_id, item.route, item.rules, item.phase, item.created_at,
        encode_json(item.key), item.number, item.title, int(item.status), int(item.impact),
        item.opened_at, item.resolved_at, item.ended, item.next_due, item.view,
    )  # fmt: skip


def group_from_row(row: Row) -> GroupRow:
    item = GroupRow(*row)
    item.key = decode_pairs(row[6])
    item.status = Status(item.status)
    item.impact = Impact(item.impact)
    return item


def episode_to_row(item: EpisodeRow) -> Row:
    return (
        item.id, item.group, item.source, item.fingerprint, item.starts_at, item.firing, item.seen_at,
        encode_json(item.labels), item.annotations, item.link, item.ends_at, ",".join(item.flags),
    )  # fmt: skip


def episode_from_row(row: Row) -> EpisodeRow:
    return EpisodeRow(
        id=row[0],
        group=row[1],
        source=row[2],
        fingerprint=row[3],
        starts_at=row[4],
        firing=bool(row[5]),
        seen_at=row[6],
        labels=decode_labels(row[7]),
        annotations=row[8],
        link=row[9],
        ends_at=row[10],
        flags=tuple(row[11].split(",")) if row[11] else (),
    )


def quarantined_from_row(row: Row) -> Quarantined:
    return Quarantined(*row)


def bounce_to_row(item: Bounce) -> Row:
    return (item.delivery, item.channel, item.recipient, item.at, item.status, item.detail)


def bounce_from_row(row: Row) -> Bounce:
    return Bounce(*row)


def suppression_to_row(item: Suppression) -> Row:
    return (
        item.channel, item.recipient, item.since, item.status, item.bounces, item.detail, item.lifted_at,
        item.lifted_by,
    )  # fmt: skip


def suppression_from_row(row: Row) -> Suppression:
    return Suppression(*row)


def rules_from_row(row: Row) -> RulesVersion:
    """From (version, loaded_at, who, sources)."""
    return RulesVersion(row[0], row[1], row[2], decode_pairs(row[3]))
