"""The lives of one node of two on PostgreSQL, the other of which nobody kills."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
from typing_extensions import override

from daemon.storage.postgres.engine import LOCK, STALLED
from tests.fakes.link import AtCommit, Link
from tests.faults.failpoints.campaign import Campaign
from tests.faults.failpoints.orders import Orders
from tests.faults.nemesis.pair import PAGE, PATIENCE
from tests.faults.world import World
from tests.processes.daemon import Daemon
from tests.processes.fast_clock import LEAP
from tests.processes.site import Site


class TwoNodes(World):
    """``daemon`` is the one whose link to the database can be cut; monitors post to both in turn."""

    link: Link
    other: Daemon

    @override
    async def open(self, *, entry: Sequence[str] = (), **settings: Any) -> None:
        self.link = await self._stack.enter_async_context(Link(self.database))
        await super().open(entry=entry, database=self.link.address, page=PAGE, **settings)
        folder = self._folder / "other"
        site = Site.make(folder, self._rules, self.channels, database=self.database, page=PAGE, **settings)
        nothing = Orders(folder)
        nothing.give()
        options = [*self.clock.options, "--failpoints", str(nothing.file)]
        self.other = Daemon(site, entry=options, nursery=self._nursery)
        await self._stack.enter_async_context(self.other)
        self._turn = itertools.cycle((self.daemon, self.other))

    async def post(self, body: bytes) -> tuple[int, str]:
        """As a load balancer would: whoever is there."""
        async with asyncio.timeout(PATIENCE):
            return await next(self._turn).post(body)

    @override
    def leap(self) -> None:
        super().leap()
        self.other.signal(LEAP)


class ServerCampaign(Campaign):
    """What goes on between a node and its server besides the load."""

    world: TwoNodes

    @property
    @override
    def kinds(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        return (
            self.under_load, self.cut_at_commit, self.ended_sessions, self.with_operators,
            self.with_a_lock, self.stopped,
        )  # fmt: skip

    async def cut_at_commit(self) -> None:
        """The link breaks in the middle of commits, before the server has them or after; once for longer."""
        for at in (AtCommit.cut_after, AtCommit.cut_before) * 2:
            self.world.link.at_commit = at
            if await self.has_ended(0.4):
                break
            self.world.link.refusing = not self.world.link.refusing
        self.world.link.heal()
        await self.has_ended(1)

    async def ended_sessions(self) -> None:
        """The server ends every session of the node, and takes new ones after a while."""
        for _ in range(2):
            self.world.link.refusing = True
            self.world.link.cut()
            await self.has_ended(0.3)
            self.world.link.heal()
            if await self.has_ended(0.7):
                break

    @override
    async def with_a_lock(self) -> None:
        """Somebody else has the right to write, for longer than a commit waits for it."""
        session = await asyncpg.connect(self.world.database)
        try:
            await session.execute("SELECT pg_advisory_lock($1)", LOCK)
            if not await self.has_ended(STALLED + 1):
                await session.execute("SELECT pg_advisory_unlock($1)", LOCK)
                await self.has_ended(0.5)
        finally:
            session.terminate()
