"""Databases that no daemon can or should start on: exit 2 and one line that says what to do.

What heals by itself does so: the next start, which a service manager tries every
two seconds, works as soon as the cause is gone.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.fakes.faults import Fault
from tests.fakes.slack import FakeSlack
from tests.faults.ledger import Ledger
from tests.faults.rules import QUIET
from tests.faults.test_database import small_disk, webhook
from tests.faults.test_starting import refused
from tests.intake.bodies import alert, body
from tests.processes.daemon import Daemon
from tests.processes.site import Site, news
from tests.processes.waiting import until


async def lived(folder: Path, count: int = 3) -> Site:
    """A site whose daemon has run, taken some alerts and stopped."""
    site = Site.make(folder, QUIET)
    async with Daemon(site) as daemon:
        await daemon.post(body(*(alert(fingerprint=f"{number:016x}") for number in range(count))))
        assert await daemon.stop() == 0
    (site.folder / "daemon.log").unlink()
    return site


async def one_line(site: Site) -> str:
    """What the daemon says that refuses: a single line, not counting what it noted before."""
    said = [line for line in (await refused(site)).splitlines() if not line.startswith("{")]
    assert len(said) == 1, said
    return said[0]


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("mysql://db.example.com/tocsin", "sqlite:///"),
        ("tocsin.db", "sqlite:///"),
        ("sqlite:////nowhere/at/all/tocsin.db", "/nowhere/at/all does not exist"),
        ("sqlite:///.", "is a directory"),
    ],
)
async def test_row_24_a_wrong_database_address(tmp_path: Path, address: str, why: str) -> None:
    """The line names the key and what would be right."""
    said = await one_line(Site.make(tmp_path, QUIET, database=address))
    assert "database" in said
    assert why in said


def newer(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")


def foreign(database: Path) -> None:
    database.unlink()
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")


def flipped(database: Path) -> None:
    content = bytearray(database.read_bytes())
    content[4096 : 4096 * 4] = bytes(4096 * 3)
    database.write_bytes(content)


def cut(database: Path) -> None:
    database.write_bytes(database.read_bytes()[:-10_000])


def noise(database: Path) -> None:
    database.write_bytes(b"not a database" * 1000)


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (newer, "was written by a newer tocsin (schema 9999"),
        (foreign, "belongs to another program; name another file"),
        (flipped, "restore it from a backup"),
        (cut, "restore it from a backup"),
        (noise, "restore it from a backup or name another file"),
    ],
)
async def test_row_24_a_file_that_cannot_be_used(
    tmp_path: Path, harm: Callable[[Path], None], why: str
) -> None:
    """The file is left as it is: nothing that a person could still read is written over."""
    site = await lived(tmp_path)
    harm(site.database)
    before = site.database.read_bytes()
    said = await one_line(site)
    assert str(site.database) in said
    assert why in said
    assert site.database.read_bytes() == before


async def test_row_24_an_older_copy_is_put_in_its_place(tmp_path: Path) -> None:
    """A post that the copy calls queued went out since: it is held, with one notice, and not sent again."""
    rules = QUIET.replace("to: [ page ]", "to: [ page, news ]").replace(
        "page: { kind: status_page }", "page: { kind: status_page }\n  news: { kind: slack }"
    )
    async with FakeSlack() as slack:
        site = Site.make(tmp_path, rules, [news(slack)])
        slack.script(Fault(429, headers={"Retry-After": "2"}))
        async with Daemon(site) as daemon:
            await daemon.post(body(alert()))
            await until(lambda: Ledger(site.database).states().get("news queued") and slack.calls)
            copy = tmp_path / "copy.db"
            with closing(sqlite3.connect(site.database)) as source, closing(sqlite3.connect(copy)) as target:
                source.backup(target)
            await until(lambda: Ledger(site.database).unsettled() == 0)
            assert await daemon.stop() == 0
            shutil.copy(copy, site.database)
            await daemon.start()
            notices = [event["notice"] for event in daemon.events("notice")]
            assert [one for one in notices if "1 deliveries are held until a person decides" in one], notices
            assert Ledger(site.database).states()["news held"] == 1
            assert await daemon.stop() == 0
        assert len(slack.posts) == 1


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """For root by a mount, for everybody else by the folder's mode."""
    if os.geteuid() != 0:
        folder.chmod(0o500)
        yield
        folder.chmod(0o700)
        return
    for command in (["mount", "--bind"], ["mount", "-o", "remount,bind,ro"]):
        arguments = (
            [*command, str(folder), str(folder)] if command[1] == "--bind" else [*command, str(folder)]
        )
        if subprocess.run(arguments, check=False, capture_output=True).returncode != 0:
            pytest.skip("nothing can be mounted here; run it as another user than root")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


async def test_row_20_a_read_only_disk_at_start(tmp_path: Path) -> None:
    """It says which directory cannot be written to; with the disk writable again the next start works."""
    site = await lived(tmp_path)
    with read_only(site.database.parent):
        assert "cannot be written" in await one_line(site)
    async with Daemon(site) as daemon:
        assert (await daemon.post(webhook(1)))[0] == 200
        assert await daemon.stop() == 0


@pytest.mark.timeout(60)
async def test_row_18_a_full_disk_at_start(tmp_path: Path) -> None:
    """A first start without a byte of room refuses; a later one that has all it needs works."""
    with small_disk(tmp_path / "disk") as fill:
        database = tmp_path / "disk" / "tocsin.db"
        site = Site.make(tmp_path / "site", QUIET, database=f"sqlite:///{database}")
        fill(True)
        assert "full" in await one_line(site)
        fill(False)
        async with Daemon(site) as daemon:
            assert (await daemon.post(webhook(1)))[0] == 200
            fill(True)
            await daemon.kill()
            (site.folder / "daemon.log").unlink()
            try:
                await daemon.start()
            except AssertionError:
                assert "Traceback" not in daemon.log
                assert "full" in daemon.log
            fill(False)
            if not daemon.is_running:
                await daemon.start()
            assert set(Ledger(database).alerts()) == {f"{1:016x}"}
            assert await daemon.stop() == 0
