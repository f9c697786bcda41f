"""The one factory of SQLite connections: one that writes, a few that read.

Transactions are written out (``isolation_level=None``): the driver's own habit
of beginning them hides where they are.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import quote

# Two connections that write or checkpoint at once can damage the file below this version;
# here only one ever does.  https://sqlite.org/wal.html, "the WAL-reset bug".
SAFE_VERSION = (3, 51, 3)
_LARGEST_LOG = 64 * 1024 * 1024  # bytes that the log file keeps once it has been copied


def open_writer(path: Path) -> sqlite3.Connection:
    """A connection that may write; ``durable`` must follow once the file is known to be ours."""
    return sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)


def make_durable(connection: sqlite3.Connection) -> None:
    """WAL with an fsync at each COMMIT; checkpoints by checkpoint.py alone."""
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",  # NORMAL loses acknowledged rows when the power fails
        "wal_autocheckpoint = 0",
        "mmap_size = 0",
        "cache_size = -16000",
        "temp_store = MEMORY",
        f"journal_size_limit = {_LARGEST_LOG}",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that can neither write nor checkpoint."""
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro", uri=True, timeout=1, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("PRAGMA query_only = 1")
    return connection
