"""Whether a group's hash chain holds from its first entry to the head that its row names."""

from __future__ import annotations

from collections.abc import Iterable

from daemon.core.journal import GENESIS, chain
from daemon.core.verdict import Verdict

Sealed = tuple[int, int, str, bytes, bytes]  # sequence, at, kind, body, hash


class Chain:
    """A walk along one group's entries; ``row`` is the sequence and head that the group's row remembers."""

    __slots__ = ("_broken", "_count", "_group", "_previous", "_row")

    def __init__(self, group: int, row: tuple[int, bytes] | None) -> None:
        self._group = group
        self._row = row
        self._previous = GENESIS
        self._count = 0
        self._broken: Verdict | None = None

    def add(self, sequence: int, at: int, kind: str, body: bytes, seal: bytes) -> None:
        """The next entry; after the first one that is wrong the rest says nothing."""
        if self._broken is not None:
            return
        if sequence != self._count + 1:
            self._break(self._count + 1, f"entry {self._count + 1} is missing")
        # A hand with a SQL shell leaves text where bytes were.
        elif type(body) is not bytes or chain(self._previous, self._group, sequence, at, kind, body) != seal:
            self._break(sequence, f"entry {sequence} was changed, or one before it replaced")
        else:
            self._previous, self._count = seal, sequence
            if self._row and self._row[0] == sequence and self._row[1] != seal:
                self._break(sequence, f"entry {sequence} is not the one that the group's row names")

    def _break(self, entry: int, reason: str) -> None:
        self._broken = Verdict(self._group, self._count, entry, reason)

    def verdict(self) -> Verdict:
        """What is to be said when there are no more entries."""
        if self._broken is not None:
            return self._broken
        if self._row and self._row[0] > self._count:
            missing = self._count + 1
            return Verdict(
                self._group, self._count, missing, f"the newest entries, from {missing} on, are missing"
            )
        return Verdict(self._group, self._count)


def verify(group: int, entries: Iterable[Sealed], row: tuple[int, bytes] | None) -> Verdict:
    """Walk the chain from its first entry to its end."""
    walk = Chain(group, row)
    for entry in entries:
        walk.add(*entry)
    return walk.verdict()
