"""Trouble below the daemon: the database locked, the disk full, descriptors gone.

In each: webhooks get a quick 503 and nothing is acknowledged, the page is
served on, and it heals without a restart.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.faults.ledger import Ledger
from tests.faults.rules import QUIET
from tests.intake.bodies import alert, body
from tests.processes.daemon import Daemon
from tests.processes.program import needs
from tests.processes.site import Site
from tests.processes.strace import injected
from tests.processes.waiting import CLOCK, until, until_heard

FAST = 4.0
"""Seconds within which a webhook is refused: the wait for a lock, and what holds back an eager sender."""


def webhook(number: int, size: int = 10) -> bytes:
    """An alert of its own, with an annotation of that many bytes."""
    summary = {"summary": "x" * size}
    return body(alert(fingerprint=f"{number:016x}", labels={"service": f"s{number}"}, annotations=summary))


async def assert_trouble(daemon: Daemon, number: int) -> str:
    """A new alert is refused fast and the page is there; what the refusal says."""
    began = CLOCK.monotonic()
    status, text = await daemon.post(webhook(number, 50_000))
    assert status == 503
    assert CLOCK.monotonic() - began < FAST
    assert (await daemon.get("/", public=True))[0] == 200
    assert (await daemon.get("/-/healthy"))[0] == 200
    return text


async def assert_healed(daemon: Daemon, number: int) -> None:
    """The same process takes alerts again, and they get to the page."""
    pid, starts = daemon.pid, daemon.starts

    async def taken() -> bool:
        return (await daemon.post(webhook(number)))[0] == 200

    await until_heard(taken, within=15)
    assert daemon.is_running
    assert (daemon.pid, daemon.starts) == (pid, starts)
    await until(lambda: _incidents(daemon) > 1)


def _incidents(daemon: Daemon) -> int:
    return sum(Ledger(daemon.site.database).incidents().values())


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_row_22_locked_by_a_foreign_writer(tmp_path: Path) -> None:
    """Another program holds the write lock, for longer than a webhook may wait."""
    site = Site.make(tmp_path, QUIET)
    async with Daemon(site) as daemon:
        assert (await daemon.post(webhook(1)))[0] == 200
        with closing(sqlite3.connect(site.database, isolation_level=None)) as foreign:
            foreign.execute("BEGIN IMMEDIATE")
            for number in (2, 3):
                assert "locked by another program" in await assert_trouble(daemon, number)
            foreign.execute("ROLLBACK")
        await assert_healed(daemon, 2)
        assert set(Ledger(site.database).alerts()) == {f"{number:016x}" for number in (1, 2)}
        assert await daemon.stop() == 0


@contextmanager
def small_disk(folder: Path) -> Iterator[Callable[[bool], None]]:
    """A tmpfs of 8 MB there; the answer fills it up to the last byte, or empties it again."""
    folder.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or mount is None or subprocess.run(command, check=False).returncode != 0:
        pytest.skip("a small disk can be mounted by root alone; the size limit below shows the same")
    filler = folder / "filler"

    def fill(full: bool) -> None:
        if not full:
            filler.unlink()
            return
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass

    try:
        yield fill
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_row_18_the_disk_is_full(tmp_path: Path) -> None:
    """No byte is left where the database lies; later there is room again."""
    with small_disk(tmp_path / "disk") as fill:
        database = tmp_path / "disk" / "tocsin.db"
        site = Site.make(tmp_path / "site", QUIET, database=f"sqlite:///{database}")
        async with Daemon(site) as daemon:
            assert (await daemon.post(webhook(1)))[0] == 200
            fill(True)
            assert "the disk is full" in await assert_trouble(daemon, 2)
            await assert_trouble(daemon, 3)
            fill(False)
            assert (await daemon.post(webhook(4)))[0] == 200
            assert daemon.starts == 1
            assert await daemon.stop() == 0
        assert set(Ledger(database).alerts()) == {f"{number:016x}" for number in (1, 4)}


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_row_18_files_may_not_grow(tmp_path: Path) -> None:
    """The same by a limit on the size of files, which needs no root."""
    site = Site.make(tmp_path, QUIET)
    async with Daemon(site) as daemon:
        assert (await daemon.post(webhook(1)))[0] == 200
        with limited(daemon, resource.RLIMIT_FSIZE, 4096):
            await assert_trouble(daemon, 2)
            await assert_trouble(daemon, 3)
        await assert_healed(daemon, 4)
        assert set(Ledger(site.database).alerts()) == {f"{number:016x}" for number in (1, 4)}
        assert await daemon.stop() == 0


@contextmanager
def limited(daemon: Daemon, kind: int, soft: int) -> Iterator[None]:
    """Put a soft limit on the running process and take it away again."""
    before = resource.prlimit(daemon.pid, kind)
    resource.prlimit(daemon.pid, kind, (soft, before[1]))
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):  # it did not survive, which may be right
            resource.prlimit(daemon.pid, kind, before)


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_row_14_no_descriptor_is_left(tmp_path: Path) -> None:
    """Connections that cannot be accepted wait or fail; those that are open go on; it heals."""
    site = Site.make(tmp_path, QUIET)
    async with Daemon(site) as daemon:
        assert (await daemon.post(webhook(1)))[0] == 200
        assert (await daemon.get("/", public=True))[0] == 200
        used = descriptors(daemon)
        async with crowd(site, 40) as crowded:
            with limited(daemon, resource.RLIMIT_NOFILE, used + 10):
                assert await crowded() > 0, "the crowd was meant to be too large"
                assert (await daemon.post(webhook(2)))[0] == 200  # on the connection that it has
        await assert_healed(daemon, 3)
        assert (await daemon.get("/-/healthy"))[0] == 200
        assert await daemon.stop() == 0


def descriptors(daemon: Daemon) -> int:
    return len(list(Path(f"/proc/{daemon.pid}/fd").iterdir()))


@contextlib.asynccontextmanager
async def crowd(site: Site, count: int) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    """Many readers with a connection of their own, which they keep; the answer says how many got no page."""
    async with contextlib.AsyncExitStack() as stack:

        async def come() -> int:
            refused = 0
            for _ in range(count):
                session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.2))
                await stack.enter_async_context(session)
                try:
                    answer = await session.get(f"{site.page_url}/")
                    await answer.read()
                except (aiohttp.ClientError, TimeoutError):
                    refused += 1
            return refused

        yield come


@pytest.mark.slow
@pytest.mark.external
@needs("strace")
@pytest.mark.timeout(60)
async def test_row_19_a_flush_that_fails(tmp_path: Path) -> None:
    """EIO on fsync: nothing is tried again; the process ends, and the next one reads what is there."""
    site = Site.make(tmp_path, QUIET)
    async with Daemon(site) as daemon:
        assert (await daemon.post(webhook(1)))[0] == 200
        async with injected(daemon.pid, "fsync,fdatasync", "error=EIO", tmp_path):
            status, _ = await daemon.post(webhook(2))
            assert status == 503
            assert await daemon.ended() == 1
        await daemon.start()
        await assert_healed(daemon, 3)
        assert Ledger(site.database).check() == "ok"
        assert f"{1:016x}" in Ledger(site.database).alerts()


@pytest.mark.slow
@pytest.mark.external
@needs("strace")
@pytest.mark.timeout(90)
async def test_row_21_a_slow_disk(tmp_path: Path) -> None:
    """A flush of six seconds: webhooks get their 503 before five are over, and the daemon counts as alive."""
    site = Site.make(tmp_path, QUIET)
    async with Daemon(site) as daemon:
        assert (await daemon.post(webhook(1)))[0] == 200
        async with injected(daemon.pid, "fsync,fdatasync", "delay_enter=6000000", tmp_path):
            began = CLOCK.monotonic()
            status, _ = await daemon.post(webhook(2))
            assert status == 503
            assert CLOCK.monotonic() - began < 5
            assert (await daemon.get("/", public=True))[0] == 200
            assert (await daemon.get("/-/healthy"))[0] == 200
        await assert_healed(daemon, 3)
        assert await daemon.stop() == 0
