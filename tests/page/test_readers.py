"""Thousands of readers at once: what they get is bytes that lie ready, whatever the database does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from daemon.page.site import PageSite
from daemon.storage.sqlite.readers import Readers
from daemon.web.listener import Listener
from daemon.web.server import public_app
from tests.stories.house import House
from tests.web.rig import Counted

READERS = 250  # connections at once; twenty requests on each are five thousand readers
REQUESTS = 20
PATHS = ("/", "/history", "/api/v2/summary.json")


async def test_row_69_five_thousand_readers_in_an_incident(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No question to the database for any of them; a change reaches those who come after it."""
    house = await House.open(tmp_path)
    await house.alert()
    await house.forward(2)
    site, calm = PageSite(), await house.board.view()
    site.replace(calm)
    await house.alert(service="search")
    await house.forward(2)
    worse = await house.board.view()

    def asked(*_: Any) -> None:
        raise AssertionError("a reader made the database work")

    monkeypatch.setattr(Readers, "_ask", asked)
    monkeypatch.setattr(type(house.store), "write", asked)

    def setup(app: web.Application) -> None:
        app.add_routes(site.routes())

    listener = Listener(public_app(meter=Counted(), setups=[setup]), "127.0.0.1", 0, grace=0.2)
    await listener.start()
    seen: list[tuple[int, bytes]] = []

    async def read(session: aiohttp.ClientSession, reader: int) -> None:
        for number in range(REQUESTS):
            path = PATHS[(reader + number) % len(PATHS)]
            async with session.get(f"http://127.0.0.1:{listener.port}{path}") as answer:
                seen.append((answer.status, await answer.read()))
            if len(seen) == READERS * REQUESTS // 2:
                site.replace(worse)

    try:
        connector = aiohttp.TCPConnector(limit=READERS)
        async with aiohttp.ClientSession(connector=connector) as session:
            await asyncio.gather(*(read(session, reader) for reader in range(READERS)))
            async with session.get(f"http://127.0.0.1:{listener.port}/") as answer:
                last = await answer.read()
    finally:
        await listener.stop()
        monkeypatch.undo()
        await house.close()
    assert len(seen) == READERS * REQUESTS
    assert {status for status, _ in seen} == {200}
    assert b"Search" in last
    assert len({content for _, content in seen}) == 2 * len(PATHS), "whole pages, before and after"
