"""Stores to run the contract suite over, opened on fresh databases."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from daemon.core.clock import FakeClock
from daemon.core.store import Store
from daemon.storage.memory.ledger import Ledger
from daemon.storage.memory.store import MemoryStore
from daemon.storage.postgres.store import PostgresStore, open_postgres
from daemon.storage.sqlite.store import SqliteStore, open_sqlite
from daemon.storage.writer import Limits
from tests.processes.postgres import Cluster

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


@pytest.fixture(scope="session")
def template(postgres: Cluster) -> str:
    """The name of a database that has the schema: a copy of it is made in a tenth of the time."""
    address = postgres.new_database()
    with ThreadPoolExecutor(1) as other:  # a thread has no event loop yet
        other.submit(asyncio.run, _bring_up_to_date(address)).result()
    return address.rpartition("/")[2]


async def _bring_up_to_date(address: str) -> None:
    await (await open_postgres(address, FakeClock())).close()


@pytest.fixture
def prepared(postgres: Cluster, template: str) -> Iterator[str]:
    """A database that has the schema and nothing in it."""
    found = postgres.new_database(template)
    yield found
    postgres.drop(found)


Nodes = Callable[..., Awaitable[PostgresStore]]


@pytest.fixture
async def open_node(prepared: str) -> AsyncIterator[Nodes]:
    """Opens stores on the test's PostgreSQL database, each as another process would."""
    opened: list[PostgresStore] = []

    async def opener(limits: Limits | None = None) -> PostgresStore:
        opened.append(await open_postgres(prepared, FakeClock(), limits))
        return opened[-1]

    yield opener
    for store in opened:
        await store.close()


AnyOpen = Callable[..., Awaitable[Store]]


@pytest.fixture
def open_memory() -> Callable[[], Awaitable[MemoryStore]]:
    """Opens stores over one ledger."""
    ledger = Ledger()

    async def opener() -> MemoryStore:
        return MemoryStore(ledger)

    return opener


DATABASES = ["sqlite", pytest.param("postgres", marks=pytest.mark.external)]
OPENERS = {"sqlite": "open_store", "postgres": "open_node", "memory": "open_memory"}


@pytest.fixture(params=[*DATABASES, "memory"])
def open_any(request: pytest.FixtureRequest) -> AnyOpen:
    """Opens stores of every kind, one kind after the other."""
    opener: AnyOpen = request.getfixturevalue(OPENERS[request.param])
    return opener


@pytest.fixture
async def store(open_any: AnyOpen) -> Store:
    """Every kind of store; the contract tests take this one and nothing else."""
    return await open_any()
