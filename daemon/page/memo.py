"""What was rendered before, kept until what it was made of changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Memo(Generic[T]):
    """The newest value of each key; at most ``limit`` of them, the oldest made goes first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: dict[str, tuple[object, T]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: str, signature: object, make: Callable[[], T]) -> T:
        """The value for this signature, made now if the one at hand was made of something else."""
        known = self._kept.get(key)
        if known is not None and (known[0] is signature or known[0] == signature):
            return known[1]
        value = make()
        self._kept.pop(key, None)  # so that it counts as the newest
        self._kept[key] = (signature, value)
        if len(self._kept) > self._limit:
            del self._kept[next(iter(self._kept))]
        return value
