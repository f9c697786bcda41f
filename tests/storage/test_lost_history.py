"""Row 27: a server that no longer has what it acknowledged (an older copy, a standby that lagged)."""

from __future__ import annotations

import asyncio

import pytest

from daemon.core.delivery import DeliveryState
from daemon.core.errors import Unavailable
from daemon.storage.postgres.connection import connect
from tests.storage.conftest import Nodes
from tests.storage.samples import delivery_row, new_group, put

pytestmark = pytest.mark.external


async def go_back(address: str, commits: int) -> None:
    """The newest commits are gone, as a standby never had them; their traces in `batches` matter here."""
    connection = await connect(address)
    await connection.execute(
        "DELETE FROM batches WHERE number > (SELECT max(number) FROM batches) - $1::bigint", commits
    )
    await connection.close()


async def test_row_27_a_server_that_lost_commits_stops_the_node(open_node: Nodes, prepared: str) -> None:
    """Nothing is written or sent on top of a past; what it calls queued is put to people."""
    node = await open_node()
    reasons: list[str] = []
    node.on_failure(reasons.append)
    group = await new_group(node)
    await put(node, delivery_row(1, group))
    secret = node.secret
    await go_back(prepared, 1)
    with pytest.raises(Unavailable, match="it is an older copy"):
        await new_group(node)
    assert "has lost commit" in reasons[0]
    await node.close()

    next_life = await open_node()
    (row,) = (await next_life.deliveries(5)).items
    assert (row.state, row.detail) == (DeliveryState.held, "restored from a backup")
    assert next_life.secret != secret
    assert await new_group(next_life) == group + 1


async def test_row_27_an_idle_node_notices_it_too(open_node: Nodes, prepared: str) -> None:
    """Without anything to write: at its next look."""
    node = await open_node()
    await new_group(node)
    stopped = asyncio.Event()
    node.on_failure(lambda _: stopped.set())
    await go_back(prepared, 1)
    node._writer.nudge()  # as a NOTIFY or the next second would
    async with asyncio.timeout(10):
        await stopped.wait()
    assert "has lost commit" in node.failure
