"""A PostgreSQL database as the source and as the target of a copy, row by row."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress

from sqlalchemy import Boolean, Table

from daemon.core.errors import BadConfig, Refused, TocsinError, Unavailable
from daemon.storage.checkup import GROUPS, Checkup, check_chains
from daemon.storage.copying import TABLES, all_rows, batch_size, number_of_rows
from daemon.storage.engine import Fault
from daemon.storage.postgres import faults
from daemon.storage.postgres.connection import (
    SCHEMA,
    Connection,
    cannot_open,
    connect_patiently,
    is_wrong,
    shown,
)
from daemon.storage.postgres.presence import be_alone
from daemon.storage.postgres.schema import changing, check_server, version_of
from daemon.storage.rows import Row
from daemon.storage.versions import HEAD, must_be_current

ENTRIES = "SELECT group_id, sequence, at, kind, body, hash FROM journal ORDER BY group_id, sequence"
_ROWS = 500  # of the journal, at once in memory


class PostgresSource:
    """Inside one read-only snapshot."""

    def __init__(self, connection: Connection, address: str) -> None:
        self._connection = connection
        self._address = address
        self.place = shown(address)

    async def count(self, table: Table) -> int:
        with errors_of(self._address):
            return int(await self._connection.fetchval(number_of_rows(table).postgres.text))

    async def rows(self, table: Table) -> AsyncIterator[Sequence[Row]]:
        with errors_of(self._address):
            async for rows in stream(self._connection, all_rows(table).postgres.text, batch_size(table)):
                yield rows


@contextmanager
def errors_of(address: str) -> Iterator[None]:
    """What the server says in the middle of the work, as one sentence.

    Raises BadConfig (rights), Unavailable or Refused.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, TocsinError) or not faults.is_own(error):
            raise
        if is_wrong(error):
            raise cannot_open(address, error) from error
        words = f"{shown(address)}: {faults.in_plain_words(error)}"
        raise (Unavailable if faults.fault_of(error) is Fault.wait else Refused)(words) from error


async def stream(connection: Connection, question: str, size: int) -> AsyncIterator[Sequence[Row]]:
    """The rows of a question, so many at a time; inside a transaction."""
    cursor = await connection.cursor(question)
    while rows := await cursor.fetch(size):
        yield [tuple(row) for row in rows]


async def check_inside(connection: Connection, found: Checkup) -> None:
    """Walk all chains in the open transaction."""
    groups = [tuple(row) for row in await connection.fetch(GROUPS)]
    await check_chains(found, groups, stream(connection, ENTRIES, _ROWS))


@asynccontextmanager
async def session(address: str) -> AsyncIterator[Connection]:
    """A patient session on a server that can be used.  Raises BadConfig or Unavailable."""
    try:
        connection = await connect_patiently(address)
    except Exception as error:
        raise cannot_open(address, error) from error
    try:
        with errors_of(address):
            yield connection
    finally:
        with suppress(Exception):  # what it held goes with it, however it ends
            await connection.close(timeout=2)


@asynccontextmanager
async def read(address: str, *, alone: bool) -> AsyncIterator[PostgresSource]:
    """``alone``: nobody writes meanwhile.  Raises BadConfig (older, newer or nothing) or Unavailable."""
    async with session(address) as connection:
        version = await version_of(connection, address)
        if version != HEAD:
            raise BadConfig(must_be_current(shown(address), version))
        if alone:
            await be_alone(connection, address)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield PostgresSource(connection, address)


class PostgresTarget:
    """Inside one transaction that makes the schema, too."""

    def __init__(self, connection: Connection, address: str) -> None:
        self.connection = connection
        self._address = address
        self.place = shown(address)

    async def fill(self, table: Table, rows: AsyncIterator[Sequence[Row]]) -> None:
        names = [column.name for column in table.columns]
        flags = [number for number, column in enumerate(table.columns) if isinstance(column.type, Boolean)]
        with errors_of(self._address):
            try:
                await self.connection.copy_records_to_table(
                    table.name, records=_records(rows, flags), columns=names
                )
            except (TypeError, ValueError, OverflowError) as error:  # SQLite takes any value in any column
                raise Refused(f"{self.place}: a value of {table.name} fits no column ({error})") from error
            if table.autoincrement_column is not None:
                await self.connection.execute(_next_id(table))

    async def count(self, table: Table) -> int:
        with errors_of(self._address):
            return int(await self.connection.fetchval(number_of_rows(table).postgres.text))

    async def check(self) -> Checkup:
        """Every chain as it has arrived.  Raises Refused for what is not whole."""
        found = Checkup(self.place, HEAD)
        with errors_of(self._address):
            await check_inside(self.connection, found)
        found.require_good()
        return found


async def _records(rows: AsyncIterator[Sequence[Row]], flags: Sequence[int]) -> AsyncIterator[Row]:
    """One by one, with SQLite's 0 and 1 as what they mean."""
    async for batch in rows:
        for row in batch:
            if flags:
                changed = list(row)
                for number in flags:
                    changed[number] = bool(changed[number])
                yield tuple(changed)
            else:
                yield row


def _next_id(table: Table) -> str:
    """Ids count on from the largest one."""
    (key,) = table.primary_key
    return (
        f"SELECT setval(pg_get_serial_sequence('{table.name}', '{key.name}'), max({key.name}))"  # noqa: S608 - names of ours
        f" FROM {table.name} HAVING count(*) > 0"
    )


@asynccontextmanager
async def filled(address: str, schema: str) -> AsyncIterator[PostgresTarget]:
    """New tables in ``schema``, committed at the end; no other tocsin uses the database meanwhile.

    Raises BadConfig or Unavailable; Refused when there is something in the tables.
    """
    with errors_of(address):
        async with changing(address) as change:
            connection = change.connection
            await check_server(connection, address)
            await be_alone(connection, address)
            if schema == SCHEMA:
                await version_of(connection, address)
            await connection.execute(
                f"CREATE SCHEMA IF NOT EXISTS {schema}; SET LOCAL search_path TO {schema}"
            )
            await change.upgrade()
            await _empty(connection, address)
            yield PostgresTarget(connection, address)


async def _empty(connection: Connection, address: str) -> None:
    """Only the secret of a schema that was never used may be there, and goes."""
    for table in TABLES:
        if table.name != "meta" and await connection.fetchval(f"SELECT EXISTS (SELECT 1 FROM {table.name})"):  # noqa: S608 - see above
            raise Refused(
                f"{shown(address)} is not empty: there are {table.name} in it; name another database,"
                f" or drop what is there (DROP SCHEMA {SCHEMA} CASCADE)"
            )
    await connection.execute("DELETE FROM meta")
