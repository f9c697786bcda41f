"""Death of the process at a chosen place: the end of everything that it holds in memory."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from daemon.core.store import Store


class Crash(BaseException):
    """kill -9: passes by every ``except Exception``, as the process would."""


class Fuse:
    """Counts the places that the daemon passes; at the chosen one it dies, and stays dead."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.dead = False
        self.passed = 0
        self.where = ""

    def arm(self, places: int) -> None:
        """Die at the so-manieth place from here (1: the next one)."""
        self.left = places

    def renew(self) -> None:
        """A new process; it dies of nothing yet."""
        self.dead, self.left = False, None

    def burn(self, where: str) -> None:
        """A place is passed.  Raises Crash at the chosen one, and ever after."""
        if self.dead:
            raise Crash(self.where)
        self.passed += 1
        if self.left is None:
            return
        self.left -= 1
        if self.left <= 0:
            self.dead, self.where = True, where
            raise Crash(where)

    @contextmanager
    def out_of_the_way(self) -> Iterator[None]:
        """What the world itself asks of the store passes no place."""
        left, self.left = self.left, None
        try:
            yield
        finally:
            self.left = left


class FragileStore:
    """A store that the daemon may die before and after every call of."""

    def __init__(self, store: Store, fuse: Fuse) -> None:
        self.inner = store
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def call(*arguments: Any, **named: Any) -> Any:
            self._fuse.burn(f"before {name}")
            answer = await found(*arguments, **named)
            self._fuse.burn(f"after {name}")
            return answer

        return call
