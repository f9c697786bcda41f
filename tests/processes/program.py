"""Somebody else's server as a child process: started, killed and started again on the same storage."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Self

import aiohttp
import pytest

from tests.processes.waiting import until_heard


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skip with the one line that helps; the marker `external` makes the skip an error in CI."""
    missing = [program for program in programs if shutil.which(program) is None]
    return pytest.mark.skipif(
        bool(missing), reason=f"not installed: {', '.join(missing)} (Debian: apt install {' '.join(missing)})"
    )


class Program:
    """``ready`` is an address that answers 200 once it serves.  Leaving the context kills it."""

    def __init__(self, command: list[str], folder: Path, ready: str) -> None:
        self._command = command
        self._folder = folder
        self._ready = ready
        self._process: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> Path:
        return self._folder / f"{Path(self._command[0]).name}.log"

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, cwd=self._folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        await until_heard(self._serves, within=30, what=self._end_of_log)

    async def kill(self) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
        await self._process.wait()

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.kill()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def _serves(self) -> bool:
        try:
            async with aiohttp.ClientSession() as session, session.get(self._ready) as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    def _end_of_log(self) -> str:
        return self.log.read_text("utf-8", errors="replace")[-2000:]
