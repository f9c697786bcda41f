"""Failpoints before and after each statement of a migration, from SQLAlchemy's own events.

Migrations run through SQLAlchemy, and in the daemon nothing else does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect

MODULE = "migration"
WORDS = 5  # of a statement, in its name


class Statements:
    """Numbers the statements of this process and passes a name before and after each, COMMIT too."""

    def __init__(self, passed: Callable[[str], None]) -> None:
        self._passed = passed
        self._count = 0
        self._name = ""

    def before(self, *arguments: Any) -> None:
        self._count += 1
        words = " ".join(str(arguments[2]).split()[:WORDS])
        self._name = f"{MODULE}:{self._count}:{words}"
        self._passed(f"{self._name} before")

    def after(self, *_arguments: Any) -> None:
        self._passed(f"{self._name} after")

    def commit(self, connection: Any) -> None:
        self._passed(f"{MODULE}:COMMIT before")
        connection.commit()
        self._passed(f"{MODULE}:COMMIT after")


def watch(passed: Callable[[str], None]) -> None:
    """For the rest of the process: it is a child's that has orders."""
    statements = Statements(passed)
    event.listen(Engine, "before_cursor_execute", statements.before)
    event.listen(Engine, "after_cursor_execute", statements.after)
    setattr(DefaultDialect, "do_commit", staticmethod(statements.commit))  # noqa: B010 - mypy forbids the other way
