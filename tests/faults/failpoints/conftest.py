"""One nursery for all tests here: it imports the daemon once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.faults.failpoints.nursery import PROGRAM
from tests.processes.nursery import Nursery


@pytest.fixture(scope="package")
def nursery() -> Iterator[Nursery]:
    """Whose daemons have failpoints."""
    made = Nursery(PROGRAM)
    with asyncio.Runner() as runner:
        runner.run(made.__aenter__())
    yield made
    with asyncio.Runner() as runner:
        runner.run(made.__aexit__())
