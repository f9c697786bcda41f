"""A process that has imported everything and forks daemons: a start without a second of imports.

Each child is a process of its own that runs ``tests.processes.entry`` from its
first line; only the modules are there already.  So hundreds of kill -9 fit
into a test.

The parent's end is ``Nursery``; this file run as a program is the other end:
one JSON line in for each daemon, its process id out.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Self

from tests.processes import entry
from tests.sources import ROOT

LATE = (
    "daemon.storage.sqlite.store",
    "daemon.storage.sqlite.migrate",
    "daemon.storage.postgres.store",
    "daemon.storage.revisions",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "tweepy.asynchronous",
)
"""What a daemon imports only when it needs it: together they cost each start half a second."""


class Nursery:
    """``async with Nursery() as nursery``; at the end every child that still lives is killed.

    ``program``: the module that runs as the other end.
    """

    def __init__(self, program: str = "tests.processes.nursery") -> None:
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        command = [sys.executable, "-m", self._program]
        self._process = await asyncio.to_thread(
            subprocess.Popen, command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None:
            await asyncio.to_thread(self._process.communicate)

    async def spawn(self, arguments: Sequence[str], environ: dict[str, str], log: Path) -> int:
        """Fork a daemon; its process id."""
        assert self._process is not None
        order = {"arguments": list(arguments), "environ": environ, "log": str(log)}
        return await asyncio.to_thread(self._ask, json.dumps(order).encode() + b"\n")

    def _ask(self, order: bytes) -> int:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(order)
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def serve() -> None:
    """Be the other end: until the standard input ends."""
    for name in LATE:
        import_module(name)
    children: set[int] = set()
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        child = os.fork()
        if child == 0:
            _be_born(order)
        children.add(child)
        children = {one for one in children if _lives(one)}
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
    for one in children:
        if _lives(one):
            os.kill(one, signal.SIGKILL)
            os.waitpid(one, 0)


def _lives(child: int) -> bool:
    return os.waitpid(child, os.WNOHANG)[0] == 0


def _be_born(order: dict[str, Any]) -> None:
    """Become a daemon: own log, own environment, own folder; never returns."""
    code = 70  # a crash before or within the daemon
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for own, target in ((nothing, 0), (nothing, 1), (log, 2)):
            os.dup2(own, target)
        os.environ.clear()
        os.environ.update(order["environ"])
        code = entry.main(order["arguments"])
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
