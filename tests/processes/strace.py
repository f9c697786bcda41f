"""Faults of system calls, put into a running process by strace(1)."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.processes.waiting import until


@asynccontextmanager
async def injected(pid: int, calls: str, fault: str, folder: Path) -> AsyncIterator[None]:
    """Until the end of the context each of ``calls`` goes as ``fault`` says (strace's ``inject=``)."""
    output = folder / "strace.out"
    process = await asyncio.create_subprocess_exec(
        "strace", "-f", "-p", str(pid), "-e", f"trace={calls}", "-e", f"inject={calls}:{fault}", "-o",
        str(output), stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        line = await process.stderr.readline()
        assert b"attached" in line, line + await process.stderr.read()
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()
        await until(lambda: process.returncode is not None)
