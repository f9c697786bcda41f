"""A SQLite file as the source and as the target of a copy, row by row."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Table, insert

from daemon.core.errors import BadConfig, Refused, Unavailable
from daemon.storage.copying import all_rows, batch_size, number_of_rows
from daemon.storage.rows import Row
from daemon.storage.sqlite.connection import open_reader
from daemon.storage.sqlite.faults import in_plain_words, is_lock
from daemon.storage.sqlite.migrate import migrate
from daemon.storage.sqlite.schema import version_of
from daemon.storage.statements import Statement
from daemon.storage.versions import HEAD, must_be_current


class SqliteSource:
    """Inside one read transaction; nothing else runs in this process, so it may wait for the disk."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.place = str(path)

    async def count(self, table: Table) -> int:
        with _read_errors(self.place):
            return int(self._connection.execute(number_of_rows(table).sqlite.text).fetchone()[0])

    async def rows(self, table: Table) -> AsyncIterator[Sequence[Row]]:
        with _read_errors(self.place):
            cursor = self._connection.execute(all_rows(table).sqlite.text)
            while rows := cursor.fetchmany(batch_size(table)):
                yield rows


@contextmanager
def _read_errors(place: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if is_lock(error):
            raise Unavailable(f"{place}: {in_plain_words(error)}") from error
        raise Refused(f"{place} cannot be read: {in_plain_words(error)}") from error


@contextmanager
def read(path: Path) -> Iterator[SqliteSource]:
    """Raises BadConfig (foreign, older or newer), Refused (damaged) or Unavailable (locked)."""
    with _read_errors(str(path)), closing(open_reader(path)) as connection:
        connection.execute("BEGIN")
        version = version_of(connection, path)
        if version != HEAD:
            raise BadConfig(must_be_current(str(path), version))
        yield SqliteSource(connection, path)


class SqliteTarget:
    """Inside one transaction on a file that nobody else knows."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.place = str(path)

    async def fill(self, table: Table, rows: AsyncIterator[Sequence[Row]]) -> None:
        statement = Statement(insert(table)).sqlite.text
        async for batch in rows:
            self._connection.executemany(statement, batch)

    async def count(self, table: Table) -> int:
        return int(self._connection.execute(number_of_rows(table).sqlite.text).fetchone()[0])


@contextmanager
def filled(part: Path, target: Path) -> Iterator[SqliteTarget]:
    """An empty file becomes a database without a log.  Raises Refused, and the file is worth nothing."""
    try:
        migrate(part)
        with closing(sqlite3.connect(part, isolation_level=None)) as connection:
            # After a kill nobody looks at the file, and at the end it is synced as a whole.
            for pragma in ("journal_mode = DELETE", "journal_mode = OFF", "synchronous = OFF"):
                connection.execute(f"PRAGMA {pragma}").fetchall()
            connection.execute("BEGIN")
            yield SqliteTarget(connection, target)
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise Refused(f"{target}: cannot be written: {in_plain_words(error)}") from error
