"""What all stand-ins share: a place on loopback, what they were given, and a mood.

They take what the real channels send and answer as the real services answer;
nothing that they take goes any further.
"""

from __future__ import annotations

import collections
import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol, Self

from aiohttp import web

from daemon.core.clock import Clock, Instant


@dataclass(frozen=True, slots=True)
class Receipt:
    """Something that a stand-in took; ``intent`` tells two posts of the same thing from two things.

    ``thread`` is empty for what begins a thread.
    """

    channel: str
    at: Instant
    text: str
    intent: str
    to: str = ""
    thread: str = ""
    title: str = ""


class Listener(Protocol):
    """Who hears of everything that arrives."""

    def receipt(self, one: Receipt) -> None: ...

    def refusal(self, channel: str, at: Instant) -> None: ...


class Ledger:
    """What one stand-in took, in order.  With ``refuses`` it takes nothing and says so by ``refused``."""

    def __init__(self, channel: str, clock: Clock, listener: Listener, *, refuses: bool = False) -> None:
        self.channel = channel
        self.clock = clock
        self.refuses = refuses
        self.receipts: list[Receipt] = []
        self._listener = listener

    def take(self, text: str, intent: str, *, to: str = "", thread: str = "", title: str = "") -> None:
        receipt = Receipt(self.channel, self.clock.now(), text, intent, to, thread, title)
        self.receipts.append(receipt)
        self._listener.receipt(receipt)

    def refuse(self) -> None:
        self._listener.refusal(self.channel, self.clock.now())

    @property
    def duplicates(self) -> int:
        """How many posts too many there are."""
        counts = collections.Counter((one.intent, one.to) for one in self.receipts)
        return sum(count - 1 for count in counts.values())


class StandIn(Protocol):
    """A service that the demo's daemon talks to."""

    ledger: Ledger
    port: int

    async def start(self) -> Self: ...

    async def stop(self) -> None: ...


class HttpStandIn(ABC):
    """A stand-in that speaks HTTP; a kind adds its routes."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.port = 0
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @abstractmethod
    def routes(self) -> list[web.RouteDef]: ...

    async def start(self) -> Self:
        """Take a free port on loopback."""
        application = web.Application()
        application.add_routes(self.routes())
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()


def throw_away(prefix: str = "") -> str:
    """A credential that is worth nothing outside this run."""
    return prefix + secrets.token_urlsafe(24)
