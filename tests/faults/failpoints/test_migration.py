"""Kill -9 at every statement of a migration."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from daemon.storage.tables import metadata
from daemon.storage.versions import HEAD
from tests.faults.failpoints.migration import MODULE
from tests.faults.failpoints.orders import Order, Orders
from tests.faults.figures import record
from tests.faults.ledger import Ledger
from tests.faults.rules import QUIET
from tests.processes.daemon import Daemon
from tests.processes.nursery import Nursery
from tests.processes.site import Site


class Migrations:
    """Daemons on one file after the other, each killed at some statement of its first start."""

    def __init__(self, folder: Path, nursery: Nursery) -> None:
        self.orders = Orders(folder)
        self._folder, self._nursery = folder, nursery
        self._numbers = count()
        self._site: Site
        self.begin_anew()

    @property
    def ledger(self) -> Ledger:
        return Ledger(self._site.database)

    def begin_anew(self) -> None:
        """The next start is the first one of a new file."""
        self._site = Site.make(self._folder / str(next(self._numbers)), QUIET)

    def _daemon(self) -> Daemon:
        return Daemon(self._site, entry=["--failpoints", str(self.orders.file)], nursery=self._nursery)

    async def start(self) -> list[str]:
        """One that succeeds; the failpoints of its migration, in order of name."""
        self.orders.give()
        async with self._daemon():
            assert self.ledger.check() == "ok"
        return sorted(point for point in self.orders.reached() if point.startswith(MODULE))

    async def killed_at(self, point: str) -> None:
        self.orders.give(Order(point))
        daemon = self._daemon()
        async with daemon.manager:
            await daemon.spawn()
            await daemon.ended()
        assert self.orders.obeyed() == [("kill", point)]

    def has_new_schema(self) -> bool:
        """False: nothing of it; anything between fails."""
        assert self.ledger.check() == "ok"
        tables = {
            row["name"] for row in self.ledger.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        if not tables:
            return False
        assert tables == {*metadata.tables, "alembic_version"}
        assert self.ledger.rows("SELECT version_num FROM alembic_version")[0]["version_num"] == HEAD
        return True


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_row_07_killed_at_every_statement_of_a_migration(
    tmp_path: Path, nursery: Nursery, capsys: pytest.CaptureFixture[str]
) -> None:
    """The old schema or the new one, never half of it; the next start goes through all of it again."""
    them = Migrations(tmp_path, nursery)
    points = await them.start()
    for table in metadata.tables:
        assert any(f"CREATE TABLE {table} (" in point for point in points)
    assert f"{MODULE}:COMMIT after" in points
    them.begin_anew()
    new = 0
    for point in points:
        await them.killed_at(point)
        if them.has_new_schema():
            new += 1
            them.begin_anew()
    assert new, "none was killed after the COMMIT"
    await them.start()
    with capsys.disabled():
        record("kill -9 at every statement of a migration", points=len(points), after_commit=new, half=0)
