"""What a node asks PostgreSQL for: the others' commits, their rows, and deliveries to attempt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Select,
    Table,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.expression import ClauseElement

from daemon.core.delivery import DeliveryState
from daemon.storage import queries as q
from daemon.storage import tables as t
from daemon.storage.statements import Sql
from daemon.storage.statements import postgres as dialect


def _sql(clause: ClauseElement, count: int) -> str:
    """The text, after making sure that the parameters come in their order."""
    compiled = Sql(clause, dialect())
    if compiled.names != tuple(f"p{number}" for number in range(count)):
        raise AssertionError(f"parameters in another order than expected: {compiled.names}")
    return compiled.text


def _all(table: Table) -> list[str]:
    return [column.name for column in table.columns]


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


def _claim(claimable: Select[Any]) -> Sql:
    due = (
        claimable.with_only_columns(t.deliveries.c.id)
        .with_for_update(skip_locked=True, of=t.deliveries)
        .cte("due")  # run once, whatever the plan: a sub-select that is run again takes more than the limit
    )
    return Sql(
        t.deliveries.update()
        .values(
            state=DeliveryState.claimed.value,
            token=t.deliveries.c.token + literal_column("1"),
            lease_until=bindparam("until", type_=BigInteger),
        )
        .where(t.deliveries.c.id == due.c.id)
        .returning(*t.deliveries.c),
        dialect(),
    )


CLAIM = _claim(q.claimable(channel=True))
CLAIM_EDITS = _claim(q.claimable_edits())
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
