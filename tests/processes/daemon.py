"""One daemon process: started until it says READY, asked over HTTP, stopped or killed."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import aiohttp

from tests.processes.notify_socket import NotifySocket
from tests.processes.nursery import Nursery
from tests.processes.site import ADMIN, SOURCE, Site
from tests.sources import ROOT

START_WITHIN = 20.0
"""Seconds; a start takes about one, on a machine that does something else besides some more."""

LARGE = 1 << 20
COMMAND = "from daemon.cli.main import main; main()"


class NotStarted(AssertionError):
    """The process ended before it said READY; ``code`` is its exit code (None: not known)."""

    def __init__(self, code: int | None, log: str) -> None:
        super().__init__(f"the daemon ended with {code} instead of starting:\n{log}")
        self.code = code
        self.log = log


class Daemon:
    """The daemon of a site.  ``async with Daemon(site) as daemon`` starts it and at the end kills it.

    ``entry``: arguments for ``tests.processes.entry``; None runs ``tocsin serve``.
    ``nursery``: forks instead of executing (then exit codes are not known).
    """

    def __init__(
        self,
        site: Site,
        *,
        entry: Sequence[str] | None = None,
        nursery: Nursery | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.site = site
        self.manager = NotifySocket()
        self.pid = 0
        self.starts = 0
        self._entry = entry
        self._nursery = nursery
        self._environ = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), **(environ or {})}
        self._ended: asyncio.Task[int] | asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def log_file(self) -> Path:
        return self.site.folder / "daemon.log"

    @property
    def log(self) -> str:
        return self.log_file.read_text("utf-8") if self.log_file.exists() else ""

    def events(self, name: str) -> list[dict[str, Any]]:
        """The lines of the log with that event."""
        lines = [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == name]

    # -- life --------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.manager.__aenter__()
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20))
        try:
            await self.start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.is_running:
            await self.kill()
        if self._session is not None:
            await self._session.close()
        await self.manager.__aexit__()

    @property
    def is_running(self) -> bool:
        return self._ended is not None and not self._ended.done()

    async def spawn(self, *, execute: bool = False) -> None:
        """Begin to start; use ``start`` unless it is to die before it is ready.

        ``execute``: not from the nursery, this once.
        """
        assert not self.is_running
        self.manager.heard.clear()
        self.starts += 1
        environ = {**self._environ, "NOTIFY_SOCKET": self.manager.address}
        if self._nursery is not None and not execute:
            self.pid = await self._nursery.spawn(self._arguments, environ, self.log_file)
            self._ended = asyncio.ensure_future(_end_of(self.pid))
        else:
            process = await self._execute(environ)
            self.pid = process.pid
            self._ended = asyncio.ensure_future(process.wait())

    async def start(self, *, execute: bool = False) -> None:
        """Start and wait until it accepts.  Raises NotStarted."""
        await self.spawn(execute=execute)
        assert self._ended is not None
        ready = asyncio.ensure_future(self.manager.wait_for("READY"))
        try:
            async with asyncio.timeout(START_WITHIN):
                both: set[asyncio.Future[Any]] = {ready, self._ended}
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if self._ended.done():
            raise NotStarted(self._ended.result(), self.log)

    async def ended(self, within: float = 30.0) -> int | None:
        """Wait for its end; the exit code, negative for a signal."""
        assert self._ended is not None
        async with asyncio.timeout(within):
            return await asyncio.shield(self._ended)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    async def kill(self) -> None:
        """Kill -9, also of a stopped process."""
        self.signal(signal.SIGKILL)
        await self.ended()

    async def stop(self) -> int | None:
        """Stop in good order; the exit code."""
        self.signal(signal.SIGTERM)
        return await self.ended()

    @property
    def _arguments(self) -> list[str]:
        return ["-c", str(self.site.config), *(self._entry or ())]

    async def _execute(self, environ: dict[str, str]) -> asyncio.subprocess.Process:
        if self._entry is None:
            command = [sys.executable, "-c", COMMAND, "serve", "-c", str(self.site.config)]
        else:
            command = [sys.executable, "-m", "tests.processes.entry", *self._arguments]
        with self.log_file.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *command, cwd=self.site.folder, env=environ, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip

    # -- what may be asked ---------------------------------------------------

    async def post(self, body: bytes, source: str = "am", token: str = SOURCE) -> tuple[int, str]:
        """Post to a hook: status and text.  Raises aiohttp.ClientError when there is no answer."""
        assert self._session is not None
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        address = f"{self.site.private_url}/hooks/{source}"
        data = body if len(body) < LARGE else io.BytesIO(body)  # aiohttp's client warns of large bytes
        async with self._session.post(address, data=data, headers=headers) as answer:
            return answer.status, await answer.text()

    async def get(self, path: str, *, public: bool = False) -> tuple[int, str]:
        """Status and text of a page (``public``) or of the private listener."""
        return await self._ask("GET", path, public=public)

    async def act(self, path: str) -> tuple[int, str]:
        """POST to the private listener with the administrator's token."""
        return await self._ask("POST", path, public=False)

    async def _ask(self, method: str, path: str, *, public: bool) -> tuple[int, str]:
        assert self._session is not None
        base = self.site.page_url if public else self.site.private_url
        headers = {} if public else {"Authorization": f"Bearer {ADMIN}"}
        async with self._session.request(method, base + path, headers=headers) as answer:
            return answer.status, await answer.text()


async def _end_of(pid: int) -> None:
    """Return when a process that is not our child has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    loop.add_reader(handle, gone.set)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)
