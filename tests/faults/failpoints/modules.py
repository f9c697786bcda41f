"""Which modules have failpoints, and their names: read from the source, so that none can be forgotten."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.faults.failpoints.rewriting import Rewriting
from tests.sources import ROOT

FILES = (
    "daemon/web/hooks.py",
    "daemon/web/body.py",
    "daemon/web/deadline.py",
    "daemon/intake_desk.py",
    "daemon/service/*.py",
    "daemon/outbox.py",
    "daemon/editor.py",
    "daemon/reconcile.py",
    "daemon/recovery.py",
    "daemon/ticker.py",
    "daemon/loops.py",
    "daemon/page_loop.py",
    "daemon/rule_files.py",
    "daemon/storage/*.py",
    "daemon/storage/sqlite/*.py",
    "daemon/storage/postgres/*.py",
)
"""Intake, timer, delivery, reconcile, recovery and all that they store through."""

SERVER = "daemon.storage.postgres."
"""How the names begin that only a daemon on PostgreSQL passes."""


def files() -> Iterator[Path]:
    """The files themselves, relative to the repository."""
    for pattern in FILES:
        found = sorted(ROOT.glob(pattern))
        assert found, f"{pattern}: no such file"
        yield from (file.relative_to(ROOT) for file in found)


def module_of(file: Path) -> str:
    return ".".join(file.with_suffix("").parts)


def modules() -> frozenset[str]:
    """The names of the modules that are rewritten."""
    return frozenset(module_of(file) for file in files())


def enumerated() -> list[str]:
    """Every failpoint of the daemon's code, in the order of the source."""
    names: list[str] = []
    for file in files():
        rewriting = Rewriting(module_of(file))
        rewriting.visit(ast.parse((ROOT / file).read_text("utf-8")))
        names += rewriting.names
    return names
