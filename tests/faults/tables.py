"""A daemon's tables, read from outside: by SQLite itself, or by PostgreSQL's own client."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

Row = Mapping[str, Any]


class Tables(Protocol):
    """A question has ``?`` where its values go; bytes come back as bytes."""

    def rows(self, question: str, *values: object) -> list[Row]: ...

    def check(self) -> str:
        """The database's own verdict on itself; ``ok`` when it finds nothing."""
        ...


class SqliteFile:
    """A connection for each question: no test may pin the log of the daemon under test."""

    def __init__(self, database: Path) -> None:
        self._database = database

    def rows(self, question: str, *values: object) -> list[Row]:
        address = f"file:{self._database}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=5)) as connection:
            connection.row_factory = _named
            return connection.execute(question, values).fetchall()

    def check(self) -> str:
        return str(self.rows("PRAGMA integrity_check")[0]["integrity_check"])


def _named(cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> Row:
    return dict(zip((column[0] for column in cursor.description), values, strict=True))


class Postgres:
    """By psql, one JSON line for each row."""

    def __init__(self, address: str) -> None:
        self._address = address

    def rows(self, question: str, *values: object) -> list[Row]:
        first, *others = question.split("?")
        assert len(others) == len(values)
        filled = first + "".join(_literal(value) + part for value, part in zip(values, others, strict=True))
        return [json.loads(line, object_hook=_with_bytes) for line in self._ask(filled)]

    def check(self) -> str:
        """PostgreSQL finds damage while it reads: so everything is read once; and every row has its group."""
        for row in self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'tocsin'"):
            self.rows(f'SELECT count(*), sum(length(t::text)) FROM "{row["tablename"]}" t')  # noqa: S608 - a name of ours
        strays = self.rows(
            "SELECT 'episode' AS what, id FROM episodes WHERE group_id NOT IN (SELECT id FROM groups)"
            " UNION ALL SELECT 'delivery', id FROM deliveries WHERE group_id NOT IN (SELECT id FROM groups)"
            " UNION ALL SELECT 'group', id FROM groups WHERE id NOT IN (SELECT group_id FROM journal)"
        )
        return str(strays) if strays else "ok"

    def _ask(self, question: str) -> list[str]:
        wrapped = f"SELECT row_to_json(r) FROM ({question}) r"  # noqa: S608 - a test's own question
        done = subprocess.run(
            ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self._address, "-c", wrapped],
            capture_output=True, text=True, timeout=30, check=False,
            env=os.environ | {"PGOPTIONS": "-c search_path=tocsin"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()


def _literal(value: object) -> str:
    if isinstance(value, int):
        return str(value)
    assert isinstance(value, str)
    return "'" + value.replace("'", "''") + "'"


def _with_bytes(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _bytes(value) for name, value in row.items()}


def _bytes(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("\\x"):
        return bytes.fromhex(value[2:])
    return value
