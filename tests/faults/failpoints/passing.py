"""What rewritten code calls.  A test's child gives it a trigger; without one nothing happens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any


def _nothing(_name: str) -> None:
    """Nobody has asked."""


trigger: Callable[[str], None] = _nothing
"""Told of each failpoint that is passed; what it raises is raised there."""


def passed(name: str) -> None:
    trigger(name)


class context:  # noqa: N801 - stands where a function's call stood
    """An asynchronous context manager, passing a name around its entry and its exit."""

    def __init__(self, inner: Any, name: str) -> None:
        self._inner = inner
        self._name = name

    async def __aenter__(self) -> Any:
        passed(f"{self._name} before entry")
        entered = await self._inner.__aenter__()
        passed(f"{self._name} after entry")
        return entered

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Any:
        passed(f"{self._name} before exit")
        swallowed = await self._inner.__aexit__(kind, error, trace)
        passed(f"{self._name} after exit")
        return swallowed


async def items(inner: Any, name: str) -> AsyncIterator[Any]:
    """What an asynchronous iterator gives, passing a name around each."""
    iterator = aiter(inner)
    while True:
        passed(f"{name} before")
        try:
            item = await anext(iterator)
        except StopAsyncIteration:
            passed(f"{name} after")
            return
        passed(f"{name} after")
        yield item
