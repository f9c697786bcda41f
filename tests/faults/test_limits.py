"""A process that is stopped, out of memory, or whose disk turned read-only under it."""

from __future__ import annotations

import asyncio
import re
import resource
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest

from tests.faults.ledger import Ledger
from tests.faults.rules import QUIET
from tests.faults.test_database import assert_healed, assert_trouble, limited, webhook
from tests.intake.bodies import alert, body
from tests.processes.daemon import Daemon
from tests.processes.program import needs
from tests.processes.site import Site
from tests.processes.strace import injected
from tests.processes.waiting import until, until_heard
from tests.test_systemd import UNIT_SETTINGS

ROOMS = (4 << 20, 24 << 20, 120 << 20)
"""Bytes of address space that are left: enough to go on, too little for the crowd."""


def status_of(daemon: Daemon, name: str) -> str:
    """A line of the kernel's view of the process."""
    found = re.search(
        rf"^{name}:\s+(.*)$", Path(f"/proc/{daemon.pid}/status").read_text("ascii"), re.MULTILINE
    )
    assert found is not None
    return found[1]


def is_pending(daemon: Daemon, number: signal.Signals) -> bool:
    return bool(int(status_of(daemon, "ShdPnd"), 16) >> (number - 1) & 1)


@pytest.mark.timeout(60)
async def test_row_12_a_stopped_process_ends_by_the_last_signal(tmp_path: Path) -> None:
    """SIGABRT waits for ever in a stopped process: the unit gives it five seconds, then comes SIGKILL."""
    assert UNIT_SETTINGS["TimeoutAbortSec"] == ["5"]
    site = Site.make(tmp_path, QUIET)
    async with Daemon(site) as daemon:
        assert (await daemon.post(webhook(1)))[0] == 200
        daemon.signal(signal.SIGSTOP)
        await until(lambda: status_of(daemon, "State").startswith("T"))
        daemon.signal(signal.SIGABRT)
        await until(lambda: is_pending(daemon, signal.SIGABRT))
        assert daemon.is_running, "the watchdog's own signal does not end it"
        await daemon.kill()
        await daemon.start()
        assert set(Ledger(site.database).alerts()) == {f"{1:016x}"}
        assert (await daemon.post(webhook(2)))[0] == 200


def crowd(room: int) -> dict[str, bytes]:
    """Twelve bodies of 5 MB, 600 alerts each, by a name of their own."""
    summary = {"summary": "x" * 9_000}
    return {
        f"{room}-{number}": body(
            *(alert(fingerprint=f"{room}-{number}-{one}", annotations=summary) for one in range(600))
        )
        for number in range(12)
    }


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_row_13_no_memory(tmp_path: Path) -> None:
    """A crowd of large bodies meets a limit: 200, 503 or no answer for each; what was taken is there."""
    site = Site.make(tmp_path, QUIET)
    taken: set[str] = set()
    answers: list[int] = []
    async with Daemon(site) as daemon:
        assert (await daemon.post(webhook(1)))[0] == 200
        for room in ROOMS:
            used = int(status_of(daemon, "VmSize").split()[0]) * 1024
            with limited(daemon, resource.RLIMIT_AS, used + room):
                await asyncio.gather(
                    *(_send(daemon, name, large, taken, answers) for name, large in crowd(room).items())
                )
            await until_heard(lambda: _accepts(daemon), within=30)
        assert daemon.is_running
        assert await daemon.stop() == 0
    assert set(answers) <= {200, 503}, answers
    assert len(taken) < len(ROOMS) * 12, "the limit was meant to be too low"
    stored = set(Ledger(site.database).alerts())
    assert {f"{1:016x}", f"{2:016x}"} <= stored
    for name in taken:
        assert {f"{name}-{one}" for one in range(600)} <= stored


async def _send(daemon: Daemon, name: str, large: bytes, taken: set[str], answers: list[int]) -> None:
    try:
        status, _ = await daemon.post(large)
    except aiohttp.ClientError:
        return  # the process is gone, or had no memory for an answer: a monitor comes again
    answers.append(status)
    if status == 200:
        taken.add(name)


async def _accepts(daemon: Daemon) -> bool:
    """Start it where it is gone, as a service manager does, and post."""
    if not daemon.is_running:
        await daemon.start()
    try:
        return (await daemon.post(webhook(2)))[0] == 200
    except aiohttp.ClientError:
        return False  # it is about to end


@pytest.mark.slow
@pytest.mark.external
@needs("strace")
@pytest.mark.timeout(60)
async def test_row_20_the_disk_turns_read_only(tmp_path: Path) -> None:
    """Every write fails from one moment on, as after an error of the file system; later they work again."""
    site = Site.make(tmp_path, QUIET)
    async with Daemon(site) as daemon:
        assert (await daemon.post(webhook(1)))[0] == 200
        async with injected(daemon.pid, "pwrite64", "error=EROFS", tmp_path):
            await assert_trouble(daemon, 2)
            await assert_trouble(daemon, 3)
        await assert_healed(daemon, 4)
        assert {f"{number:016x}" for number in (1, 4)} <= set(Ledger(site.database).alerts())
        assert await daemon.stop() == 0


async def log_bytes(daemon: Daemon) -> float:
    """What the daemon's metrics say of the length of the write-ahead log."""
    _, text = await daemon.get("/metrics")
    found = re.search(r"^tocsin_database_log_bytes (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else -1.0


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_row_23_a_foreign_reader_makes_the_log_grow(tmp_path: Path) -> None:
    """Work goes on, the metric of the shipped alert shows it, and it shrinks when the reader goes."""
    site = Site.make(tmp_path, QUIET)
    log = site.database.with_name("tocsin.db-wal")
    async with Daemon(site) as daemon:
        with closing(sqlite3.connect(site.database, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM groups").fetchone()
            number = 0
            while log.stat().st_size < 12_000_000:
                alerts = [
                    alert(fingerprint=f"{number}-{one}", annotations={"summary": "x" * 9_000})
                    for one in range(100)
                ]
                assert (await daemon.post(body(*alerts)))[0] == 200
                number += 1
            size = log.stat().st_size

            async def shown() -> bool:
                return await log_bytes(daemon) >= size

            await until_heard(shown, within=15)
            reader.execute("ROLLBACK")
        for more in range(number, number + 20):
            assert (await daemon.post(webhook(more, 9_000)))[0] == 200
        assert await daemon.stop() == 0
        assert not log.exists() or log.stat().st_size == 0
