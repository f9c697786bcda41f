"""Bringing the schema up to date without starting the daemon."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from daemon.core.errors import BadConfig
from daemon.storage.checkup import MADE_AT_START
from daemon.storage.sqlite import place, schema
from daemon.storage.sqlite.checkup import require
from daemon.storage.sqlite.connection import open_reader, open_writer
from daemon.storage.sqlite.restore import held_lock
from daemon.storage.upkeep import Upgraded
from daemon.storage.versions import HEAD


def upgrade(database: Path) -> Upgraded:
    """Run what is pending.  Raises NotFound, Unavailable (a daemon runs) or BadConfig (see prepare)."""
    require(database, MADE_AT_START)
    place.check_place(database)
    with held_lock(database):
        try:
            with closing(open_reader(database)) as reader:
                before = schema.version_of(reader, database)
            if before != HEAD:
                with closing(open_writer(database)) as connection:
                    schema.prepare(connection, database)
        except sqlite3.Error as error:
            raise BadConfig(f"{database}: cannot be read: {error}; restore it from a backup") from error
    return Upgraded(before, HEAD)
