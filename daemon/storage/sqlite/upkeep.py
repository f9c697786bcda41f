"""Looking after a SQLite file: what `tocsin db` does with one."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

from daemon.core.clock import Clock
from daemon.core.errors import BadConfig
from daemon.storage.checkup import MADE_AT_START, Checkup
from daemon.storage.copying import Progress, Source, pour
from daemon.storage.sqlite import place, transfer
from daemon.storage.sqlite.backup import back_up, sync, written
from daemon.storage.sqlite.checkup import check, check_good, require
from daemon.storage.sqlite.connection import open_reader
from daemon.storage.sqlite.faults import in_plain_words
from daemon.storage.sqlite.restore import give, held_lock, hold_all, restore
from daemon.storage.sqlite.schema import version_of
from daemon.storage.sqlite.upgrade import upgrade
from daemon.storage.upkeep import Looked, Restored, Upgraded


class SqliteUpkeep:
    """See daemon/storage/upkeep.py."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.place = str(path)

    def look(self) -> Looked:
        """The directory may be missing: a start makes it."""
        if not self._path.exists():
            if self._path.parent.exists():
                place.check_place(self._path)
            return Looked("")
        place.check_place(self._path)
        try:
            with closing(open_reader(self._path)) as connection:
                return Looked(version_of(connection, self._path))
        except sqlite3.Error as error:
            raise BadConfig(f"database: {self._path} cannot be read: {in_plain_words(error)}") from error

    def check(self) -> Checkup:
        return check(self._path)

    def back_up(self, target: Path, *, force: bool, progress: Progress) -> Checkup:  # noqa: ARG002 - by pages, in one step
        return back_up(self._path, target, force=force)

    def restore(self, source: Path, clock: Clock, progress: Progress) -> Restored:  # noqa: ARG002 - see above
        return restore(source, self._path, clock)

    def hold(self, clock: Clock) -> int:
        require(self._path, MADE_AT_START)
        return hold_all(self._path, clock)

    def migrate(self) -> Upgraded:
        return upgrade(self._path)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Source]:
        require(self._path, MADE_AT_START)
        place.check_place(self._path)
        with held_lock(self._path), transfer.read(self._path) as source:
            yield source

    async def take_over(self, source: Source, progress: Progress) -> Checkup:
        found = await fill_file(source, self._path, force=False, progress=progress)
        give(self._path, self._path.parent)
        return found


async def fill_file(source: Source, target: Path, *, force: bool, progress: Progress) -> Checkup:
    """A file of ours with all that the source holds, on disk and checked before it gets its name."""
    with written(target, force=force) as part:
        with transfer.filled(part, target) as inside:
            await pour(source, inside, progress)
        sync(part)
        return replace(check_good(part), place=str(target))
