"""A server that the nemesis may crash."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.processes.postgres import Cluster


@pytest.fixture
def own_server(postgres: Cluster) -> Iterator[Cluster]:
    """Of this test's own."""
    cluster = Cluster(postgres.tools)
    try:
        cluster.make()
        yield cluster
    finally:
        cluster.remove()
