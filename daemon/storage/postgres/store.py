"""The PostgreSQL store: opening, closing, and the port of daemon/core/store.py over writer and pool."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from daemon.core.clock import Clock, Instant, Span
from daemon.core.delivery import Delivery
from daemon.core.errors import BadConfig, Unavailable
from daemon.core.store import Learned
from daemon.storage import rows
from daemon.storage.answers import Question
from daemon.storage.postgres import faults, news, schema
from daemon.storage.postgres import statements as sql
from daemon.storage.postgres.connection import Connection, Pool, cannot_open, connect, open_pool
from daemon.storage.postgres.engine import PostgresEngine
from daemon.storage.restoration import FORGET_SECRET, hold
from daemon.storage.statements import Statement
from daemon.storage.writer import Limits, Writer
from daemon.storage.written import Written

T = TypeVar("T")
SESSIONS = 4  # for questions and claims; the writer has one of its own
TRIES = 2  # of a question whose session turned out to be gone

_COUNTERS = """
SELECT greatest((SELECT max(id) FROM groups), (SELECT max(group_id) FROM journal)),
    (SELECT max(id) FROM episodes), (SELECT max(id) FROM deliveries), (SELECT max(number) FROM groups)
"""


class PostgresStore(Written):
    """Made by ``open_postgres``; ``close`` it."""

    def __init__(
        self, address: str, pool: Pool, engine: PostgresEngine, clock: Clock, limits: Limits, secret: bytes,
        notices: Sequence[str],
    ) -> None:  # fmt: skip
        self._address = address
        self._clock = clock
        self._pool = pool
        self._engine = engine
        self._secret = secret
        self.notices = tuple(notices)
        self._writer = Writer(engine, clock, limits)
        engine.on_notice = self._writer.nudge
        self._task = asyncio.create_task(self._writer.run(), name="store writer")
        self._closed = False

    @property
    def committed(self) -> int:
        return max(self._engine.seen, self._writer.committed)  # the writer's: of batches without rows too

    @property
    def secret(self) -> bytes:
        return self._secret

    @property
    def exclusive(self) -> bool:
        return False

    @property
    def is_current(self) -> bool:
        return self._engine.is_current

    async def follow(self, tell: Callable[[Learned], None]) -> None:
        self._engine.follow(tell)
        await self.write(lambda _: None, 0, 0)  # catches up

    def stats(self) -> Mapping[str, float]:
        return {
            **self._figures(),
            "commits_in_doubt": self._engine.doubts,
        }

    async def claim(
        self, channel: str, now: Instant, limit: int, lease: Span, *, edits: bool = False
    ) -> list[Delivery]:
        query = sql.CLAIM_EDITS if edits else sql.CLAIM
        values = query.bind(channel=channel, now=now, limit=limit, until=now + lease)
        found = await self._ask(lambda connection: connection.fetch(query.text, *values))
        claimed = [rows.delivery_from_row(tuple(row)) for row in found]
        return sorted(claimed, key=lambda row: (row.not_before, row.id))

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._writer.close(self._task)
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await self._pool.close()
        self._pool.terminate()
        if self._engine.lost:
            with suppress(BadConfig, Unavailable):  # away again: docs/reliability.md names this limit
                await _hold_the_past(self._address, self._clock)

    # -- questions ----------------------------------------------------------------

    async def _rows(self, statement: Statement, make: Callable[[rows.Row], T], **values: Any) -> list[T]:
        query = statement.postgres
        found = await self._ask(lambda connection: connection.fetch(query.text, *query.bind(**values)))
        return [make(tuple(row)) for row in found]

    async def _snapshot(self, questions: Sequence[Question]) -> list[list[rows.Row]]:
        async def ask(connection: Connection) -> list[list[rows.Row]]:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                found = []
                for statement, values in questions:
                    query = statement.postgres
                    answer = await connection.fetch(query.text, *query.bind(**values))
                    found.append([tuple(row) for row in answer])
                return found

        return await self._ask(ask)

    async def _ask(self, question: Callable[[Connection], Awaitable[T]]) -> T:
        """Raises Unavailable; a session that died since it was last used is replaced once."""
        if self._closed:
            raise Unavailable("the store is closed")
        for attempt in range(1, TRIES + 1):
            try:
                async with self._pool.acquire(timeout=5) as connection:
                    return await question(connection)  # type: ignore[arg-type] # the pool's proxy of one
            except Exception as error:
                if not faults.is_own(error):
                    raise
                if attempt == TRIES or not faults.is_broken_link(error):
                    raise Unavailable(faults.in_plain_words(error)) from error
        raise AssertionError("unreachable")


async def open_postgres(address: str, clock: Clock, limits: Limits | None = None) -> PostgresStore:
    """Connect, bring the schema up to date, start the writer.

    ``clock``: a ``ServerClock`` is set to the server's time again and again.
    Raises BadConfig or Unavailable with one sentence that says what to do.
    """
    pool: Pool | None = None
    engine: PostgresEngine | None = None
    try:
        connection = await connect(address)
        try:
            secret = await schema.prepare(connection, address)
            notices = await schema.promises(connection)
            engine = PostgresEngine(address, clock, *await _progress(connection))
            await engine.open()  # before the other session ends: else the database could be exchanged
        finally:
            await connection.close()
        pool = await open_pool(address, SESSIONS)
    except Exception as error:
        if pool is not None:
            pool.terminate()
        if engine is not None:
            await engine.close()
        raise cannot_open(address, error) from error
    return PostgresStore(address, pool, engine, clock, limits or Limits(), secret, notices)


async def _hold_the_past(address: str, clock: Clock) -> None:
    """The server is a past of what was acknowledged: what it calls queued may have been sent since.

    People decide, as after a restore (docs/decisions/0011-restore.md).
    """
    store = await open_postgres(address, clock)
    try:
        await store._ask(lambda connection: connection.execute(FORGET_SECRET))  # noqa: SLF001 - one of our own
        await hold(store, clock.now())
    finally:
        await store.close()


async def _progress(connection: Connection) -> tuple[dict[str, int], tuple[int, str, Instant]]:
    """How far the counters are, and the newest commit: its number, its maker, its newest instant."""
    newest = await connection.fetchrow(sql.NEWEST)
    if newest is not None:
        counters = news.gather([newest["body"]]).counters
        return counters, (newest["number"], newest["node"], newest["at"])
    largest = await connection.fetchrow(_COUNTERS)
    assert largest is not None  # noqa: S101 - a select without FROM has a row
    names = ("group", "episode", "delivery", "number")
    return {name: value or 0 for name, value in zip(names, largest, strict=True)}, (0, "", 0)
