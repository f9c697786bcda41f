"""What an error of SQLite means for the store: wait, give up, or blame the rows."""

from __future__ import annotations

import sqlite3

from daemon.storage.engine import Fault

# https://sqlite.org/rescode.html; the low byte is the primary code.
_WAIT = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_INTERRUPT,
}
_BROKEN = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

_PLAIN = {
    sqlite3.SQLITE_BUSY: "the database is locked by another program",
    sqlite3.SQLITE_LOCKED: "the database is locked by another program",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "the database cannot be written to",
    sqlite3.SQLITE_INTERRUPT: "the question took too long",
}


def fault_of(error: BaseException) -> Fault:
    """Which of the three it is.

    A failed write (``IOERR_WRITE``, a file size limit) was never acknowledged
    and is undone; a failed fsync may have thrown pages away, so trying it again
    would prove nothing.
    """
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return Fault.content
    if code == sqlite3.SQLITE_IOERR_WRITE or code & 0xFF in _WAIT:
        return Fault.wait
    return Fault.broken if code & 0xFF in _BROKEN else Fault.content


def in_plain_words(error: BaseException) -> str:
    """A short phrase for people; SQLite's own words where there is none."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return _PLAIN.get(code, str(error))


def is_lock(error: BaseException) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
