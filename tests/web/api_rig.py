"""The API of a whole daemon on loopback: real store, real rules, a clock that the test pushes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daemon.web.api import Api
from daemon.web.api_route import PREFIX
from tests.stories.house import House
from tests.web.rig import ADMIN, Answer, Rig, start

TOKEN = {"Authorization": f"Bearer {ADMIN}"}


@dataclass
class Office:
    """The house with a door: what a client can ask of it."""

    house: House
    api: Api
    rig: Rig

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.rig.ask("GET", PREFIX + path, **options)

    async def act(self, path: str, *, who: str = "ana", headers: Any = None, **body: Any) -> Answer:
        """A POST with the token."""
        shown = TOKEN | (headers or {})
        return await self.rig.ask("POST", PREFIX + path, json={"who": who} | body, headers=shown)

    async def open(self) -> None:
        """A checkout outage that has been public for some seconds: INC-1."""
        await self.house.alert(severity="critical")
        await self.house.forward(1)


@asynccontextmanager
async def office(folder: Path, peer: str = "") -> AsyncIterator[Office]:
    """A house with its API on a free port; ``peer`` replaces the caller's address."""
    house = await House.open(folder)
    try:
        api = Api(house.desk, house.incidents, house.deliveries)
        rig = await start(setups=[api.setup], clock=house.clock, peer=peer)
        try:
            yield Office(house, api, rig)
        finally:
            await rig.session.close()
            await rig.listener.stop()
    finally:
        await house.close()
