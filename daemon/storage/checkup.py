"""What a look at a whole database finds, whatever kind it is; and every group's hash chain at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field

from daemon.core.errors import Refused
from daemon.core.verdict import Verdict
from daemon.storage.rows import Row
from daemon.storage.verify import Chain

MADE_AT_START = "; the daemon makes it when it starts"

GROUPS = (
    "SELECT known.id, groups.number, groups.sequence, groups.head"
    " FROM (SELECT id FROM groups UNION SELECT group_id FROM journal) AS known"
    " LEFT JOIN groups ON groups.id = known.id ORDER BY known.id"
)
"""Every group, also one whose row is gone: its number, and the newest entry that its row names."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A group whose chain does not hold; ``incident`` is its number, if it has one."""

    group: int
    incident: int | None
    entry: int
    reason: str

    def __str__(self) -> str:
        name = f"INC-{self.incident}" if self.incident else f"group {self.group}"
        return f"{name}: {self.reason}"


@dataclass(slots=True)
class Checkup:
    """What was found; ``place`` is the database as it may be printed, ``damage`` its own report."""

    place: str
    version: str = ""
    groups: int = 0
    entries: int = 0
    damage: list[str] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.damage and not self.broken

    @property
    def findings(self) -> list[str]:
        """A sentence for each thing that is wrong."""
        return [*self.damage, *map(str, self.broken)]

    def judged(self, verdict: Verdict, incident: int | None) -> None:
        """Count a group whose chain was walked."""
        self.groups += 1
        self.entries += verdict.entries
        if verdict.broken_at is not None:
            self.broken.append(Broken(verdict.group, incident, verdict.broken_at, verdict.reason))

    def require_good(self) -> None:
        """For those who go on only with a whole database.  Raises Refused with the first finding."""
        if not self.version and self.good:
            raise Refused(f"{self.place}: holds no data of tocsin")
        if not self.good:
            more = len(self.findings) - 1
            rest = f" (and {more} more; see `tocsin db check`)" if more else ""
            raise Refused(f"{self.place} is damaged: {self.findings[0]}{rest}")


async def check_chains(found: Checkup, groups: Iterable[Row], entries: AsyncIterator[Sequence[Row]]) -> None:
    """Walk all chains in one pass over the journal.

    ``groups``: the rows of ``GROUPS``; ``entries``: rows of the journal (group
    and what ``verify`` wants), those of each group in their order.
    """
    known = {group: (number, Chain(group, _remembered(row))) for group, number, *row in groups}
    async for rows in entries:
        for group, *sealed in rows:
            known[group][1].add(*sealed)
    for number, chain in known.values():
        found.judged(chain.verdict(), number)


def _remembered(row: Sequence[object]) -> tuple[int, bytes] | None:
    sequence, head = row
    return None if sequence is None else (sequence, head)  # type: ignore[return-value] # a row of GROUPS
