"""What one group commit is going to write, and how to take part of it back.

All changes go through ``set`` or are appended to lists, so that a work that
raises, or a batch that fails, leaves rows, ids, numbers and heads as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from daemon.core.clock import Instant
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


class Ask(Protocol):
    """Committed rows, by indexed keys alone; raises ``engine.Missing`` when they must be fetched first."""

    def __call__(self, statement: sql.Statement, **values: Any) -> list[Row]: ...


class Want(Protocol):
    """Have the answers at hand that ``ask`` will be asked for; raises ``engine.Missing`` until they are."""

    def __call__(self, statement: sql.Statement, values: Sequence[dict[str, Any]]) -> None: ...


def at_hand(statement: sql.Statement, values: Sequence[dict[str, Any]]) -> None:
    """``Want`` of a database that is asked in the middle of a work."""


class Memory:
    """What the writer knows without asking: counters and the heads of the journals."""

    def __init__(self, ask: Ask, counters: dict[str, int], want: Want = at_hand) -> None:
        self.ask = ask
        self.want = want
        self.counters = counters
        self.heads: dict[int, tuple[int, bytes]] = {}

    def head(self, group: int) -> tuple[int, bytes]:
        """Sequence and hash of a journal's newest entry."""
        known = self.heads.get(group)
        if known is None:
            rows = self.ask(sql.HEAD, group=group)
            known = self.heads[group] = (rows[0][0], rows[0][1]) if rows else (0, GENESIS)
        return known

    def forget(self) -> None:
        """Drop the heads when there are too many of them."""
        if len(self.heads) > _MOST_HEADS:
            self.heads.clear()


class Batch:
    """The rows of one group commit, in memory."""

    def __init__(self, number: int, memory: Memory) -> None:
        self.number = number
        self.at: Instant = 0  # the newest instant of its works
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
        self.bounces: dict[int, Row] = {}
        self.suppressions: dict[tuple[str, str], Row] = {}
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
        """Turn what was promised by ``group_later`` into rows, and have the heads of all at hand."""
        for group, row in list(self.groups.items()):
            if callable(row):
                self.set(self.groups, group, group_to_row(row(tx)))
            self.memory.head(group)

    def group_rows(self) -> list[Row]:
        """The projections with the heads of their journals.  Groups must be made."""
        return [(*row, *self.memory.head(group)) for group, row in self.groups.items() if type(row) is tuple]

    def settled(self) -> None:
        """It is durable: forget how to undo it, and the heads that nobody will ask for again."""
        self._undo.clear()
        heads = self.memory.heads
        for group, row in self.groups.items():
            if type(row) is tuple and row[_PHASE] == "ended":
                heads.pop(group, None)
        self.memory.forget()


def move_to_row(move: Move) -> Row:
    """Parameters of UPDATE_DELIVERY."""
    row, state, token = move
    return (row[STATE], *row[STATE + 2 :], row[0], state, token)


def entries_of(recorded: Iterable[tuple[int, Recorded]], group: int) -> list[Recorded]:
    """One group's entries among those of many."""
    return [entry for owner, entry in recorded if owner == group]


assert TOKEN == STATE + 3, "the columns of deliveries moved"  # noqa: S101 - checked once at import
