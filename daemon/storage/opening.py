"""From a database's address to its store, and to what looks after it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from daemon.core.clock import Clock, ServerClock, WorkClock
from daemon.core.store import Store

if TYPE_CHECKING:
    from daemon.storage.upkeep import Upkeep  # a start needs none


class OpenedStore(Store, Protocol):
    """A store, and what an operator should know about it at start."""

    @property
    def notices(self) -> tuple[str, ...]: ...


async def open_store(file: Path | None, address: str, clock: Clock, work_clock: Clock) -> OpenedStore:
    """Open the SQLite file, or, without one, the server at the address.

    Each kind is imported when it is needed: the other's driver costs a start
    its time.  Raises BadConfig or Unavailable with one sentence and the remedy.
    """
    if file is not None:
        from daemon.storage.sqlite.store import open_sqlite  # noqa: PLC0415 - see above

        with suppress(OSError):  # what cannot be made is named by the store, with its remedy
            file.parent.mkdir(mode=0o700, exist_ok=True)
        return await open_sqlite(file, work_clock)
    from daemon.storage.postgres.store import open_postgres  # noqa: PLC0415 - see above

    return await open_postgres(address, clock if isinstance(clock, ServerClock) else WorkClock(clock))


def upkeep_of(file: Path | None, address: str) -> Upkeep:
    """For the SQLite file, or, without one, the server at the address; see ``open_store``."""
    if file is not None:
        from daemon.storage.sqlite.upkeep import SqliteUpkeep  # noqa: PLC0415 - the other's driver is not needed

        return SqliteUpkeep(file)
    from daemon.storage.postgres.upkeep import PostgresUpkeep  # noqa: PLC0415 - see above

    return PostgresUpkeep(address)
