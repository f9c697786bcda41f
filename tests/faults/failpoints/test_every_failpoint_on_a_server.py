"""The same as test_every_failpoint.py, for what PostgreSQL alone has; a file of its own, to run beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.failpoints.story import killed_at_each
from tests.faults.failpoints.unreached import ON_POSTGRESQL
from tests.processes.nursery import Nursery


@pytest.mark.slow
@pytest.mark.external
@pytest.mark.timeout(4_500)
async def test_rows_01_to_06_one_of_two_nodes_killed_at_every_failpoint(
    tmp_path: Path, nursery: Nursery, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every place ends a life of one node, whatever its link and its server do."""
    with capsys.disabled():
        await killed_at_each(ON_POSTGRESQL, tmp_path, nursery, address)
