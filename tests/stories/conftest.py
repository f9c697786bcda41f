"""The house that stories happen in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.stories.house import House


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A daemon on a clock that stands still."""
    opened = await House.open(tmp_path)
    yield opened
    await opened.close()
