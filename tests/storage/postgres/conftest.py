"""Several stores on one database, each as another process would open it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import asyncpg
import pytest

from daemon.core.clock import SystemClock
from daemon.core.errors import Unavailable
from daemon.core.store import Learned, Store, Tx
from daemon.storage.postgres.store import PostgresStore, open_postgres
from tests.fakes.link import Link
from tests.processes.postgres import Cluster
from tests.processes.waiting import CLOCK
from tests.storage.samples import NOW, begin

T = TypeVar("T")
Session = asyncpg.Connection


@dataclass
class Node:
    """A store, and all that it was told of the others' commits."""

    store: PostgresStore
    heard: list[Learned] = field(default_factory=list)

    @property
    def groups(self) -> set[int]:
        return {row.id for learned in self.heard for row in learned.groups}


async def patiently(store: Store, work: Callable[[Tx], T] = begin) -> T:  # type: ignore[assignment] # begin's T is int
    """Write as a monitor does: again until it is taken."""
    while True:
        try:
            return await store.write(work, NOW)
        except Unavailable:
            await CLOCK.sleep(0.05)


Nodes = Callable[..., Awaitable[Node]]


@pytest.fixture
async def nodes(prepared: str) -> AsyncIterator[Nodes]:
    """Opens nodes with the machine's clock; ``through`` another address, ``follows`` from the start."""
    opened: list[PostgresStore] = []

    async def opener(through: str = "", *, follows: bool = True) -> Node:
        store = await open_postgres(through or prepared, SystemClock())
        opened.append(store)
        node = Node(store)
        if follows:
            await store.follow(node.heard.append)
        return node

    yield opener
    for store in opened:
        await store.close()


@pytest.fixture
async def link(prepared: str) -> AsyncIterator[Link]:
    """A way to the database that can be troubled."""
    async with Link(prepared) as found:
        yield found


@pytest.fixture
async def session(prepared: str) -> AsyncIterator[Session]:
    """A stranger's session, for looking and for meddling."""
    found = await asyncpg.connect(prepared, server_settings={"search_path": "tocsin"})
    yield found
    found.terminate()


@pytest.fixture
def own_server(postgres: Cluster) -> Iterator[Cluster]:
    """A server that this test alone may crash and misconfigure."""
    cluster = Cluster(postgres.tools)
    try:
        cluster.make()
        yield cluster
    finally:
        cluster.remove()
