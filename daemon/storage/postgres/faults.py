"""What an error of PostgreSQL, or of the way to it, means: wait, give up, or blame the rows.

Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

import asyncpg

from daemon.storage.engine import Fault


class LostHistory(Exception):
    """The server no longer has a commit that it had acknowledged: an older copy, or a standby that lagged."""


class FellBehind(Exception):
    """The process slept so long that the others' commits cannot be learnt one by one any more."""


class InDoubt(Exception):
    """The link was lost in COMMIT and the server cannot be asked: it may be stored or not."""


_WAIT_CLASSES = {
    "08",  # connection
    "25",  # transaction state: read only, idle too long
    "40",  # serialization, deadlock
    "53",  # disk full, out of memory, too many connections
    "55",  # lock not available, object in use
    "57",  # cancelled, shutting down, starting up
    "58",  # the server's own file system
}
_CONTENT_CLASSES = {"21", "22", "23", "54"}  # cardinality, data, integrity, limits

_PLAIN: dict[type[BaseException], str] = {
    asyncpg.LockNotAvailableError: "another node holds the right to write",
    asyncpg.QueryCanceledError: "the question took too long",
    asyncpg.ReadOnlySQLTransactionError: "the database server takes no writes (it is read only)",
    asyncpg.DiskFullError: "the database server's disk is full",
    asyncpg.TooManyConnectionsError: "the database server has no connection left",
    asyncpg.CannotConnectNowError: "the database server is starting or stopping",
    asyncpg.AdminShutdownError: "the database server is stopping",
    asyncpg.CrashShutdownError: "the database server has crashed and recovers",
    ConnectionRefusedError: "the database server does not answer (connection refused)",
    TimeoutError: "the database server does not answer in time",
}


def fault_of(error: BaseException) -> Fault:
    """Which of the three it is; what is not known is waited for, since nothing was stored."""
    if isinstance(error, (LostHistory, FellBehind)):
        return Fault.broken
    if isinstance(error, asyncpg.PostgresError):
        kind = (error.sqlstate or "")[:2]
        if kind in _WAIT_CLASSES:
            return Fault.wait
        return Fault.content if kind in _CONTENT_CLASSES else Fault.broken
    if isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError):
        return Fault.content  # the driver itself could not put a value into its column
    if isinstance(error, (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, InDoubt)):
        return Fault.wait
    return Fault.content


def is_own(error: BaseException) -> bool:
    """Whether the database or the way to it raised this."""
    return isinstance(
        error,
        (
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,
            OSError,  # TimeoutError too
            InDoubt,
            LostHistory,
            FellBehind,
        ),
    )


def is_lock(error: BaseException) -> bool:
    return isinstance(error, asyncpg.LockNotAvailableError)


def is_broken_link(error: BaseException) -> bool:
    """Whether the session is gone, so that nobody saw how its last command ended."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "")[:2] in {"08", "57"} or isinstance(
            error, asyncpg.IdleInTransactionSessionTimeoutError
        )
    return isinstance(error, (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError))


def in_plain_words(error: BaseException) -> str:
    """A short phrase for people; the server's own words where there is none."""
    for kind, words in _PLAIN.items():
        if isinstance(error, kind):
            return words
    if isinstance(error, OSError) and error.strerror:
        return f"the database server cannot be reached ({error.strerror})"
    if isinstance(error, (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)):
        return "the connection to the database server was lost"
    return str(error)
