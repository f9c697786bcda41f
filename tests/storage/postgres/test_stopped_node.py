"""A process that is stopped in the middle of a commit has the right to write: the server takes it away."""

from __future__ import annotations

import asyncio
import signal
import sys

import pytest

from daemon.core.errors import Unavailable
from tests.processes.waiting import CLOCK
from tests.storage.conftest import CHILD_ENVIRONMENT
from tests.storage.postgres.conftest import Nodes
from tests.storage.samples import new_group

pytestmark = pytest.mark.external


@pytest.mark.timeout(60)
async def test_row_10_a_node_that_is_stopped_with_the_lock(nodes: Nodes, prepared: str) -> None:
    """The others wait for seconds; the stopped commit is not there, and its node goes on afterwards."""
    node = await nodes()
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.storage.postgres.child", prepared, "hold", env=CHILD_ENVIRONMENT,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None
    try:
        assert await child.stdout.readline() == b"holding\n"
        began = CLOCK.monotonic()
        group = 0
        while not group:
            try:
                group = await new_group(node.store)
            except Unavailable:
                assert CLOCK.monotonic() - began < 9
        assert 2 < CLOCK.monotonic() - began < 9, "it was meant to wait"
        assert group == 1
        child.send_signal(signal.SIGCONT)
        assert await child.stdout.read() == b"refused\n2\n"
        assert await child.wait() == 0
        assert await new_group(node.store) == 3
        assert node.groups == {2}
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()
