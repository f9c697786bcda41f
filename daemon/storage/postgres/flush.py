"""A whole commit's rows in one statement: one round trip, however many tables and rows.

Whole columns come as arrays (``unnest``).  Each table is a part of its own
(``WITH``), and none sees what another writes: what a batch changes in rows that
it inserts itself is merged before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import CTE, Table, TableValuedAlias, bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY, insert

from daemon.core.errors import Conflict
from daemon.storage import statements as common
from daemon.storage import tables as t
from daemon.storage.batch import Batch, move_to_row
from daemon.storage.postgres import news
from daemon.storage.postgres.connection import Connection
from daemon.storage.rows import Row
from daemon.storage.statements import Sql, postgres

NOTIFY = "tocsin"

_EPISODE = [column.name for column in t.episodes.columns]
_CHANGES = [_EPISODE.index(name) for name in common.CHANGED]


class _Parts:
    """The statement under construction; parameters are numbered in the order in which they are added."""

    def __init__(self) -> None:
        self.parts: list[CTE] = []
        self.count = 0

    def new_rows(self, table: Table, names: Sequence[str], **renamed: str) -> TableValuedAlias:
        """Parameters as a table; ``renamed``: further columns, each with the type of one of the table's."""
        typed = [(name, table.c[name]) for name in names]
        typed += [(name, table.c[like]) for name, like in renamed.items()]
        first, self.count = self.count, self.count + len(typed)
        binds = [
            bindparam(f"p{number:03}", type_=ARRAY(column.type), required=True)
            for number, (_, column) in enumerate(typed, first)
        ]
        return (
            func.unnest(*binds)
            .table_valued(*(name for name, _ in typed))
            .render_derived(name=f"new_{len(self.parts)}")
        )

    def insert(
        self, table: Table, names: Sequence[str], *, conflict: Sequence[str] = (), update: bool = False
    ) -> None:
        new = self.new_rows(table, names)
        clause: Any = insert(table).from_select(list(names), select(*(new.c[name] for name in names)))
        if update:
            changed = {name: clause.excluded[name] for name in names if name not in conflict}
            clause = clause.on_conflict_do_update(index_elements=conflict, set_=changed)
        elif conflict:
            clause = clause.on_conflict_do_nothing(index_elements=conflict)
        self.parts.append(clause.returning(literal_column("1")).cte(f"part_{len(self.parts)}"))

    def update(self, table: Table, names: Sequence[str], **compared: str) -> CTE:
        """Set columns of the row ``which`` whose other columns are still as ``was_...`` says."""
        new = self.new_rows(table, names, which="id", **{f"was_{name}": name for name in compared})
        clause: Any = table.update().values({name: new.c[name] for name in names})
        clause = clause.where(table.c.id == new.c.which)
        for name in compared:
            clause = clause.where(table.c[name] == new.c[f"was_{name}"])
        part: CTE = clause.returning(literal_column("1")).cte(f"part_{len(self.parts)}")
        self.parts.append(part)
        return part


def _statement() -> str:
    parts = _Parts()
    parts.insert(t.journal, common.JOURNAL)
    parts.insert(t.episodes, _EPISODE)
    parts.update(t.episodes, common.CHANGED)
    parts.insert(t.groups, [column.name for column in t.groups.columns], conflict=["id"], update=True)
    parts.insert(t.deliveries, [column.name for column in t.deliveries.columns], conflict=["key"])
    parts.insert(t.quarantine, common.QUARANTINE)
    parts.insert(t.bounces, common.BOUNCES, conflict=["delivery_id"], update=True)
    parts.insert(t.suppressions, common.SUPPRESSIONS, conflict=common.PLACE, update=True)
    parts.insert(t.rule_versions, common.RULES, conflict=["version"])
    parts.insert(t.meta, common.NOTES, conflict=["name"], update=True)
    moved = parts.update(t.deliveries, common.MOVING, state="state", token="token")  # noqa: S106 - columns
    parts.insert(t.batches, ["number", "node", "at", "body"])
    told = func.pg_notify(
        literal_column(f"'{NOTIFY}'"), bindparam(f"p{parts.count:03}", type_=t.batches.c.node.type)
    )
    count = select(func.count()).select_from(moved).scalar_subquery()
    compiled = Sql(select(count, told).add_cte(*parts.parts), postgres())
    expected = tuple(f"p{number:03}" for number in range(parts.count + 1))
    if compiled.names != expected:
        raise AssertionError(f"parameters in another order than expected: {compiled.names}")
    return compiled.text


FLUSH = _statement()


async def flush(connection: Connection, batch: Batch, node: str, latest: int) -> int:
    """Write the batch, with its own row for the other nodes; the number of rows, 0 when there was nothing."""
    episodes, changes = _merged(batch)
    moves = [move_to_row(move) for move in batch.moves.values()]
    tables: list[tuple[int, Iterable[Row]]] = [
        (len(common.JOURNAL), batch.journal),
        (len(_EPISODE), episodes),
        (len(common.CHANGED) + 1, changes),
        (len(t.groups.columns), batch.group_rows()),
        (len(t.deliveries.columns), list(batch.deliveries.values())),
        (len(common.QUARANTINE), batch.quarantine),
        (len(common.BOUNCES), list(batch.bounces.values())),
        (len(common.SUPPRESSIONS), list(batch.suppressions.values())),
        (len(common.RULES), batch.rules),
        (len(common.NOTES), list(dict(batch.notes).items())),
        (len(common.MOVING) + 3, moves),
    ]
    rows = sum(len(list(values)) for _, values in tables) + len(batch.trims)
    if not rows:
        return 0
    own: Row = (batch.number, node, latest, news.encode(batch))
    columns = [column for width, values in [*tables, (4, [own])] for column in _columns(width, values)]
    found = await connection.fetchrow(FLUSH, *columns, node)
    if found is None or found[0] != len(moves):  # the works read these rows locked, so this cannot be
        raise Conflict("a delivery was changed by somebody else; read it again")
    for (keep,) in batch.trims:
        await connection.execute(common.TRIM.postgres.text, keep)
    return rows


def _columns(width: int, rows: Iterable[Row]) -> list[Sequence[Any]]:
    return list(zip(*rows, strict=True)) or [()] * width


def _merged(batch: Batch) -> tuple[list[Row], list[Row]]:
    """New episodes as they ended up in the batch, and the last change of each older one."""
    changes = {row[-1]: row for row in batch.episode_changes}
    if not changes:
        return batch.episodes, []
    episodes = []
    for row in batch.episodes:
        fresh = list(row)
        for place, value in zip(_CHANGES, changes.pop(row[0], ()), strict=False):  # the id comes last
            fresh[place] = value
        episodes.append(tuple(fresh))
    return episodes, list(changes.values())
