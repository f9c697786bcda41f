"""The two programs under test as subprocesses: started, asked for their memory, stopped."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sys
from abc import ABC, abstractmethod
from asyncio.subprocess import Process
from pathlib import Path
from typing import Self

import msgspec

from bench.bodies import rules
from bench.load import Job, Result
from daemon.core.clock import SystemClock

CLOCK = SystemClock()
ROOT = Path(__file__).parent.parent
TOKEN = "a-token-of-the-benchmark"  # noqa: S105 - of a daemon that lives for seconds on loopback
START_WITHIN = 60.0

CONFIG = """
listen: {{ public: 127.0.0.1:{public}, private: 127.0.0.1:{private} }}
database: {database}
page: {{ name: Bench, url: "http://127.0.0.1:{public}" }}
rules: [ {folder}/rules.yaml ]
sources: [ {{ name: am, format: alertmanager, token_file: {folder}/token }} ]
channels:
  - {{ name: page, kind: status_page }}
  - {{ name: ops, kind: slack, audience: internal, per_minute: 100000, webhook_url_file: {folder}/hook }}
log: {{ level: info, format: json }}
"""

ALERTMANAGER = "route: { receiver: none, group_by: [ cluster, service ] }\nreceivers: [ { name: none } ]\n"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Program(ABC):
    """A subprocess that answers 200 on one address once it is ready."""

    name = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: Process | None = None

    @abstractmethod
    def command(self) -> list[str]: ...

    async def start(self) -> float:
        began = CLOCK.monotonic()
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.command(), stdout=log, stderr=log, cwd=ROOT
            )
        while not await is_ready(self.port):
            if self.process.returncode is not None or CLOCK.monotonic() - began > START_WITHIN:
                raise RuntimeError(f"{self.name} did not start; see {self.folder}/{self.name}.log")
            await CLOCK.sleep(0.005)
        return CLOCK.monotonic() - began

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        if self.process is None:
            return
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            await self.process.wait()
        self.process = None

    def cpu(self) -> float:
        """Seconds of processor time used so far."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss(self) -> int:
        """Resident bytes."""
        assert self.process is not None
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0


class Receiver(Program):
    """A program that takes alerts."""

    @abstractmethod
    def job(self, job: Job) -> Job:
        """The job with this system's address and form."""


class Tocsin(Receiver):
    """The real daemon: uvloop, bearer token, logs and metrics on, SQLite on disk, a channel on loopback."""

    name = "tocsin"

    def __init__(self, folder: Path, hook_port: int, server: str = "") -> None:
        super().__init__(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.public = free_port()
        (folder / "rules.yaml").write_text(rules())
        for name, secret in (("token", TOKEN), ("hook", f"http://127.0.0.1:{hook_port}/hook")):
            (folder / name).write_text(secret)
            (folder / name).chmod(0o600)
        self.config = folder / "tocsin.yaml"
        self.config.write_text(CONFIG.format(
                folder=folder, database=server or f"sqlite:///{folder}/tocsin.db", public=self.public,
                private=self.port,
            )
        )  # fmt: skip

    @property
    def database(self) -> Path:
        return self.folder / "tocsin.db"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "daemon", "serve", "-c", str(self.config)]

    def job(self, job: Job) -> Job:
        return msgspec.structs.replace(job, port=self.port, path="/hooks/am", token=TOKEN)


class Alertmanager(Receiver):
    """Debian's package with a receiver that does nothing; keeps alerts in memory alone."""

    name = "alertmanager"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "alertmanager.yml").write_text(ALERTMANAGER)

    @staticmethod
    def program() -> str | None:
        return shutil.which("prometheus-alertmanager")

    def command(self) -> list[str]:
        return [
            self.program() or "prometheus-alertmanager",
            f"--config.file={self.folder}/alertmanager.yml",
            f"--storage.path={self.folder}/data",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ]

    def job(self, job: Job) -> Job:
        return msgspec.structs.replace(job, port=self.port, path="/api/v2/alerts", api=True)


async def is_ready(port: int) -> bool:
    """Whether ``/-/ready`` answers 200."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(b"GET /-/ready HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        return (await reader.readline()).split(b" ")[1:2] == [b"200"]
    except OSError:
        return False
    finally:
        writer.close()


async def send(job: Job) -> Result:
    """Run the load generator in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.load", msgspec.json.encode(job).decode()),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    out, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError("the load generator failed; its words are above")
    return msgspec.json.decode(out, type=Result)
