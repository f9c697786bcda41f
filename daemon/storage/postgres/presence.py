"""Who else uses the database: every process that may write shares an advisory lock, however it ends."""

from __future__ import annotations

from daemon.core.errors import Unavailable
from daemon.storage.postgres.connection import Connection, shown
from daemon.storage.postgres.engine import LOCK, PRESENCE
from daemon.storage.postgres.schema import MIGRATING

_HOLDERS = f"""
SELECT coalesce(host(a.client_addr), 'this machine')
FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
WHERE l.locktype = 'advisory' AND a.datname = current_database() AND l.granted
    AND l.classid = 0 AND l.objid = {PRESENCE} AND l.objsubid = 1 AND l.pid <> pg_backend_pid()
ORDER BY 1
"""  # noqa: S608 - a constant


async def be_alone(connection: Connection, address: str) -> None:
    """Nobody else writes, and nobody can begin to, as long as this session lasts.

    Call it before the transaction whose snapshot is to hold everything.  Raises Unavailable.
    """
    for lock in (MIGRATING, PRESENCE, LOCK):
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", lock):
            raise _in_use(address, await _holders(connection))


async def allow_one(connection: Connection, address: str) -> None:
    """The same, but for one process that is there already: the caller's own.  Raises Unavailable."""
    alone = await connection.fetchval("SELECT pg_try_advisory_lock($1)", MIGRATING)
    holders = await _holders(connection)
    if not alone or len(holders) > 1:
        raise _in_use(address, holders)


async def _holders(connection: Connection) -> list[str]:
    return [row[0] for row in await connection.fetch(_HOLDERS)]


def _in_use(address: str, holders: list[str]) -> Unavailable:
    where = f" (connected from {', '.join(sorted(set(holders)))})" if holders else ""
    return Unavailable(f"another tocsin is using {shown(address)}{where}; stop it first")
