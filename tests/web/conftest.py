"""Listeners for tests, stopped at their end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Any

import pytest
import structlog

from tests.web.rig import Rig, Starter, start


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged, instead of on the screen."""
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.fixture
async def starter() -> AsyncIterator[Starter]:
    """Starts listeners with options of the test's choice."""
    rigs: list[Rig] = []

    async def make(**options: Any) -> Rig:
        rigs.append(await start(**options))
        return rigs[-1]

    yield make
    for rig in rigs:
        await rig.session.close()
        await rig.listener.stop()


@pytest.fixture
async def rig(starter: Starter) -> Rig:
    """A listener as it comes, called from loopback."""
    return await starter()
