"""Stores to run the contract suite over, opened on fresh databases."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from daemon.core.clock import FakeClock
from daemon.core.store import Store
from daemon.storage.sqlite.store import SqliteStore, open_sqlite
from daemon.storage.writer import Limits

CHILD_ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
Open = Callable[..., Awaitable[SqliteStore]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tocsin.db"


@pytest.fixture
async def open_store(path: Path) -> AsyncIterator[Open]:
    """Opens SQLite stores on the test's database and closes what the test left open."""
    opened: list[SqliteStore] = []

    async def opener(limits: Limits | None = None) -> SqliteStore:
        opened.append(await open_sqlite(path, FakeClock(), limits))
        return opened[-1]

    yield opener
    for store in opened:
        await store.close()


@pytest.fixture(params=["sqlite"])
async def store(request: pytest.FixtureRequest, open_store: Open) -> Store:
    """Every kind of store; the contract tests take this one and nothing else."""
    assert request.param == "sqlite"
    return await open_store()
