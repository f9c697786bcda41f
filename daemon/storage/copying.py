"""A whole history from one database into another, row by row, in bounded memory.

Each kind of database says how it is read as of one moment (``Source``) and how
an empty one is filled (``Target``); nothing here knows which kinds there are.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

from sqlalchemy import Table, func, select

from daemon.core.errors import Refused
from daemon.storage.rows import Row
from daemon.storage.statements import Statement
from daemon.storage.tables import metadata, quarantine

TABLES: Sequence[Table] = metadata.sorted_tables
"""All but ``batches``, which tells running processes of each other's commits: a copy has none."""

Progress = Callable[[str, int, int], None]
"""Told the table, the rows that are done and the rows that there are."""


class Source(Protocol):
    """A database as it is at one moment.  Methods raise Refused or Unavailable."""

    @property
    def place(self) -> str: ...

    async def count(self, table: Table) -> int: ...

    def rows(self, table: Table) -> AsyncIterator[Sequence[Row]]:
        """All rows in the order of the primary key, ``batch_size`` at a time."""
        ...


class Target(Protocol):
    """An empty database that is being filled.  Methods raise Refused or Unavailable."""

    @property
    def place(self) -> str: ...

    async def fill(self, table: Table, rows: AsyncIterator[Sequence[Row]]) -> None: ...

    async def count(self, table: Table) -> int: ...


def quiet(table: str, done: int, total: int) -> None:
    """A ``Progress`` that nobody watches."""


def batch_size(table: Table) -> int:
    """Rows that are in memory at once: bodies that nobody could read may have 64 MiB each."""
    return 1 if table is quarantine else 500


def all_rows(table: Table) -> Statement:
    return Statement(select(*table.columns).order_by(*table.primary_key))


def number_of_rows(table: Table) -> Statement:
    return Statement(select(func.count()).select_from(table))


async def pour(source: Source, target: Target, progress: Progress) -> None:
    """Fill every table, and compare how many rows there are.  Raises Refused, Unavailable."""
    for table in TABLES:
        total = await source.count(table)
        await target.fill(table, _watched(source, table, total, progress))
        arrived = await target.count(table)
        if arrived != total:
            raise Refused(
                f"{target.place}: of {total} rows of {table.name} {arrived} arrived; nothing was kept"
            )


async def _watched(
    source: Source, table: Table, total: int, progress: Progress
) -> AsyncIterator[Sequence[Row]]:
    done = 0
    progress(table.name, done, total)
    async for rows in source.rows(table):
        yield rows
        done += len(rows)
        progress(table.name, done, total)
