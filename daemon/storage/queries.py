"""Every question that readers ask, as SQLAlchemy Core, compiled once (or per set of filters)."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Select, bindparam, exists, func, literal, literal_column, select
from sqlalchemy.sql.expression import ColumnElement

from daemon.core.delivery import FINAL, IN_HAND, DeliveryState
from daemon.storage import tables as t
from daemon.storage.statements import SUPPRESSIONS, Statement

_LIMIT = bindparam("limit", type_=BigInteger)
EVERYTHING = 2**62
"""A limit that is none; the databases disagree about how to write that."""

OPEN_GROUPS = Statement(select(t.groups).where(t.NOT_ENDED).order_by(t.groups.c.id))
GROUP_BY_ID = Statement(select(t.groups).where(t.groups.c.id == bindparam("value")))
GROUP_BY_NUMBER = Statement(select(t.groups).where(t.groups.c.number == bindparam("value")))
GROUP_BY_PUBLIC_ID = Statement(select(t.groups).where(t.groups.c.public_id == bindparam("value")))

JOURNAL = Statement(
    select(t.journal.c.sequence, t.journal.c.at, t.journal.c.kind, t.journal.c.body)
    .where(t.journal.c.group_id == bindparam("group"), t.journal.c.sequence > bindparam("after"))
    .order_by(t.journal.c.sequence)
    .limit(_LIMIT)
)
SEALED = Statement(
    select(
        t.journal.c.sequence, t.journal.c.at, t.journal.c.kind, t.journal.c.body, t.journal.c.hash
    )
    .where(t.journal.c.group_id == bindparam("group"))
    .order_by(t.journal.c.sequence)
)  # fmt: skip
HEAD_OF_GROUP = Statement(
    select(t.groups.c.sequence, t.groups.c.head).where(t.groups.c.id == bindparam("group"))
)

DUE = Statement(
    select(t.groups.c.id)
    .where(t.groups.c.next_due <= bindparam("now"))
    .order_by(t.groups.c.next_due)
    .limit(_LIMIT)
)
EARLIEST_DUE = Statement(select(func.min(t.groups.c.next_due)).where(t.groups.c.next_due.is_not(None)))

OPEN_EPISODES = Statement(
    select(t.episodes)
    .where(t.IS_FIRING, t.episodes.c.id > bindparam("after"))
    .order_by(t.episodes.c.id)
    .limit(_LIMIT)
)
CLOSED_EPISODES = Statement(
    select(t.episodes).where(t.HAS_CLEARED).order_by(t.episodes.c.id.desc()).limit(_LIMIT)
)
NOTED = Statement(select(t.meta.c.value).where(t.meta.c.name == bindparam("value")))
EPISODE = Statement(select(t.episodes).where(t.episodes.c.id == bindparam("value")))

EARLIEST_CLAIM = Statement(select(func.min(t.deliveries.c.not_before)).where(t.IS_QUEUED))
DELIVERY_COUNTS = Statement(
    select(t.deliveries.c.channel, t.deliveries.c.state, func.count(), func.min(t.deliveries.c.created_at))
    .where(t.NOT_FINAL, t.deliveries.c.edits.is_(None))
    .group_by(t.deliveries.c.channel, t.deliveries.c.state)
    .order_by(t.deliveries.c.channel, t.deliveries.c.state)
)

_RULES = select(
    t.rule_versions.c.version, t.rule_versions.c.loaded_at, t.rule_versions.c.who, t.rule_versions.c.sources
)
RULES = Statement(_RULES.order_by(t.rule_versions.c.id.desc()).limit(_LIMIT))
RULES_BY_VERSION = Statement(_RULES.where(t.rule_versions.c.version == bindparam("value")))

SUPPRESSION_COUNTS = Statement(
    select(t.suppressions.c.channel, func.count())
    .where(t.suppressions.c.lifted_at.is_(None))
    .group_by(t.suppressions.c.channel)
)


Values = dict[str, Any]
"""Parameters of a statement that is made once for each set of filters, and compiled once."""


def _page(query: Select[Any], cursor: ColumnElement[Any], *, before: bool) -> Statement:
    """Descending pages: everything below the cursor."""
    if before:
        query = query.where(cursor < bindparam("before", type_=BigInteger))
    return Statement(query.order_by(cursor.desc()).limit(_LIMIT))


def _given(limit: int, before: int | None, **filters: Any) -> Values:
    values = {"limit": limit, "before": before, **filters}
    return {name: value for name, value in values.items() if value is not None}


def incidents(
    limit: int, before: int | None, phases: Collection[str], since: int | None
) -> tuple[Statement, Values]:
    statement = _incidents(before is not None, tuple(sorted(phases)), since is not None)
    return statement, _given(limit, before, since=since)


@cache
def _incidents(before: bool, phases: tuple[str, ...], since: bool) -> Statement:
    query = select(t.groups).where(t.groups.c.number.is_not(None))
    if phases:
        query = query.where(t.groups.c.phase.in_([literal(phase) for phase in phases]))
    if since:
        query = query.where(t.groups.c.opened_at >= bindparam("since"))
    return _page(query, t.groups.c.number, before=before)


def alerts(limit: int, before: int | None, firing: bool | None) -> tuple[Statement, Values]:
    return _alerts(before is not None, firing), _given(limit, before)


@cache
def _alerts(before: bool, firing: bool | None) -> Statement:
    query = select(t.episodes)
    if firing is not None:
        query = query.where(t.IS_FIRING if firing else t.episodes.c.firing.is_(False))
    return _page(query, t.episodes.c.id, before=before)


def quarantined(limit: int, before: int | None) -> tuple[Statement, Values]:
    return _quarantined(before is not None), _given(limit, before)


@cache
def _quarantined(before: bool) -> Statement:
    return _page(select(t.quarantine), t.quarantine.c.id, before=before)


def suppressions(limit: int, before: int | None) -> tuple[Statement, Values]:
    return _suppressions(before is not None), _given(limit, before)


@cache
def _suppressions(before: bool) -> Statement:
    query = select(*(t.suppressions.c[name] for name in (*SUPPRESSIONS, "id")))
    return _page(query.where(t.suppressions.c.lifted_at.is_(None)), t.suppressions.c.id, before=before)


def deliveries(
    limit: int,
    before: int | None,
    group: int | None,
    channel: str | None,
    update: str | None,
    states: Collection[DeliveryState],
    edits: bool | None = None,
) -> tuple[Statement, Values]:
    wanted = {"group_id": group, "channel": channel, "update_id": update}
    columns = tuple(name for name, value in wanted.items() if value is not None)
    named = tuple(sorted(state.value for state in states))
    statement = _deliveries(before is not None, columns, named, edits)
    return statement, _given(limit, before, **wanted)


@cache
def _deliveries(
    before: bool, columns: tuple[str, ...], states: tuple[str, ...], edits: bool | None
) -> Statement:
    query = select(t.deliveries)
    if edits is not None:
        query = query.where(t.deliveries.c.edits.is_not(None) if edits else t.deliveries.c.edits.is_(None))
    for name in columns:
        query = query.where(t.deliveries.c[name] == bindparam(name))
    cursor: ColumnElement[Any] = t.deliveries.c.id
    if states:
        query = query.where(t.deliveries.c.state.in_([literal(state) for state in states]))
        if not set(states) & {state.value for state in FINAL}:
            # Says nothing new, but names the index of the few live rows; "+ 0" keeps the planner
            # from walking all rows by id instead, in the hope of meeting some.
            query = query.where(t.NOT_FINAL)
            cursor = t.deliveries.c.id + literal_column("0")
    return _page(query, cursor, before=before)


def claimable(*, channel: bool) -> Select[Any]:
    """Posts: due, queued, and no predecessor to the same recipient that is neither final nor held."""
    earlier = t.deliveries.alias("earlier")
    row = t.deliveries
    in_the_way = exists().where(
        earlier.c.channel == row.c.channel,
        earlier.c.group_id == row.c.group_id,
        earlier.c.recipient == row.c.recipient,
        earlier.c.sequence < row.c.sequence,
        earlier.c.edits.is_(None),
        t.NOT_FINAL,  # inside: speaks of `earlier`
        earlier.c.state != DeliveryState.held.value,
    )
    first = t.deliveries.alias("first")
    first_in_doubt = exists().where(first.c.id == row.c.waits_for, first.c.state == DeliveryState.held.value)
    query = select(row).where(
        t.IS_QUEUED, row.c.edits.is_(None), row.c.not_before <= bindparam("now"), ~in_the_way, ~first_in_doubt
    )
    if channel:
        query = query.where(row.c.channel == bindparam("channel"))
    return query.order_by(row.c.not_before, row.c.id).limit(_LIMIT)


def claimable_edits() -> Select[Any]:
    """Edits of one channel: due, queued, their post's fate settled, and none of the same post in hand."""
    row, post, other = t.deliveries, t.deliveries.alias("post"), t.deliveries.alias("other")
    settled = exists().where(
        post.c.id == row.c.edits, post.c.state.in_([literal(one) for one in sorted(FINAL)])
    )
    in_hand = exists().where(
        other.c.channel == row.c.channel,
        other.c.group_id == row.c.group_id,
        other.c.edits == row.c.edits,
        other.c.state.in_([literal(one) for one in sorted(IN_HAND)]),
        t.NOT_FINAL,  # names the index of the few live rows; inside: speaks of `other`
    )
    return (
        select(row)
        .where(
            t.IS_QUEUED_EDIT,
            row.c.channel == bindparam("channel"),
            row.c.not_before <= bindparam("now"),
            settled,
            ~in_hand,
        )
        .order_by(row.c.not_before, row.c.id)
        .limit(_LIMIT)
    )


CLAIMABLE_EDITS = Statement(claimable_edits())
CLAIMABLE = Statement(claimable(channel=False))
CLAIMABLE_OF_CHANNEL = Statement(claimable(channel=True))
