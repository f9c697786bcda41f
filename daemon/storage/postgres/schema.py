"""Is this database ours, of a version that this program knows, and safe?  Then bring it up to date."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from daemon.core.errors import BadConfig, Unavailable
from daemon.storage.postgres.connection import READ_ONLY, SCHEMA, Connection, connect_patiently, shown
from daemon.storage.postgres.engine import LOCK, PRESENCE
from daemon.storage.tables import SECRET
from daemon.storage.versions import HEAD, is_newer, known

OLDEST = 12  # the oldest major version of the server that the project's tests were run with is 15
MIGRATING = LOCK + 1
"""Held while the schema is changed, so that nodes that start together do it once."""


async def prepare(connection: Connection, address: str) -> bytes:
    """Check, migrate; the secret that public ids are made with.

    From then on, as long as the session lasts, the database is not exchanged (presence.py).
    Raises Unavailable while somebody does that; BadConfig with one sentence when the
    server cannot be written to, is too old, or the schema is newer than this program;
    asyncpg's errors otherwise.
    """
    await check_server(connection, address)
    await connection.execute("SET statement_timeout = '10min'; SET lock_timeout = '5s'")
    try:
        await connection.fetch("SELECT pg_advisory_lock($1)", MIGRATING)
        await connection.fetch("SELECT pg_advisory_lock_shared($1)", PRESENCE)
    except asyncpg.LockNotAvailableError as error:
        raise Unavailable(
            f"database: {shown(address)}: another tocsin migrates, copies or restores it; wait for its end"
        ) from error
    try:
        if await version_of(connection, address) != HEAD:
            await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            await migrate(address)
        return await _secret(connection)
    finally:
        await connection.fetch("SELECT pg_advisory_unlock($1)", MIGRATING)
        await connection.execute("RESET statement_timeout; RESET lock_timeout")


async def version_of(connection: Connection, address: str) -> str:
    """The schema's version; empty for a database without our tables.  Raises BadConfig for a newer one."""
    if await connection.fetchval(f"SELECT to_regclass('{SCHEMA}.alembic_version')") is None:
        return ""
    version = str(await connection.fetchval(f"SELECT version_num FROM {SCHEMA}.alembic_version"))  # noqa: S608 - a constant
    if version not in known():
        raise BadConfig(is_newer(shown(address), version))
    return version


async def migrate(address: str, target: str = "head") -> None:
    """Run the migrations in one transaction: a kill leaves the old schema or the new one."""
    async with changing(address) as change:
        await change.upgrade(target)


class Change:
    """One transaction in which a schema may change; ``connection`` is its session, inside of it."""

    def __init__(self, own: AsyncConnection, connection: Connection) -> None:
        self._own = own
        self.connection = connection

    async def upgrade(self, target: str = "head") -> None:
        """Run the migrations in the schema that the search path names."""
        # Imported here: most starts have nothing to migrate.
        from daemon.storage.revisions import upgrade  # noqa: PLC0415

        await self._own.run_sync(upgrade, target)


@asynccontextmanager
async def changing(address: str) -> AsyncIterator[Change]:
    """Commits at the end; an error, or a kill, leaves everything as it was."""
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: connect_patiently(address), poolclass=NullPool
    )
    try:
        async with engine.begin() as own:
            raw = await own.get_raw_connection()
            connection: Any = raw.driver_connection
            await own.execute(text("SELECT 1"))  # the transaction begins with the first statement
            yield Change(own, connection)
    except DBAPIError as error:
        raise (error.orig.__cause__ if error.orig else None) or error from error
    finally:
        await engine.dispose()


async def check_server(connection: Connection, address: str) -> None:
    """Raise BadConfig for a server that is too old or takes no writes."""
    version = connection.get_server_version()
    if version.major < OLDEST:
        raise BadConfig(
            f"database: {shown(address)}: PostgreSQL {version.major} is too old; use {OLDEST} or newer"
        )
    if await _setting(connection, "transaction_read_only") == "on":
        raise BadConfig(f"database: {shown(address)}: {READ_ONLY}")


async def _secret(connection: Connection) -> bytes:
    await connection.execute(
        "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        SECRET,
        secrets.token_bytes(32),
    )
    return bytes(await connection.fetchval("SELECT value FROM meta WHERE name = $1", SECRET))


async def promises(connection: Connection) -> list[str]:
    """What the server's own settings take away from "acknowledged is never lost", one sentence each."""
    found = []
    if await _setting(connection, "fsync") == "off":
        found.append("fsync is off on the database server: a power cut there loses acknowledged alerts")
    if await _setting(connection, "full_page_writes") == "off":
        found.append("full_page_writes is off on the database server: a power cut can damage the database")
    if await _standbys(connection) and not await _setting(connection, "synchronous_standby_names"):
        found.append(
            "the database server has standbys and none is synchronous: a failover would lose the alerts that"
            " were acknowledged last; set synchronous_standby_names on the server"
        )
    return found


async def _setting(connection: Connection, name: str) -> str:
    return str(await connection.fetchval("SELECT current_setting($1)", name))


async def _standbys(connection: Connection) -> bool:
    try:
        return bool(
            await connection.fetchval(
                "SELECT EXISTS (SELECT 1 FROM pg_stat_replication)"
                " OR EXISTS (SELECT 1 FROM pg_replication_slots WHERE slot_type = 'physical')"
            )
        )
    except asyncpg.InsufficientPrivilegeError:
        return False
