"""Statements compiled once from the table definitions, to be run by the driver with plain tuples.

SQLAlchemy per row costs three to ten times what the driver alone costs; so it
writes the SQL here and is not asked again.
"""

from __future__ import annotations

from functools import cache, cached_property
from typing import Any

from sqlalchemy import Column, bindparam, delete, func, literal, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.expression import ClauseElement

from daemon.core.delivery import DOUBTS
from daemon.storage import tables as t

SQLITE = sqlite.dialect(paramstyle="qmark")


@cache
def postgres() -> Dialect:
    """Made when it is first needed: on SQLite it never is."""
    from sqlalchemy.dialects.postgresql.asyncpg import dialect  # noqa: PLC0415 - see above

    return dialect()  # type: ignore[no-untyped-call] # SQLAlchemy's own


class Sql:
    """Text for one driver, and the order in which it wants its parameters."""

    def __init__(self, clause: ClauseElement, dialect: Dialect, **options: Any) -> None:
        compiled: Any = clause.compile(dialect=dialect, **options)
        self.text = str(compiled)
        self.names: tuple[str, ...] = tuple(compiled.positiontup or ())
        required = {name for name, bind in compiled.binds.items() if bind.required}
        self.fixed = {name: value for name, value in compiled.params.items() if name not in required}

    def bind(self, **given: Any) -> tuple[Any, ...]:
        """The parameters in order; what is not given has its value from the clause, else KeyError."""
        return tuple(given[name] if name in given else self.fixed[name] for name in self.names)


class Statement:
    """One clause for both databases; compiled for one when that one first asks."""

    def __init__(self, clause: ClauseElement, **options: Any) -> None:
        self.clause = clause
        self._options = options

    @cached_property
    def sqlite(self) -> Sql:
        return Sql(self.clause, SQLITE, **self._options)

    @cached_property
    def postgres(self) -> Sql:
        return Sql(self.clause, postgres(), **self._options)


def _columns(*columns: Column[Any]) -> list[str]:
    return [column.name for column in columns]


def _ordered(statement: Statement, names: list[str]) -> str:
    """SQLite's text, after making sure that tuples in this order fit it."""
    if list(statement.sqlite.names) != names:
        raise AssertionError(f"parameters in another order than expected: {statement.sqlite.names}")
    return statement.sqlite.text


JOURNAL = ["group_id", "sequence", "at", "kind", "body", "hash"]
INSERT_JOURNAL = _ordered(Statement(insert(t.journal), column_keys=JOURNAL), JOURNAL)

_GROUPS = _columns(*t.groups.columns)
_upsert = insert(t.groups)
UPSERT_GROUP = _ordered(
    Statement(
        _upsert.on_conflict_do_update(
            index_elements=[t.groups.c.id],
            set_={name: _upsert.excluded[name] for name in _GROUPS if name != "id"},
        ),
        column_keys=_GROUPS,
    ),
    _GROUPS,
)

_EPISODES = _columns(*t.episodes.columns)
INSERT_EPISODE = _ordered(Statement(insert(t.episodes), column_keys=_EPISODES), _EPISODES)
CHANGED = ["firing", "seen_at", "annotations", "link", "ends_at"]
UPDATE_EPISODE = _ordered(
    Statement(t.episodes.update().where(t.episodes.c.id == bindparam("which")), column_keys=CHANGED),
    [*CHANGED, "which"],
)

_DELIVERIES = _columns(*t.deliveries.columns)
INSERT_DELIVERY = _ordered(
    Statement(
        insert(t.deliveries).on_conflict_do_nothing(index_elements=[t.deliveries.c.key]),
        column_keys=_DELIVERIES,
    ),
    _DELIVERIES,
)
MOVING = _DELIVERIES[8:9] + _DELIVERIES[10:]  # what may change: all from `state` on but `created_at`
UPDATE_DELIVERY = _ordered(
    Statement(
        t.deliveries.update().where(
            t.deliveries.c.id == bindparam("which"),
            t.deliveries.c.state == bindparam("was_state"),
            t.deliveries.c.token == bindparam("was_token"),
        ),
        column_keys=MOVING,
    ),
    [*MOVING, "which", "was_state", "was_token"],
)

QUARANTINE = ["at", "source", "reason", "body"]
INSERT_QUARANTINE = _ordered(Statement(insert(t.quarantine), column_keys=QUARANTINE), QUARANTINE)
_newest = select(func.max(t.quarantine.c.id)).scalar_subquery()
TRIM = Statement(delete(t.quarantine).where(t.quarantine.c.id <= _newest - bindparam("keep")))
TRIM_QUARANTINE = _ordered(TRIM, ["keep"])
BOUNCES = ["delivery_id", "channel", "recipient", "at", "status", "detail"]
_bounce = insert(t.bounces)
UPSERT_BOUNCE = _ordered(
    Statement(
        _bounce.on_conflict_do_update(
            index_elements=[t.bounces.c.delivery_id],
            set_={name: _bounce.excluded[name] for name in BOUNCES if name != "delivery_id"},
        ),
        column_keys=BOUNCES,
    ),
    BOUNCES,
)
SUPPRESSIONS = _columns(*t.suppressions.columns)[1:]
PLACE = ("channel", "recipient")
_suppression = insert(t.suppressions)
UPSERT_SUPPRESSION = _ordered(
    Statement(
        _suppression.on_conflict_do_update(
            index_elements=[t.suppressions.c[name] for name in PLACE],
            set_={name: _suppression.excluded[name] for name in SUPPRESSIONS if name not in PLACE},
        ),
        column_keys=SUPPRESSIONS,
    ),
    SUPPRESSIONS,
)
NOTES = ["name", "value"]
_note = insert(t.meta)
UPSERT_NOTE = _ordered(
    Statement(
        _note.on_conflict_do_update(index_elements=[t.meta.c.name], set_={"value": _note.excluded["value"]}),
        column_keys=NOTES,
    ),
    NOTES,
)
RULES = ["version", "loaded_at", "who", "sources"]
INSERT_RULES = _ordered(Statement(insert(t.rule_versions).on_conflict_do_nothing(), column_keys=RULES), RULES)

# What a work may ask while it runs; each takes one parameter and hits an index.
HEAD = Statement(
    select(t.journal.c.sequence, t.journal.c.hash)
    .where(t.journal.c.group_id == bindparam("group"))
    .order_by(t.journal.c.sequence.desc())
    .limit(1)
)
READ_JOURNAL = Statement(
    select(t.journal.c.sequence, t.journal.c.at, t.journal.c.kind, t.journal.c.body)
    .where(t.journal.c.group_id == bindparam("group"))
    .order_by(t.journal.c.sequence)
)
READ_GROUP = Statement(select(t.groups).where(t.groups.c.id == bindparam("group")))
# Locked where several nodes claim: what a work has read cannot be claimed until it has committed.
READ_DELIVERY = Statement(
    select(t.deliveries).where(t.deliveries.c.id == bindparam("delivery")).with_for_update()
)
_of_group = select(t.deliveries).where(t.deliveries.c.group_id == bindparam("group"))
READ_DELIVERIES_OF_CHANNEL = Statement(
    _of_group.where(t.deliveries.c.channel == bindparam("channel"))
    .order_by(t.deliveries.c.id)
    .with_for_update()
)
READ_DELIVERIES = Statement(_of_group.order_by(t.deliveries.c.id).with_for_update())
# Non-final states alone, in the order of their index: a mailing has thousands of rows with large payloads.
IN_DOUBT = Statement(
    select(t.deliveries.c.id, t.deliveries.c.update_id).where(
        t.NOT_FINAL,
        t.deliveries.c.channel == bindparam("channel"),
        t.deliveries.c.group_id == bindparam("group"),
        t.deliveries.c.state.in_([literal(state.value) for state in sorted(DOUBTS)]),
        t.deliveries.c.edits.is_(None),
    )
)
DELIVERY_BY_KEY = Statement(select(t.deliveries).where(t.deliveries.c.key == bindparam("key")))
BOUNCES_OF = Statement(
    select(*(t.bounces.c[name] for name in BOUNCES))
    .where(t.bounces.c.recipient == bindparam("recipient"))
    .order_by(t.bounces.c.at)
)
SUPPRESSIONS_OF = Statement(
    select(*(t.suppressions.c[name] for name in SUPPRESSIONS)).where(
        t.suppressions.c.channel == bindparam("channel")
    )
)
