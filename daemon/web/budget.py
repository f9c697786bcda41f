"""How much memory the bodies of all webhooks together may take."""

from __future__ import annotations

from typing import Self

MEBI = 1 << 20

LARGE = 8 * MEBI
"""A body beyond this is large: 10,000 alerts are just below."""


class OverBudget(Exception):
    """There is no room for more now; nothing is wrong with the body."""


class Budget:
    """Bytes in flight.  Large bodies may not use the last quarter, so that small ones always find room."""

    def __init__(self, total: int = 192 * MEBI) -> None:
        self._total = total
        self._used = 0

    @property
    def used(self) -> int:
        return self._used

    def share(self) -> Share:
        """A request's part; a ``with`` gives it back at the end whatever happens."""
        return Share(self)

    def take(self, size: int, so_far: int) -> None:
        """Take more for a body that has ``so_far`` already.  Raises OverBudget."""
        limit = self._total if so_far + size <= LARGE else self._total * 3 // 4
        if self._used + size > limit:
            raise OverBudget
        self._used += size

    def give_back(self, size: int) -> None:
        self._used -= size


class Share:
    """What one request has taken of the budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._budget.give_back(self.size)

    def take(self, size: int) -> None:
        """Take that many bytes more.  Raises OverBudget."""
        self._budget.take(size, self.size)
        self.size += size
