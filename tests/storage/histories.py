"""A history with a row of every kind, and everything that a database holds."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg

from config.database import file_of
from daemon.core.clock import FakeClock
from daemon.core.delivery import DeliveryState
from daemon.core.store import Store, Tx
from daemon.core.suppression import Bounce, Suppression
from daemon.storage.copying import TABLES
from daemon.storage.opening import open_store, upkeep_of
from daemon.storage.rows import Row
from daemon.storage.upkeep import Upkeep
from tests.storage.samples import NOW, delivery_row, episode_row, hear, new_group, put

Rows = dict[str, list[Row]]


def upkeep(address: str) -> Upkeep:
    return upkeep_of(file_of(address), address)


async def opened(address: str) -> Store:
    clock = FakeClock()
    return await open_store(file_of(address), address, clock, clock)


async def make(address: str, groups: int = 3) -> None:
    """Incidents, alerts, deliveries in every state, a body that nobody could read, rules and notes."""
    store = await opened(address)
    for number in range(1, groups + 1):
        group = await new_group(store, number=number, phase="open")
        await hear(store, group, 2)
        await put(
            store,
            *(
                delivery_row(100 * number + place, group, state=state, token=place)
                for place, state in enumerate(DeliveryState)
            ),
        )
    await store.write(_others, NOW)
    await store.close()


def _others(tx: Tx) -> None:
    tx.episode(episode_row(tx.next_id("episode"), 1))
    tx.episode(episode_row(tx.next_id("episode"), 1, firing=False, ends_at=NOW))
    tx.bounce(Bounce(101, "mail", "ann@example.org", NOW, "4.2.2", "full"))
    tx.suppression(Suppression("mail", "ann@example.org", NOW, "5.1.1", 2, "who", NOW + 1, "ada"))
    tx.quarantine("am", "no JSON", b"\x00\xff{")
    tx.rules_version("r1", NOW, "start", [("rules.yaml", "groups: []")])
    tx.note("beat", b"1")


async def everything(address: str) -> Rows:
    """All rows of all tables, read without the code under test; none where there is no database."""
    file = file_of(address)
    return _of_file(file) if file is not None else await _of_server(address)


def _of_file(file: Path) -> Rows:
    if not file.exists():
        return {}
    with closing(sqlite3.connect(file)) as connection:
        return {table.name: sorted(connection.execute(_question(table.name))) for table in TABLES}


async def _of_server(address: str) -> Rows:
    connection = await asyncpg.connect(address)
    try:
        if await connection.fetchval("SELECT to_regclass('tocsin.meta')") is None:
            return {}
        await connection.execute("SET search_path TO tocsin")
        return {
            table.name: sorted(tuple(row) for row in await connection.fetch(_question(table.name)))
            for table in TABLES
        }
    finally:
        await connection.close()


def _question(table: str) -> str:
    return f"SELECT * FROM {table}"  # noqa: S608 - names of ours


async def execute(address: str, statement: str) -> Any:
    """A hand with a SQL shell."""
    connection = await asyncpg.connect(address, server_settings={"search_path": "tocsin"})
    try:
        return await connection.execute(statement)
    finally:
        await connection.close()
