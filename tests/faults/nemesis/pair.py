"""Two daemons on one database, each with a link of its own to the server, and who posts to them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from tests.fakes.link import Link
from tests.processes.daemon import Daemon
from tests.processes.fast_clock import FastClock, FastServerClock
from tests.processes.nursery import Nursery
from tests.processes.site import Site

PAGE = {"name": "Example", "url": "https://status.example.com"}
"""The same at both: what is said must not tell who said it."""

PATIENCE = 3.0  # seconds until a monitor gives up on a node and sends it again, to the other one


class Pair:
    """``open`` it; ``post`` takes turns, as a load balancer would."""

    def __init__(
        self, folder: Path, address: str, clock: FastClock, rules: str, channels: Sequence[Mapping[str, Any]]
    ) -> None:
        self._folder, self._address, self._clock = folder, address, clock
        self._rules, self._channels = rules, channels
        self._turn = itertools.count()
        self.links: list[Link] = []
        self.nodes: list[Daemon] = []

    async def open(self, stack: AsyncExitStack, nursery: Nursery | None, skews: Sequence[int]) -> None:
        for number, skew in enumerate(skews):
            link = await stack.enter_async_context(Link(self._address))
            site = Site.make(
                self._folder / f"node{number}", self._rules, self._channels, database=link.address, page=PAGE
            )
            clock = FastServerClock(self._clock, skew)
            node = Daemon(site, entry=clock.options, nursery=nursery)
            self.links.append(link)
            self.nodes.append(node)
            await stack.enter_async_context(node)

    async def post(self, body: bytes) -> tuple[int, str]:
        node = self.nodes[next(self._turn) % len(self.nodes)]
        async with asyncio.timeout(PATIENCE):
            return await node.post(body)

    @property
    def logs(self) -> str:
        return "\n".join(node.log[-3000:] for node in self.nodes)
