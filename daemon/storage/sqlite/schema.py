"""Is this file ours, whole, and of a version that this program knows?  Then bring it up to date."""

from __future__ import annotations

import secrets
import sqlite3
from pathlib import Path

from daemon.core.errors import BadConfig, Unavailable
from daemon.storage.sqlite import connection as connections
from daemon.storage.sqlite.faults import in_plain_words, is_lock
from daemon.storage.tables import SECRET
from daemon.storage.versions import HEAD, is_newer, known

APPLICATION_ID = 0x70C51A11  # in the header of every database file of ours


def prepare(connection: sqlite3.Connection, path: Path) -> bytes:
    """Check, migrate and open for durable writing; the secret that public ids are made with.

    Raises BadConfig with one sentence when the file is not a database, somebody
    else's, damaged, or newer than this program; Unavailable when it is locked.
    """
    try:
        version = version_of(connection, path)
        connections.make_durable(connection)
        if version:
            _quick_check(connection, path)
            # A killed process leaves its log behind: a loop of crashes must not make it grow and grow.
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        if version != HEAD:
            # Imported here: Alembic costs a tenth of a second, and most starts have nothing to migrate.
            from daemon.storage.sqlite.migrate import migrate  # noqa: PLC0415

            migrate(path)
        return _secret(connection)
    except sqlite3.DatabaseError as error:
        if is_lock(error):
            raise Unavailable(f"database: {path}: {in_plain_words(error)}") from error
        raise BadConfig(
            f"database: {path} cannot be used: {error}; restore it from a backup or name another file"
        ) from error


def version_of(connection: sqlite3.Connection, path: Path) -> str:
    """The schema's version; empty for a new file.  Raises BadConfig for a foreign or a newer one."""
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    mark = connection.execute("PRAGMA application_id").fetchone()[0]
    if not tables and mark == 0:
        return ""
    if mark != APPLICATION_ID or "alembic_version" not in tables:
        raise BadConfig(f"database: {path} belongs to another program; name another file")
    version = str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    if version not in known():
        raise BadConfig(is_newer(str(path), version))
    return version


def _quick_check(connection: sqlite3.Connection, path: Path) -> None:
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise BadConfig(f"database: {path} is damaged ({verdict.strip()}); restore it from a backup")


def _secret(connection: sqlite3.Connection) -> bytes:
    connection.execute(
        "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (SECRET, secrets.token_bytes(32)),
    )
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (SECRET,)).fetchone()
    return bytes(row[0])


def renew_secret(connection: sqlite3.Connection) -> bytes:
    """Have public ids made from a new secret.

    Ids of groups count on from what a restored database has: with the old secret
    a new incident would get the page address and the client keys of a lost one.
    """
    connection.execute("DELETE FROM meta WHERE name = ?", (SECRET,))
    return _secret(connection)
