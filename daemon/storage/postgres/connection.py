"""The one factory of connections to a PostgreSQL server.

Every session has the same limits, so that a process that stalls, or a network
that loses it, holds up the others for seconds and not for ever.
"""

from __future__ import annotations

from typing import TypeAlias
from urllib.parse import urlsplit

import asyncpg

from daemon.core.errors import BadConfig, Unavailable
from daemon.storage.postgres import faults

SCHEMA = "tocsin"
"""Where our tables are, so that a database can be shared with other programs."""

CONNECT_WITHIN = 5.0  # seconds
ANSWER_WITHIN = 8.0
"""Seconds for any one command, by this side's clock: longer than the server's own limits below."""

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

SETTINGS = {
    "application_name": "tocsin",
    "search_path": SCHEMA,
    "jit": "off",  # every statement here is short
    # What a server leaves to chance (`off`) would be lost in its crash after we have said 200.
    "synchronous_commit": "on",
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    # A process that stops in the middle of a commit holds the right to write: it loses its session.
    "idle_in_transaction_session_timeout": "5s",
    # A peer that is gone without a word is noticed within about twenty seconds.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "3",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "20s",
}


def shown(address: str) -> str:
    """The address as it may be printed: without user and password."""
    parts = urlsplit(address)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.hostname or 'the local socket'}{port}{parts.path}"


async def connect(address: str, answer_within: float = ANSWER_WITHIN) -> Connection:
    """A session with our limits.  Raises what asyncpg raises."""
    return await asyncpg.connect(
        address, timeout=CONNECT_WITHIN, command_timeout=answer_within, server_settings=SETTINGS
    )


async def open_pool(address: str, size: int) -> Pool:
    """Sessions for questions and claims.  Raises what asyncpg raises."""
    return await asyncpg.create_pool(
        address,
        min_size=0,  # a floor would be restored by itself, with a traceback in the log for each try
        max_size=size,
        timeout=CONNECT_WITHIN,
        command_timeout=ANSWER_WITHIN,
        server_settings=SETTINGS,
    )


def cannot_open(address: str, error: BaseException) -> BadConfig | Unavailable:
    """What a failure to open means for whoever starts the daemon, with the remedy."""
    place = f"database: {shown(address)}"
    if isinstance(error, (BadConfig, Unavailable)):
        return error
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return BadConfig(f"{place}: there is no such database; create it (createdb), or change `database`")
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):  # a wrong password too
        return BadConfig(f"{place}: the server refuses the user or password; correct `database`")
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return BadConfig(f"{place}: the user may not do this ({error}); make it the owner of the database")
    if isinstance(error, (asyncpg.ClientConfigurationError, ValueError)):
        return BadConfig(f"{place}: is no address of a server; write postgresql://user@host:5432/database")
    return Unavailable(f"{place}: {faults.in_plain_words(error)}; start the server, or change `database`")
