"""Whether a group's hash chain holds from its first entry to the head that its row names."""

from __future__ import annotations

from collections.abc import Iterable

from daemon.core.journal import GENESIS, chain
from daemon.core.verdict import Verdict

Sealed = tuple[int, int, str, bytes, bytes]  # sequence, at, kind, body, hash


def verify(group: int, entries: Iterable[Sealed], row: tuple[int, bytes] | None) -> Verdict:
    """Walk the chain; ``row`` is the sequence and head that the group's row remembers."""
    previous, count = GENESIS, 0
    remembered = row
    for sequence, at, kind, body, seal in entries:
        if sequence != count + 1:
            return Verdict(group, count, count + 1, f"entry {count + 1} is missing")
        # A hand with a SQL shell leaves text where bytes were.
        if type(body) is not bytes or chain(previous, group, sequence, at, kind, body) != seal:
            return Verdict(group, count, sequence, f"entry {sequence} was changed, or one before it replaced")
        previous, count = seal, sequence
        if remembered and remembered[0] == sequence and remembered[1] != seal:
            return Verdict(
                group, count, sequence, f"entry {sequence} is not the one that the group's row names"
            )
    if remembered and remembered[0] > count:
        return Verdict(group, count, count + 1, f"the newest entries, from {count + 1} on, are missing")
    return Verdict(group, count)
