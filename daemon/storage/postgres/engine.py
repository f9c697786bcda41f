"""PostgreSQL's half of a group commit: whoever holds the lock knows everything and may write.

One advisory lock serialises the commits of all nodes.  The holder first learns
what the others committed since it last looked, so that its memory is exact
while its works run, as if it were alone (docs/decisions/0012-several-nodes.md).
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from daemon.core.clock import Clock, Instant, ServerClock
from daemon.core.store import Learned
from daemon.storage.batch import Batch, Memory
from daemon.storage.engine import Fault, Missing
from daemon.storage.postgres import faults, news
from daemon.storage.postgres import statements as sql
from daemon.storage.postgres.connection import Connection, connect
from daemon.storage.postgres.flush import NOTIFY, flush
from daemon.storage.postgres.learning import learned
from daemon.storage.rows import Row
from daemon.storage.statements import Statement

LOCK = 0x70C51A11  # "tocsin"; in the header of our SQLite files too
PRESENCE = LOCK + 2
"""Shared by every process that may write: whoever has it alone knows that no other does."""
BEGIN = f"BEGIN; SELECT pg_advisory_xact_lock({LOCK})"
FRESH = 10.0
"""Seconds since the last look at the others' commits after which memory is not believed any more."""

DOUBT = 7.0
"""Seconds in which the fate of a COMMIT is asked for, before its callers are told that nobody knows.

Longer than the server keeps a session that has stopped in a transaction: until then it holds the lock.
"""
TRIM_EVERY = 1_000  # commits between two trims of the table of commits; the last so many are kept
STALLED = 6.0  # seconds for one phase of a commit, by this side's clock

Tell = Callable[[Learned], None]
Name = tuple[Statement, tuple[tuple[str, Any], ...]]


def _name(statement: Statement, values: dict[str, Any]) -> Name:
    return statement, tuple(values.items())


class PostgresEngine:
    """One session, used by the writer alone."""

    idle_every: float | None = 1.0

    def __init__(
        self, address: str, clock: Clock, counters: dict[str, int], newest: tuple[int, str, Instant]
    ) -> None:
        self._address = address
        self._clock = clock
        self._connection: Connection | None = None
        self._answers: dict[Name, list[Row]] = {}
        self._tell: Tell | None = None
        self._seen = newest[:2]  # the last commit that was looked at, and who made it
        self._tried = newest[0]
        self._untold: list[bytes] = []  # news of others that nobody wanted to hear yet
        self._versions: set[str] = set()  # rule versions that memory was told of
        self._looked_at = clock.monotonic()
        self.latest = newest[2]
        self.memory = Memory(self._ask, counters, self._want)
        self.node = f"{socket.gethostname()}-{secrets.token_hex(6)}"
        self.on_notice: Callable[[], None] = lambda: None
        self.doubts = 0
        self.lost = False  # the server is a past of what this process has seen

    @property
    def is_current(self) -> bool:
        return self._clock.monotonic() - self._looked_at < FRESH

    @property
    def seen(self) -> int:
        """The newest commit that is known to be durable."""
        return self._seen[0]

    async def open(self) -> None:
        """Begin the session, so that it can be seen that this process is there."""
        await self._connected()

    def follow(self, tell: Tell) -> None:
        """Tell ``tell`` from the next look on."""
        self._tell = tell

    # -- what the writer calls ------------------------------------------------

    async def begin(self) -> int:
        self._answers.clear()
        async with asyncio.timeout(STALLED):
            connection = await self._connected()
        if not self.is_current:
            await self._look(connection)  # after a long absence: not while the others wait for us
        async with asyncio.timeout(STALLED):
            await connection.execute(BEGIN)
        await self._look(connection)
        self._tried = max(self._tried, self.seen) + 1  # no number is used twice
        return self._tried

    async def fetch(self, missing: Missing) -> None:
        query = missing.statement.postgres
        connection = await self._connected()
        for values in missing.values:
            rows = await connection.fetch(query.text, *query.bind(**values))
            self._answers[_name(missing.statement, values)] = [tuple(row) for row in rows]

    def _ask(self, statement: Statement, **values: Any) -> list[Row]:
        found = self._answers.get(_name(statement, values))
        if found is None:
            raise Missing(statement, [values])
        return found

    def _want(self, statement: Statement, values: Sequence[dict[str, Any]]) -> None:
        lacking = [one for one in values if _name(statement, one) not in self._answers]
        if lacking:
            raise Missing(statement, lacking)

    async def commit(self, batch: Batch) -> int:
        connection = await self._connected()
        async with asyncio.timeout(STALLED):
            self.latest = batch.at or self.latest
            rows = await flush(connection, batch, self.node, self.latest)
            if not rows:
                await connection.execute("ROLLBACK")
                return 0
            if batch.number % TRIM_EVERY == 0:
                await connection.execute(sql.TRIM_BATCHES, batch.number - TRIM_EVERY)
        try:
            async with asyncio.timeout(STALLED):
                await connection.execute("COMMIT")
        except Exception as error:
            if not faults.is_broken_link(error) or not await self._was_committed(batch.number):
                raise
        self._seen = (batch.number, self.node)
        return rows

    async def roll_back(self) -> None:
        connection = self._connection
        if connection is None or connection.is_closed():
            return
        try:
            async with asyncio.timeout(2):
                await connection.execute("ROLLBACK")  # also after a BEGIN whose answer we did not wait for
        except Exception:  # noqa: BLE001 - whatever it was, a session that is gone holds no transaction
            connection.terminate()

    async def idle(self) -> None:
        """Learn what others committed, without waiting for the right to write."""
        async with asyncio.timeout(STALLED):
            connection = await self._connected()
        await self._look(connection)

    def fault_of(self, error: BaseException) -> Fault:
        return faults.fault_of(error)

    def is_lock(self, error: BaseException) -> bool:
        return faults.is_lock(error)

    def in_plain_words(self, error: BaseException) -> str:
        return faults.in_plain_words(error)

    def is_own(self, error: BaseException) -> bool:
        return faults.is_own(error)

    async def close(self) -> None:
        if self._connection is not None and not self._connection.is_closed():
            with suppress(OSError):
                await self._connection.close(timeout=2)

    # -- the others -------------------------------------------------------------

    async def _look(self, connection: Connection) -> None:
        """Read the commits since the last look; tell memory of them.  Raises LostHistory or FellBehind."""
        while True:
            asked_at = self._clock.monotonic()
            rows = await connection.fetch(sql.SINCE, self._seen[0])
            if isinstance(self._clock, ServerClock):
                self._clock.set(rows[0][0], asked_at)
            await self._take(connection, self._unseen([row for row in rows if row[1] is not None]))
            if len(rows) < sql.AT_ONCE:
                break
        self._looked_at = asked_at

    async def _take(self, connection: Connection, new: list[Any]) -> None:
        """Go on to the newest of these commits, once memory was told of all that they wrote."""
        bodies = [*self._untold, *(row[4] for row in new)]
        if not bodies:
            return
        if self._tell is None:
            self.memory.heads.clear()  # memory is not kept yet: ask each time
        else:
            await self._learn(connection, self._tell, news.gather(bodies), new[-1][1] if new else self.seen)
            bodies = []
        self._untold = bodies
        if new:
            self.memory.counters.update(news.gather([new[-1][4]]).counters)
            self._seen = (new[-1][1], new[-1][2])
            self.latest = new[-1][3]

    def _unseen(self, rows: list[Any]) -> list[Any]:
        """The commits after the last one that we saw, after making sure that it is still there."""
        number, node = self._seen
        if number == 0:
            return rows
        if not rows or (rows[0][1], rows[0][2]) != (number, node):
            if rows and rows[0][1] > number:
                raise faults.FellBehind(
                    f"commit {number} of the database cannot be found any more: this process slept too long"
                )
            self.lost = True
            raise faults.LostHistory(
                f"the database has lost commit {number}, which it had acknowledged: it is an older copy"
            )
        return rows[1:]

    async def _learn(self, connection: Connection, tell: Tell, found: news.News, number: int) -> None:
        what = await learned(connection, number, found, self._versions)
        rows = {row.id: row for row in what.groups}
        for group in found.groups:
            row, entries = rows.get(group), what.entries.get(group)
            if row is None or (entries and entries[-1].sequence > row.sequence):
                self.memory.heads.pop(group, None)  # the row does not say where the journal is: ask for it
            else:
                self.memory.heads[group] = (row.sequence, row.head)
        tell(what)
        self._versions.update(rules.version for rules in what.rules)

    async def _was_committed(self, number: int) -> bool:
        """The link broke in COMMIT: wait until the old session has ended, then look."""
        self.doubts += 1
        if self._connection is not None:
            self._connection.terminate()
        deadline = self._clock.monotonic() + DOUBT
        while True:
            try:
                async with asyncio.timeout(DOUBT):
                    connection = await self._connected()
                    await connection.execute(BEGIN)  # once it is ours, the old session has ended
                    found = await connection.fetchval("SELECT node FROM batches WHERE number = $1", number)
                    await connection.execute("ROLLBACK")
            except Exception as error:
                if not faults.is_own(error):
                    raise
                await self.roll_back()
                if self._clock.monotonic() >= deadline:
                    raise faults.InDoubt(
                        "the link to the database was lost in the middle of a commit: it may have been"
                        " stored; look before you do it again"
                    ) from error
                await self._clock.sleep(0.1)
            else:
                return bool(found == self.node)

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            connection = await connect(self._address)
            try:
                await connection.fetch("SELECT pg_advisory_lock_shared($1)", PRESENCE)
                await connection.add_listener(NOTIFY, self._notified)
            except BaseException:
                connection.terminate()
                raise
            self._connection = connection
        return self._connection

    def _notified(self, _connection: object, _pid: int, _channel: str, node: object) -> None:
        if node != self.node:
            self.on_notice()
