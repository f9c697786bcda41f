"""The schema: what the migrations make is what tables.py says, and a kill leaves old or new."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from daemon.storage import versions
from daemon.storage.sqlite import migrate
from daemon.storage.tables import metadata
from tests.storage.conftest import CHILD_ENVIRONMENT, Open
from tests.storage.samples import new_group

KILLED = """
import os, sys
from pathlib import Path
from alembic import op
from daemon.storage.sqlite.migrate import migrate
name, count = sys.argv[2], int(sys.argv[3])
real = getattr(op, name)
def deadly(*arguments, **options):
    global count
    real(*arguments, **options)
    count -= 1
    if not count:
        os.kill(os.getpid(), 9)
setattr(op, name, deadly)
migrate(Path(sys.argv[1]))
"""


def run(path: Path, *arguments: str) -> int:
    command = [sys.executable, "-c", KILLED, str(path), *arguments]
    return subprocess.run(command, env=CHILD_ENVIRONMENT, check=False).returncode


async def test_migrations_and_tables_agree(open_store: Open, path: Path) -> None:
    """Alembic finds no difference between a migrated database and the definitions, indexes included."""
    await (await open_store()).close()
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert differences == []


def test_partial_indexes_agree_too(path: Path) -> None:
    """Alembic does not compare conditions, so the SQL of every index is compared as text."""
    migrate.migrate(path)
    made, said = sqlite3.connect(path), create_engine("sqlite://")
    question = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
    with said.connect() as connection:
        metadata.create_all(connection)
        expected = [tuple(row) for row in connection.exec_driver_sql(question)]
    assert made.execute(question).fetchall() == expected
    assert len(expected) > 8
    made.close()
    said.dispose()


def test_the_newest_version_is_the_one_that_the_program_names() -> None:
    """A migration that is added without raising HEAD would never run."""
    scripts = ScriptDirectory(str(versions.SCRIPTS))
    assert scripts.get_heads() == [versions.HEAD]
    assert versions.known() == {script.revision for script in scripts.walk_revisions()}


@pytest.mark.parametrize(
    ("operation", "count"),
    [("execute", 1), ("create_table", 1), ("create_table", 7), ("create_index", 1), ("create_index", 11)],
)
async def test_a_kill_in_a_migration_leaves_the_old_schema(
    open_store: Open, path: Path, operation: str, count: int
) -> None:
    """After any statement of the first migration: still an empty database, and the next start is fine."""
    assert run(path, operation, str(count)) == -9
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    connection.close()
    assert await new_group(await open_store()) == 1
