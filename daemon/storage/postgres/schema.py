"""Is this database ours, of a version that this program knows, and safe?  Then bring it up to date."""

from __future__ import annotations

import secrets

import asyncpg
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from daemon.core.errors import BadConfig
from daemon.storage.postgres.connection import SCHEMA, Connection, connect, shown
from daemon.storage.postgres.engine import LOCK
from daemon.storage.sqlite.schema import SECRET
from daemon.storage.versions import HEAD, is_newer, known

OLDEST = 12  # the oldest major version of the server that the project's tests were run with is 15
MIGRATING = LOCK + 1
"""Held while the schema is changed, so that nodes that start together do it once."""

LONGEST = 610.0  # seconds for one statement of a migration, and for a wait until another node has migrated


async def prepare(connection: Connection, address: str) -> bytes:
    """Check, migrate; the secret that public ids are made with.

    Raises BadConfig with one sentence when the server cannot be written to, is
    too old, or the schema is newer than this program; asyncpg's errors otherwise.
    """
    await _check_server(connection, address)
    await connection.execute("SET statement_timeout = '10min'; SET lock_timeout = '10min'")
    await connection.fetch("SELECT pg_advisory_lock($1)", MIGRATING, timeout=LONGEST)
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
    # Imported here: most starts have nothing to migrate.
    from daemon.storage.revisions import upgrade  # noqa: PLC0415

    async def creator() -> Connection:
        own = await connect(address, LONGEST)
        await own.execute("SET statement_timeout = '10min'")
        return own

    engine = create_async_engine("postgresql+asyncpg://", async_creator=creator, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(upgrade, target)
    finally:
        await engine.dispose()


async def _check_server(connection: Connection, address: str) -> None:
    version = connection.get_server_version()
    if version.major < OLDEST:
        raise BadConfig(
            f"database: {shown(address)}: PostgreSQL {version.major} is too old; use {OLDEST} or newer"
        )
    if await connection.fetchval("SELECT pg_is_in_recovery()"):
        raise BadConfig(
            f"database: {shown(address)} is a standby and takes no writes; name the primary"
            " (several hosts: add ?target_session_attrs=read-write)"
        )


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
