"""What one group commit is going to write, and how to take part of it back.

All changes go through ``set`` or are appended to lists, so that a work that
raises, or a batch that fails, leaves rows, ids, numbers and heads as they were.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

from daemon.core.errors import Conflict
from daemon.core.journal import GENESIS, Recorded
from daemon.core.store import GroupRow, Tx
from daemon.storage import statements as sql
from daemon.storage.rows import STATE, TOKEN, Row, group_to_row

Mark = tuple[int, ...]
Make = Callable[[Tx], GroupRow]
Move = tuple[Row, str, int]  # the whole row, and the state and token that the database must have

_ABSENT: Any = object()
_MOST_HEADS = 100_000  # about 20 MB; beyond it the memory of heads starts anew
_PHASE = 4


class Memory:
    """What the one writer knows without asking: counters and the heads of the journals."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.heads: dict[int, tuple[int, bytes]] = {}
        self.counters: dict[str, int] = {
            "group": self._largest("SELECT max(max(coalesce((SELECT max(id) FROM groups), 0)),"
                                   " coalesce((SELECT max(group_id) FROM journal), 0))"),
            "episode": self._largest("SELECT max(id) FROM episodes"),
            "delivery": self._largest("SELECT max(id) FROM deliveries"),
            "number": self._largest("SELECT max(number) FROM groups"),
        }  # fmt: skip

    def _largest(self, question: str) -> int:
        row = self._connection.execute(question).fetchone()
        return int(row[0] or 0)

    def ask(self, statement: sql.Statement, **values: Any) -> list[Row]:
        """Committed rows; cheap, because works ask only by indexed keys."""
        return self._connection.execute(statement.sql, statement.bind(**values)).fetchall()

    def head(self, group: int) -> tuple[int, bytes]:
        """Sequence and hash of a journal's newest entry."""
        known = self.heads.get(group)
        if known is None:
            rows = self.ask(sql.HEAD, group=group)
            known = self.heads[group] = (rows[0][0], rows[0][1]) if rows else (0, GENESIS)
        return known


class Batch:
    """The rows of one group commit, in memory."""

    def __init__(self, number: int, memory: Memory) -> None:
        self.number = number
        self.memory = memory
        self.journal: list[Row] = []
        self.recorded: list[tuple[int, Recorded]] = []
        self.episodes: list[Row] = []
        self.episode_changes: list[Row] = []
        self.quarantine: list[Row] = []
        self.rules: list[Row] = []
        self.notes: list[Row] = []
        self.trims: list[Row] = []
        self.groups: dict[int, Row | Make] = {}
        self.deliveries: dict[int, Row] = {}
        self.keys: dict[str, int] = {}
        self.moves: dict[int, Move] = {}
        self.touched: set[int] = set()
        self._undo: list[tuple[dict[Any, Any], Any, Any]] = []

    def set(self, where: dict[Any, Any], key: Any, value: Any) -> None:
        """``where[key] = value``, to be taken back by ``undo``."""
        self._undo.append((where, key, where.get(key, _ABSENT)))
        where[key] = value

    def _lists(self) -> tuple[list[Any], ...]:
        return (
            self.journal,
            self.recorded,
            self.episodes,
            self.episode_changes,
            self.quarantine,
            self.rules,
            self.notes,
            self.trims,
        )

    def mark(self) -> Mark:
        return (len(self._undo), *map(len, self._lists()))

    def undo(self, mark: Mark | None = None) -> None:
        """Take back what was done since the mark; without one, everything."""
        kept, *lengths = mark or (0,) * 9
        while len(self._undo) > kept:
            where, key, old = self._undo.pop()
            if old is _ABSENT:
                del where[key]
            else:
                where[key] = old
        for rows, length in zip(self._lists(), lengths, strict=True):
            del rows[length:]

    def delivery(self, delivery: int) -> Row | None:
        """A delivery's row if this batch has it."""
        if delivery in self.moves:
            return self.moves[delivery][0]
        return self.deliveries.get(delivery)

    def make_groups(self, tx: Tx) -> None:
        """Turn what was promised by ``group_later`` into rows."""
        for group, row in list(self.groups.items()):
            if callable(row):
                self.set(self.groups, group, group_to_row(row(tx)))

    def flush(self, connection: sqlite3.Connection) -> int:
        """Run the statements, one ``executemany`` per table; the number of rows.  Groups must be made."""
        groups = [
            (*row, *self.memory.head(group)) for group, row in self.groups.items() if type(row) is tuple
        ]
        rows = 0
        for statement, values in (
            (sql.INSERT_JOURNAL, self.journal),
            (sql.INSERT_EPISODE, self.episodes),
            (sql.UPDATE_EPISODE, self.episode_changes),
            (sql.UPSERT_GROUP, groups),
            (sql.INSERT_DELIVERY, list(self.deliveries.values())),
            (sql.INSERT_QUARANTINE, self.quarantine),
            (sql.INSERT_RULES, self.rules),
            (sql.UPSERT_NOTE, self.notes),
            (sql.TRIM_QUARANTINE, self.trims),
        ):
            if values:
                connection.executemany(statement, values)
                rows += len(values)
        self._move(connection)
        return rows + len(self.moves)

    def _move(self, connection: sqlite3.Connection) -> None:
        if not self.moves:
            return
        cursor = connection.executemany(sql.UPDATE_DELIVERY, map(_move_to_row, self.moves.values()))
        if cursor.rowcount != len(self.moves):
            raise Conflict("a delivery was changed by somebody else; read it again")

    def settled(self) -> None:
        """It is durable: forget how to undo it, and the heads that nobody will ask for again."""
        self._undo.clear()
        heads = self.memory.heads
        for group, row in self.groups.items():
            if type(row) is tuple and row[_PHASE] == "ended":
                heads.pop(group, None)
        if len(heads) > _MOST_HEADS:
            heads.clear()


def _move_to_row(move: Move) -> Row:
    row, state, token = move
    return (row[STATE], *row[STATE + 2 :], row[0], state, token)


def entries_of(recorded: Iterable[tuple[int, Recorded]], group: int) -> list[Recorded]:
    """One group's entries among those of many."""
    return [entry for owner, entry in recorded if owner == group]


assert TOKEN == STATE + 3, "the columns of deliveries moved"  # noqa: S101 - checked once at import
