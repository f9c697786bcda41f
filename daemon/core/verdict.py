"""The answer to the question whether a hash chain holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of one group's hash chain found; ``broken_at`` is the first entry that does not fit."""

    group: int
    entries: int
    broken_at: int | None = None
    reason: str = ""

    @property
    def good(self) -> bool:
        return self.broken_at is None
