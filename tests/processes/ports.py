"""Ports for programs that the tests start."""

from __future__ import annotations

import os
import random
import socket

FIRST, BEYOND = 20_000, 32_000
"""Below what Linux gives to outgoing connections, so that a port stays free while its owner restarts."""
WORKERS = 8
"""Shares of the range: the workers of a parallel run do not look at each other's ports."""


def _share() -> list[int]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    ports = list(range(FIRST, BEYOND))[int(worker) % WORKERS :: WORKERS]
    random.SystemRandom().shuffle(ports)
    return ports


_LEFT = _share()


def free_port() -> int:
    """A port that nobody uses and that this process was not given before.

    Given once only: two programs that start later would else be told the same one, since neither
    holds it yet.
    """
    while _LEFT:
        port = _LEFT.pop()
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port")
