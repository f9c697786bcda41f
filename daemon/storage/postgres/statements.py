"""The hot statements for PostgreSQL: whole columns as arrays, so that a table costs one round trip.

``unnest`` is three times as fast as a statement per row, and needs no more
round trips for two thousand rows than for one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Table,
    TableValuedAlias,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.sql.expression import ClauseElement

from daemon.core.delivery import DeliveryState
from daemon.storage import queries as q
from daemon.storage import statements as common
from daemon.storage import tables as t
from daemon.storage.rows import Row
from daemon.storage.statements import Sql
from daemon.storage.statements import postgres as dialect

NOTIFY = "tocsin"


def columns_of(rows: Sequence[Row]) -> list[tuple[Any, ...]]:
    """Rows as the parameters of a statement in here."""
    return list(zip(*rows, strict=True))


def _new_rows(table: Table, names: Sequence[str], **renamed: str) -> TableValuedAlias:
    """The parameters as a table ``new``; ``renamed``: further columns, with the type of a column."""
    typed = [(name, table.c[name]) for name in names]
    typed += [(name, table.c[like]) for name, like in renamed.items()]
    binds = [
        bindparam(f"p{number}", type_=ARRAY(column.type), required=True)
        for number, (_, column) in enumerate(typed)
    ]
    return func.unnest(*binds).table_valued(*(name for name, _ in typed)).render_derived(name="new")


def _sql(clause: ClauseElement, count: int) -> str:
    """The text, after making sure that the parameters come in their order."""
    compiled = Sql(clause, dialect())
    if compiled.names != tuple(f"p{number}" for number in range(count)):
        raise AssertionError(f"parameters in another order than expected: {compiled.names}")
    return compiled.text


def _insert(table: Table, names: Sequence[str], *, conflict: str = "", update: bool = False) -> str:
    new = _new_rows(table, names)
    clause = insert(table).from_select(list(names), select(*(new.c[name] for name in names)))
    if update:
        changed = {name: clause.excluded[name] for name in names if name != conflict}
        return _sql(clause.on_conflict_do_update(index_elements=[conflict], set_=changed), len(names))
    if conflict:
        clause = clause.on_conflict_do_nothing(index_elements=[conflict])
    return _sql(clause, len(names))


def _all(table: Table) -> list[str]:
    return [column.name for column in table.columns]


INSERT_JOURNAL = _insert(t.journal, common.JOURNAL)
INSERT_EPISODE = _insert(t.episodes, _all(t.episodes))
UPSERT_GROUP = _insert(t.groups, _all(t.groups), conflict="id", update=True)
INSERT_DELIVERY = _insert(t.deliveries, _all(t.deliveries), conflict="key")
INSERT_QUARANTINE = _insert(t.quarantine, common.QUARANTINE)
INSERT_RULES = _insert(t.rule_versions, common.RULES, conflict="version")
UPSERT_NOTE = _insert(t.meta, common.NOTES, conflict="name", update=True)
TRIM_QUARANTINE = common.TRIM.postgres.text

_changed = _new_rows(t.episodes, common.CHANGED, which="id")
UPDATE_EPISODE = _sql(
    t.episodes.update()
    .values({name: _changed.c[name] for name in common.CHANGED})
    .where(t.episodes.c.id == _changed.c.which),
    len(common.CHANGED) + 1,
)

_moved = _new_rows(t.deliveries, common.MOVING, which="id", was_state="state", was_token="token")  # noqa: S106 - a column
UPDATE_DELIVERY = _sql(
    t.deliveries.update()
    .values({name: _moved.c[name] for name in common.MOVING})
    .where(
        t.deliveries.c.id == _moved.c.which,
        t.deliveries.c.state == _moved.c.was_state,
        t.deliveries.c.token == _moved.c.was_token,
    ),
    len(common.MOVING) + 3,
)

_BATCH = ["number", "node", "at", "body"]
_binds = {name: bindparam(f"p{number}", type_=t.batches.c[name].type) for number, name in enumerate(_BATCH)}
_batch = (
    insert(t.batches).values(_binds).returning(func.pg_notify(literal_column(f"'{NOTIFY}'"), _binds["node"]))
)
INSERT_BATCH = _sql(_batch, len(_BATCH))
"""The commit's own row; whoever listens is woken."""

TRIM_BATCHES = Sql(
    delete(t.batches).where(
        t.batches.c.made < func.now() - text("interval '15 minutes'"),
        t.batches.c.number < bindparam("p0", type_=BigInteger),
    ),
    dialect(),
).text
"""Up to a number, and only what is old: a process that slept longer than that starts anew."""

AT_ONCE = 200
SINCE = f"""
SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint, b.number, b.node, b.at, b.body
FROM (SELECT 1) AS one LEFT JOIN (
    SELECT * FROM batches WHERE number >= $1::bigint ORDER BY number LIMIT {AT_ONCE}
) AS b ON true ORDER BY b.number
"""  # noqa: S608 - a constant
"""The server's time, and the commits from one number on, at most ``AT_ONCE``."""

NEWEST = "SELECT number, node, at, body FROM batches ORDER BY number DESC LIMIT 1"

_due = (
    q.claimable(channel=True)
    .with_only_columns(t.deliveries.c.id)
    .with_for_update(skip_locked=True, of=t.deliveries)
    .cte("due")  # run once, whatever the plan: a sub-select that is run again takes more than the limit
)
CLAIM = Sql(
    t.deliveries.update()
    .values(
        state=DeliveryState.claimed.value,
        token=t.deliveries.c.token + literal_column("1"),
        lease_until=bindparam("until", type_=BigInteger),
    )
    .where(t.deliveries.c.id == _due.c.id)
    .returning(*t.deliveries.c),
    dialect(),
)
"""Rows that somebody else is claiming or looking at are passed over, so nodes share the work."""


def _of_ids(table: Table, names: Sequence[str]) -> str:
    ids = bindparam("p0", type_=ARRAY(BigInteger), required=True)
    wanted = select(*(table.c[name] for name in names)).where(table.c.id == func.any(ids))
    return _sql(wanted.order_by(table.c.id), 1)


GROUPS = _of_ids(t.groups, _all(t.groups))
KNOWN = ["id", "group_id", "source", "fingerprint", "starts_at", "firing", "seen_at", "annotations"]
EPISODES = _of_ids(t.episodes, KNOWN)

ENTRIES = """
SELECT j.group_id, j.sequence, j.at, j.kind, j.body
FROM unnest($1::bigint[], $2::int[]) AS wanted(group_id, first)
JOIN journal AS j ON j.group_id = wanted.group_id AND j.sequence >= wanted.first
ORDER BY j.group_id, j.sequence
"""
NOTED = "SELECT name, value FROM meta WHERE name = ANY($1::text[])"
VERSIONS = "SELECT version, loaded_at, who, sources FROM rule_versions WHERE version = ANY($1::text[])"
