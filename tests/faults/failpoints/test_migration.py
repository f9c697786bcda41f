"""Kill -9 at every statement of a migration."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from daemon.storage.tables import metadata
from daemon.storage.versions import HEAD
from tests.faults.failpoints.migration import MODULE
from tests.faults.failpoints.modules import SERVER, enumerated
from tests.faults.failpoints.orders import Order, Orders
from tests.faults.failpoints.unreached import ON_FIRST_START
from tests.faults.figures import record
from tests.faults.ledger import Ledger
from tests.faults.rules import QUIET
from tests.faults.tables import Postgres
from tests.processes.daemon import Daemon
from tests.processes.nursery import Nursery
from tests.processes.postgres import Cluster
from tests.processes.site import Site

IN_FILE = "SELECT name FROM sqlite_master WHERE type = 'table'"
ON_SERVER = "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'tocsin'"
ALONE = ("batches",)
"""Tables that PostgreSQL alone has."""


class Migrations:
    """Daemons on one database after the other, each killed at some point of its first start.

    ``server``: whose new databases they are; None: SQLite files.
    """

    def __init__(self, folder: Path, nursery: Nursery, server: Cluster | None = None) -> None:
        self.orders = Orders(folder)
        self._folder, self._nursery, self._server = folder, nursery, server
        self._numbers = count()
        self._address = ""
        self._site: Site
        self.begin_anew()

    @property
    def ledger(self) -> Ledger:
        return Ledger(Postgres(self._address) if self._address else self._site.database)

    def begin_anew(self) -> None:
        """The next start is the first one of a new database."""
        settings: dict[str, Any] = {}
        if self._server is not None:
            self._address = settings["database"] = self._server.new_database()
        self._site = Site.make(self._folder / str(next(self._numbers)), QUIET, **settings)

    def _daemon(self) -> Daemon:
        return Daemon(self._site, entry=["--failpoints", str(self.orders.file)], nursery=self._nursery)

    async def start(self) -> set[str]:
        """One that succeeds; the failpoints that it passed."""
        self.orders.give()
        async with self._daemon():
            assert self.ledger.check() == "ok"
        return self.orders.reached()

    async def killed_at(self, point: str) -> None:
        self.orders.give(Order(point))
        daemon = self._daemon()
        async with daemon.manager:
            await daemon.spawn()
            await daemon.ended()
        assert self.orders.obeyed() == [("kill", point)]

    async def killed_at_each(self, points: Iterable[str]) -> int:
        """One after the other, all in their order; how often the new schema was there afterwards."""
        new = 0
        for point in points:
            await self.killed_at(point)
            if self.has_new_schema():
                new += 1
                self.begin_anew()
        return new

    def has_new_schema(self) -> bool:
        """False: nothing of it; anything between fails."""
        tables = {row["name"] for row in self.ledger.rows(ON_SERVER if self._address else IN_FILE)}
        if not tables:
            return False
        assert self.ledger.check() == "ok"
        assert tables == {*metadata.tables, "alembic_version", *(ALONE if self._address else ())}
        assert self.ledger.rows("SELECT version_num FROM alembic_version")[0]["version_num"] == HEAD
        return True


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_row_07_killed_at_every_statement_of_a_migration(
    tmp_path: Path, nursery: Nursery, capsys: pytest.CaptureFixture[str]
) -> None:
    """The old schema or the new one, never half of it; the next start goes through all of it again."""
    them = Migrations(tmp_path, nursery)
    points = sorted(point for point in await them.start() if point.startswith(MODULE))
    for table in metadata.tables:
        assert any(f"CREATE TABLE {table} (" in point for point in points)
    assert f"{MODULE}:COMMIT after" in points
    them.begin_anew()
    new = await them.killed_at_each(points)
    assert new, "none was killed after the COMMIT"
    await them.start()
    with capsys.disabled():
        record("kill -9 at every statement of a migration", points=len(points), after_commit=new, half=0)


@pytest.mark.slow
@pytest.mark.external
@pytest.mark.timeout(300)
async def test_row_07_killed_at_every_await_of_a_migration_on_a_server(
    tmp_path: Path, nursery: Nursery, postgres: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same on PostgreSQL, where the statements run in one transaction too."""
    them = Migrations(tmp_path, nursery, postgres)
    first = await them.start()
    later = await them.start()
    commit = {f"{MODULE}:COMMIT before", f"{MODULE}:COMMIT after"}
    points = sorted(one for one in first - later if one.startswith(SERVER) or one in commit)
    assert set(points) >= {point for point in enumerated() if point.startswith(tuple(ON_FIRST_START))}
    them.begin_anew()
    new = await them.killed_at_each(points)
    assert 0 < new < len(points)
    await them.start()
    with capsys.disabled():
        record("kill -9 in a migration on PostgreSQL", points=len(points), after_commit=new, half=0)
