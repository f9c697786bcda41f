"""What is done to a database as a whole, of whatever kind it is: one class for each."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from daemon.core.clock import Clock
from daemon.storage.checkup import Checkup
from daemon.storage.copying import Progress, Source


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did; ``aside`` is where that is now which was there before (None: nothing was)."""

    copy: Checkup
    held: int
    aside: str | None


@dataclass(frozen=True, slots=True)
class Upgraded:
    """From which version of the schema to which; ``before`` is empty for an empty database."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Looked:
    """What a start would meet; ``version`` is empty where it would make the database."""

    version: str
    notices: tuple[str, ...] = ()


class Upkeep(Protocol):
    """Every method may raise NotFound, BadConfig or Unavailable with one sentence and the remedy.

    What is not ``async`` runs an event loop of its own.
    """

    @property
    def place(self) -> str:
        """The database as it may be printed."""
        ...

    def look(self) -> Looked:
        """Whether a daemon could start on it, without changing anything."""
        ...

    def check(self) -> Checkup:
        """Whether it is whole; also while daemons run."""
        ...

    def back_up(self, target: Path, *, force: bool, progress: Progress) -> Checkup:
        """Write it as it is now into a file, also while daemons run; what was found in the file.

        Raises BadInput (no place for a file) or Refused (damaged; ``target``
        exists and ``force`` is not set), with nothing left under the name.
        """
        ...

    def restore(self, source: Path, clock: Clock, progress: Progress) -> Restored:
        """Make a backup the database, hold what it had not sent, keep what was there before.

        Raises BadInput or Refused, too; the database is untouched whenever it raises.
        """
        ...

    def hold(self, clock: Clock) -> int:
        """Hold what is not final, for those who restored it by other means; how many deliveries."""
        ...

    def migrate(self) -> Upgraded:
        """Bring its schema up to date."""
        ...

    def reading(self) -> AbstractAsyncContextManager[Source]:
        """Read all of it; no daemon runs meanwhile, and none can start."""
        ...

    async def take_over(self, source: Source, progress: Progress) -> Checkup:
        """Become a copy of ``source``; what was found in the copy.

        Raises Refused when there is something already or the copy is damaged,
        with nothing kept.
        """
        ...


async def copy_over(source: Upkeep, target: Upkeep, progress: Progress) -> Checkup:
    """A whole history into an empty database, checked there.  Raises what both sides raise."""
    async with source.reading() as snapshot:
        return await target.take_over(snapshot, progress)
