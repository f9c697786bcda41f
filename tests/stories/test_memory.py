"""What the daemon has in memory is what its journal says: a restart changes nothing."""

from __future__ import annotations

from daemon.core.fold import fold_all
from tests.stories.house import House


async def test_memory_is_the_fold_of_the_journal(house: House) -> None:
    """Also in the order of things: stored entries have their keys sorted."""
    await house.alert()
    await house.forward(65)
    assert house.state(1) == fold_all(1, await house.store.journal(1))
