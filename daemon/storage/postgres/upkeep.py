"""Looking after a database on a PostgreSQL server: what `tocsin db` does with one."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from daemon.core.clock import Clock, Instant, to_datetime
from daemon.core.errors import BadConfig, NotFound
from daemon.storage.checkup import MADE_AT_START, Checkup
from daemon.storage.copying import Progress, Source, pour
from daemon.storage.engine import Fault
from daemon.storage.postgres import faults, transfer
from daemon.storage.postgres.connection import SCHEMA, Connection, shown
from daemon.storage.postgres.presence import allow_one, be_alone
from daemon.storage.postgres.schema import check_server, prepare, promises, version_of
from daemon.storage.postgres.store import open_postgres
from daemon.storage.restoration import FORGET_SECRET, hold
from daemon.storage.sqlite.checkup import require
from daemon.storage.sqlite.restore import prepare as prepare_copy
from daemon.storage.sqlite.transfer import read as read_file
from daemon.storage.sqlite.upkeep import fill_file
from daemon.storage.upkeep import Looked, Restored, Upgraded
from daemon.storage.versions import HEAD

RESTORING = f"{SCHEMA}_restoring"


class PostgresUpkeep:
    """See daemon/storage/upkeep.py."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.place = shown(address)

    def look(self) -> Looked:
        return asyncio.run(self._look())

    async def _look(self) -> Looked:
        async with transfer.session(self._address) as connection:
            await check_server(connection, self._address)
            version = await version_of(connection, self._address)
            if not version and not await connection.fetchval(
                "SELECT has_database_privilege(current_database(), 'CREATE')"
            ):
                raise BadConfig(
                    f"database: {self.place}: the user may not create the schema {SCHEMA};"
                    " make it the owner of the database"
                )
            return Looked(version, tuple(await promises(connection)))

    def check(self) -> Checkup:
        return asyncio.run(self._check())

    async def _check(self) -> Checkup:
        found = Checkup(self.place)
        async with transfer.session(self._address) as connection:
            found.version = await version_of(connection, self._address)
            if not found.version:
                raise NotFound(f"{self.place}: holds no data of tocsin{MADE_AT_START}")
            try:
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    await transfer.check_inside(connection, found)
            except Exception as error:
                if not faults.is_own(error) or faults.fault_of(error) is Fault.wait:
                    raise
                found.damage.append(str(error))
        return found

    def back_up(self, target: Path, *, force: bool, progress: Progress) -> Checkup:
        return asyncio.run(self._back_up(target, force, progress))

    async def _back_up(self, target: Path, force: bool, progress: Progress) -> Checkup:
        async with transfer.read(self._address, alone=False) as source:
            return await fill_file(source, target, force=force, progress=progress)

    def restore(self, source: Path, clock: Clock, progress: Progress) -> Restored:
        require(source)
        asyncio.run(self._refuse_if_used())  # before the long work, and once more within it
        with tempfile.TemporaryDirectory(prefix="tocsin-") as folder:
            prepared = Path(folder) / "tocsin.db"
            found, held = prepare_copy(source, prepared, clock)
            aside = asyncio.run(self._exchange(prepared, clock.now(), progress))
        return Restored(found, held, aside)

    async def _refuse_if_used(self) -> None:
        async with transfer.session(self._address) as connection:
            await check_server(connection, self._address)
            await be_alone(connection, self._address)

    async def _exchange(self, prepared: Path, now: Instant, progress: Progress) -> str | None:
        """Beside the schema that is there, then two new names, all in one transaction."""
        async with transfer.filled(self._address, RESTORING) as target:
            with read_file(prepared) as source:
                await pour(source, target, progress)
            await target.check()
            aside = await _set_aside(target.connection, now)
            await target.connection.execute(f"ALTER SCHEMA {RESTORING} RENAME TO {SCHEMA}")
        return aside and f"{self.place}, schema {aside}"

    def hold(self, clock: Clock) -> int:
        return asyncio.run(self._hold(clock))

    async def _hold(self, clock: Clock) -> int:
        async with transfer.session(self._address) as connection:
            if not await version_of(connection, self._address):
                raise NotFound(f"{self.place}: holds no data of tocsin{MADE_AT_START}")
            store = await open_postgres(self._address, clock)
            try:
                await allow_one(connection, self._address)
                await connection.execute(FORGET_SECRET)
                return await hold(store, clock.now())
            finally:
                await store.close()

    def migrate(self) -> Upgraded:
        return asyncio.run(self._migrate())

    async def _migrate(self) -> Upgraded:
        async with transfer.session(self._address) as connection:
            before = await version_of(connection, self._address)
            await prepare(connection, self._address)
        return Upgraded(before, HEAD)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Source]:
        async with transfer.read(self._address, alone=True) as source:
            yield source

    async def take_over(self, source: Source, progress: Progress) -> Checkup:
        async with transfer.filled(self._address, SCHEMA) as target:
            await pour(source, target, progress)
            return await target.check()


async def _set_aside(connection: Connection, now: Instant) -> str | None:
    """Rename the schema that is there; its new name."""
    schemas = {row[0] for row in await connection.fetch("SELECT nspname FROM pg_namespace")}
    if SCHEMA not in schemas:
        return None
    name = f"{SCHEMA}_{to_datetime(now):%Y%m%d_%H%M%S}"
    names = itertools.chain([name], (f"{name}_{number}" for number in itertools.count(2)))
    free = next(one for one in names if one not in schemas)
    await connection.execute(f"ALTER SCHEMA {SCHEMA} RENAME TO {free}")
    return free
