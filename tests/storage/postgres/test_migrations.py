"""The schema on PostgreSQL: what tables.py says, made once however many nodes start, whole or not at all."""

from __future__ import annotations

import asyncio
import re
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.schema import CreateIndex

from daemon.storage.tables import metadata, shared
from tests.storage.conftest import CHILD_ENVIRONMENT
from tests.storage.postgres.conftest import Nodes, Session
from tests.storage.samples import new_group

pytestmark = pytest.mark.external


@pytest.fixture
def prepared(address: str) -> str:
    """Here nothing is prepared."""
    return address


def everything() -> MetaData:
    """The tables of both kinds, as one."""
    whole = MetaData()
    for table in (*metadata.sorted_tables, *shared.sorted_tables):
        table.to_metadata(whole)
    return whole


async def test_migrations_and_tables_agree(nodes: Nodes, address: str) -> None:
    """Alembic finds no difference in tables, columns, types and indexes."""
    await nodes()

    def differences(connection: Connection) -> object:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        return compare_metadata(context, everything())

    engine = create_async_engine(
        address.replace("postgresql://", "postgresql+asyncpg://"),
        connect_args={"server_settings": {"search_path": "tocsin"}},
    )
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


def _same(statement: str) -> str:
    """A condition without what the server adds to it: casts, brackets, another spelling of NOT IN."""
    bare = re.sub(r"::\w+(\[\])?|tocsin\.|[()\s]| USING btree|ARRAY\[|\]", "", statement)
    return bare.replace("<>ALL", "NOTIN").replace("CREATE", "")


async def test_partial_indexes_agree_too(nodes: Nodes, session: Session) -> None:
    """Alembic does not compare conditions, so the SQL of every index is compared as text."""
    await nodes()
    rows = await session.fetch("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'tocsin'")
    made = {row["indexname"]: _same(row["indexdef"].replace(" USING btree", "")) for row in rows}
    said = {
        str(index.name): _same(str(CreateIndex(index).compile(dialect=postgresql.dialect())))  # type: ignore[no-untyped-call] # SQLAlchemy's own
        for table in metadata.sorted_tables
        for index in table.indexes
    }
    assert len(said) > 8
    assert {name: made[name] for name in said} == said


async def test_nodes_that_start_together_migrate_once(nodes: Nodes, session: Session) -> None:
    """All of them open, with one secret."""
    opened = await asyncio.gather(*(nodes(follows=False) for _ in range(4)))
    assert len({node.store.secret for node in opened}) == 1
    assert await session.fetchval("SELECT count(*) FROM alembic_version") == 1
    assert [await new_group(node.store) for node in opened] == [1, 2, 3, 4]


@pytest.mark.parametrize("count", [1, 6, 14])
async def test_row_07_a_kill_in_the_migration(
    nodes: Nodes, address: str, session: Session, count: int
) -> None:
    """Nothing of it is there; the next start does it all."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.storage.postgres.child", address, "migrate", str(count),
        env=CHILD_ENVIRONMENT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await child.communicate()
    assert child.returncode == -9, output
    node = await nodes()
    assert await new_group(node.store) == 1
    assert await session.fetchval("SELECT count(*) FROM alembic_version") == 1
