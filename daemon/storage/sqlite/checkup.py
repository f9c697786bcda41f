"""Whether a database file is whole: its pages and indexes, and every group's hash chain.

Reads on a connection that cannot write, so it may run beside the daemon; each
chain is read in a transaction of its own, so that the log is never pinned for long.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from daemon.core.errors import BadConfig, NotFound, Unavailable
from daemon.storage import queries as q
from daemon.storage.checkup import GROUPS, Checkup
from daemon.storage.engine import Fault
from daemon.storage.sqlite.connection import open_reader
from daemon.storage.sqlite.faults import fault_of, in_plain_words, is_lock
from daemon.storage.sqlite.schema import version_of
from daemon.storage.verify import verify

MOST_DAMAGE = 10  # lines of SQLite's report: where one page is gone, hundreds of rows are


def check(path: Path) -> Checkup:
    """Look at everything.

    Raises NotFound (no such file), BadConfig (not readable, another program's, or
    newer than this one), Unavailable (locked, or no place for SQLite's own files);
    whatever else is wrong is in the answer.
    """
    require(path)
    found = Checkup(str(path))
    try:
        with closing(open_reader(path)) as connection:
            found.version = version_of(connection, path)
            found.damage += _damage(connection)
            for group, incident, *_ in connection.execute(GROUPS).fetchall() if found.version else ():
                _check_chain(connection, group, incident, found)
    except sqlite3.Error as error:
        if is_lock(error):
            raise Unavailable(f"{path}: {in_plain_words(error)}") from error
        if fault_of(error) is Fault.wait:
            raise Unavailable(
                f"{path}: {in_plain_words(error)}, and even a reader needs files beside it;"
                " run this as the daemon's user or as root"
            ) from error
        found.damage.append(str(error))
    return found


def require(path: Path, remedy: str = "") -> None:
    """Raise NotFound or BadConfig unless there is a file that we may read."""
    try:
        found = path.is_file()
    except PermissionError:
        found = True
    if not found:
        raise NotFound(f"{path}: there is no such file{remedy}")
    if not os.access(path, os.R_OK):
        raise BadConfig(f"{path}: cannot be read; run this as the daemon's user or as root")


def check_good(path: Path) -> Checkup:
    """``check``, for those who go on only with a whole file.  Raises Refused with the first finding, too."""
    found = check(path)
    found.require_good()
    return found


def _damage(connection: sqlite3.Connection) -> Iterator[str]:
    for (line,) in connection.execute(f"PRAGMA integrity_check({MOST_DAMAGE})"):
        if line != "ok":
            yield " ".join(str(line).split())


def _check_chain(connection: sqlite3.Connection, group: int, incident: int | None, found: Checkup) -> None:
    connection.execute("BEGIN")
    try:
        head = connection.execute(
            q.HEAD_OF_GROUP.sqlite.text, q.HEAD_OF_GROUP.sqlite.bind(group=group)
        ).fetchone()
        verdict = verify(
            group, connection.execute(q.SEALED.sqlite.text, q.SEALED.sqlite.bind(group=group)), head
        )
    finally:
        connection.execute("COMMIT")
    found.judged(verdict, incident)
