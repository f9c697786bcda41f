"""How long a new piece of work would wait: the one reason to refuse it before the disk does."""

from __future__ import annotations

import math

_KEEP = 0.9  # share of the past that each batch leaves in the averages


class Pressure:
    """Estimates the wait from what batches cost: something per unit of weight, something per COMMIT."""

    def __init__(self, batch_weight: int) -> None:
        self._batch_weight = batch_weight
        # Guesses until a batch has been seen: 20,000 alerts/s and a disk of 5 ms.
        self._seconds = 0.05
        self._weight = 1_000.0
        self._commit = 0.005

    def observe(self, weight: int, working: float, committing: float) -> None:
        """A batch of that weight took so many seconds in the event loop and in COMMIT."""
        self._seconds = self._seconds * _KEEP + working
        self._weight = self._weight * _KEEP + weight
        self._commit = self._commit * _KEEP + committing * (1 - _KEEP)

    def estimate(self, queued: int, busy_for: float | None) -> float:
        """Seconds until a work behind ``queued`` weight starts; ``busy_for``: age of the batch under way.

        A batch that takes longer than usual is expected to take as long again:
        nobody knows when a stuck disk comes back.
        """
        batches = math.ceil(queued / self._batch_weight)
        ahead = queued * self._seconds / self._weight + batches * self._commit
        if busy_for is None:
            return ahead
        return ahead + (busy_for if busy_for > self._commit else self._commit - busy_for)
