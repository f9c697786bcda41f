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

READ_ONLY = (
    "the server takes no writes (a standby, or default_transaction_read_only); name the primary"
    " (several hosts: add ?target_session_attrs=read-write)"
)
NO_ADDRESS = "is no address of a server; write postgresql://user@host:5432/database"

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
    return f"{parts.netloc.rpartition('@')[2] or 'the local socket'}{parts.path}"


async def connect(address: str) -> Connection:
    """A session with our limits.  Raises what asyncpg raises."""
    return await asyncpg.connect(
        address, timeout=CONNECT_WITHIN, command_timeout=ANSWER_WITHIN, server_settings=SETTINGS
    )


async def connect_patiently(address: str) -> Connection:
    """A session for work on the whole database: only locks have a time limit.  Raises what asyncpg raises."""
    settings = SETTINGS | dict.fromkeys(("statement_timeout", "idle_in_transaction_session_timeout"), "0")
    return await asyncpg.connect(address, timeout=CONNECT_WITHIN, server_settings=settings)


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


_WRONG: dict[type[BaseException], str] = {
    asyncpg.ReadOnlySQLTransactionError: READ_ONLY,
    asyncpg.InvalidCatalogNameError: "there is no such database; create it (createdb), or change `database`",
    asyncpg.InvalidAuthorizationSpecificationError: (  # a wrong password too
        "the server refuses the user or password; correct `database`"
    ),
    asyncpg.InsufficientPrivilegeError: (
        "the user may not do this ({error}); make it the owner of the database"
    ),
    asyncpg.ClientConfigurationError: NO_ADDRESS,
    ValueError: NO_ADDRESS,
}
"""What waiting does not help against: somebody has to change the configuration or the server."""


def is_wrong(error: BaseException) -> bool:
    """Whether an operator must change something before it can work."""
    return isinstance(error, tuple(_WRONG)) and not isinstance(error, asyncpg.InterfaceError)


def cannot_open(address: str, error: BaseException) -> BadConfig | Unavailable:
    """What a failure to open means for whoever starts the daemon, with the remedy."""
    if isinstance(error, (BadConfig, Unavailable)):
        return error
    place = f"database: {shown(address)}"
    for kind, words in _WRONG.items():
        if isinstance(error, kind):
            return BadConfig(f"{place}: {words.format(error=error)}")
    return Unavailable(f"{place}: {faults.in_plain_words(error)}; start the server, or change `database`")
