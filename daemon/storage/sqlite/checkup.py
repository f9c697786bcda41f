"""Whether a database file is whole: its pages and indexes, and every group's hash chain.

Reads on a connection that cannot write, so it may run beside the daemon; each
chain is read in a transaction of its own, so that the log is never pinned for long.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from daemon.core.errors import BadConfig, NotFound, Refused, Unavailable
from daemon.storage import queries as q
from daemon.storage.engine import Fault
from daemon.storage.sqlite.connection import open_reader
from daemon.storage.sqlite.faults import fault_of, in_plain_words, is_lock
from daemon.storage.sqlite.schema import version_of
from daemon.storage.verify import verify

MOST_DAMAGE = 10  # lines of SQLite's report: where one page is gone, hundreds of rows are

MADE_AT_START = "; the daemon makes it when it starts"

_GROUPS = (
    "SELECT known.id, groups.number FROM (SELECT id FROM groups UNION SELECT group_id FROM journal) AS known"
    " LEFT JOIN groups ON groups.id = known.id ORDER BY known.id"
)


@dataclass(frozen=True, slots=True)
class Broken:
    """A group whose chain does not hold; ``incident`` is its number, if it has one."""

    group: int
    incident: int | None
    entry: int
    reason: str

    def __str__(self) -> str:
        name = f"INC-{self.incident}" if self.incident else f"group {self.group}"
        return f"{name}: {self.reason}"


@dataclass(slots=True)
class Checkup:
    """What was found; ``damage`` is SQLite's own report."""

    file: Path
    version: str = ""
    groups: int = 0
    entries: int = 0
    damage: list[str] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.damage and not self.broken

    @property
    def findings(self) -> list[str]:
        """A sentence for each thing that is wrong."""
        return [*self.damage, *map(str, self.broken)]


def check(path: Path) -> Checkup:
    """Look at everything.

    Raises NotFound (no such file), BadConfig (not readable, another program's, or
    newer than this one), Unavailable (locked, or no place for SQLite's own files);
    whatever else is wrong is in the answer.
    """
    require(path)
    found = Checkup(path)
    try:
        with closing(open_reader(path)) as connection:
            found.version = version_of(connection, path)
            found.damage += _damage(connection)
            for group, incident in connection.execute(_GROUPS).fetchall() if found.version else ():
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
    if not found.version and found.good:
        raise Refused(f"{path}: holds no data of tocsin")
    if not found.good:
        more = len(found.findings) - 1
        rest = f" (and {more} more; see `tocsin db check`)" if more else ""
        raise Refused(f"{path} is damaged: {found.findings[0]}{rest}")
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
    found.groups += 1
    found.entries += verdict.entries
    if verdict.broken_at is not None:
        found.broken.append(Broken(group, incident, verdict.broken_at, verdict.reason))
