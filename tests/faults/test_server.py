"""A PostgreSQL server that cannot be used, or goes away: one clear line, or 503 and a page that goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.terminal import spawn
from tests.faults.rules import QUIET
from tests.faults.test_database import assert_trouble, webhook
from tests.processes.daemon import Daemon
from tests.processes.ports import free_port
from tests.processes.postgres import Cluster
from tests.processes.site import Site
from tests.processes.waiting import until_heard
from tests.rules.files import MINIMAL, changed
from tests.storage.histories import everything, execute, make

pytestmark = pytest.mark.external

PASSWORD = "a-long-secret"
USER = "stranger"
Place = Callable[[Cluster, str], str]


@pytest.fixture(scope="module")
def server(postgres: Cluster) -> Cluster:
    """With a user who owns nothing and has to show a password."""
    postgres.new_user(USER, PASSWORD)
    return postgres


def as_stranger(address: str, password: str = PASSWORD) -> str:
    return address.replace("postgres@", f"{USER}:{password}@")


def elsewhere(address: str, place: str) -> str:
    """The same database with a password, on another server."""
    head, _, tail = as_stranger(address).rpartition("@")
    return f"{head}@{place}/{tail.partition('/')[2]}"


TROUBLES: dict[str, tuple[Place, str]] = {
    "wrong URL": (
        lambda _, address: address.replace("postgresql", "postgers"),
        "is no database address; write",
    ),
    "wrong port": (lambda _, address: elsewhere(address, "127.0.0.1:x"), "has a port that is no number"),
    "unknown host": (lambda _, address: elsewhere(address, "db.invalid"), "cannot be reached ("),
    "refused port": (
        lambda _, address: elsewhere(address, f"127.0.0.1:{free_port()}"),
        "does not answer (connection refused); start the server, or change `database`",
    ),
    "wrong password": (
        lambda _, address: as_stranger(address, "another-secret"),
        "the server refuses the user or password; correct `database`",
    ),
    "no such database": (
        lambda _, address: as_stranger(address) + "x",
        "there is no such database; create it (createdb), or change `database`",
    ),
    "no permission": (lambda _, address: as_stranger(address), "make it the owner of the database"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_servers_that_cannot_be_used(
    server: Cluster, address: str, tmp_path: Path, trouble: str
) -> None:
    """One line with the remedy, no password and no traceback, from the daemon and from the check."""
    place, words = TROUBLES[trouble]
    await assert_refused(place(server, address), tmp_path, words)


async def test_row_29_a_server_that_takes_no_writes(server: Cluster, address: str, tmp_path: Path) -> None:
    """A standby, or one that was made read only: found before anything is accepted."""
    server.set(address, "default_transaction_read_only = on")
    await assert_refused(address, tmp_path, "takes no writes (a standby, or default_transaction_read_only)")


async def test_a_schema_of_a_newer_program(address: str, tmp_path: Path) -> None:
    """It is left as it is."""
    await make(address, 1)
    await execute(address, "UPDATE alembic_version SET version_num = '9999'")
    await assert_refused(address, tmp_path, "was written by a newer tocsin (schema 9999")


async def assert_refused(address: str, folder: Path, words: str) -> None:
    config = str(configured(folder, address))
    served, checked = await asyncio.gather(spawn("serve", "-c", config), spawn("check", "-c", config))
    for found in (served, checked):
        assert "Traceback" not in found.err + found.out
        assert "secret" not in found.err + found.out
    assert (served.code, served.out) == (2, "")
    (line,) = served.err.splitlines()
    assert "database: " in line
    assert words in line
    assert (checked.code, checked.err) == (1, "")
    (line, verdict) = checked.out.splitlines()
    assert "database: " in line
    assert words in line
    assert verdict.endswith(": not good")


def configured(folder: Path, address: str) -> Path:
    """A configuration with which nothing else is wrong."""
    ops = {"name": "ops", "kind": "log", "audience": "internal"}
    return Site.make(folder, changed("kind: slack", "kind: log", MINIMAL), [ops], database=address).config


async def test_a_good_server_is_left_as_it_is(server: Cluster, address: str, tmp_path: Path) -> None:
    """`tocsin check` makes nothing, says what the server's settings take away, and can leave it alone."""
    found = await spawn("check", "-c", str(configured(tmp_path, address)))
    assert (found.code, found.err) == (0, "")
    assert "notice: fsync is off on the database server" in found.out
    assert "good" in found.out
    assert await everything(address) == {}
    config = configured(tmp_path, elsewhere(address, "db.invalid"))
    assert (await spawn("check", "--offline", "-c", str(config))).code == 0


@pytest.mark.slow
@pytest.mark.timeout(90)
async def test_rows_25_and_29_a_server_that_goes_away(server: Cluster, address: str, tmp_path: Path) -> None:
    """503 and not ready, while the page and the process go on; it heals by itself when the server is back."""
    site = Site.make(tmp_path, QUIET, database=address)
    async with Daemon(site) as daemon:
        assert (await daemon.post(webhook(1)))[0] == 200
        pid = daemon.pid
        await asyncio.to_thread(server.crash)
        try:
            await assert_trouble(daemon, 2)

            async def unready() -> str:
                status, text = await daemon.get("/-/ready")
                return text if status == 503 else ""

            said = await until_heard(unready, within=20)
            assert "the database does not answer" in said
            await assert_trouble(daemon, 3)
        finally:
            await asyncio.to_thread(server.start)

        async def healed() -> bool:
            taken = (await daemon.post(webhook(4)))[0] == 200
            return taken and (await daemon.get("/-/ready"))[0] == 200

        await until_heard(healed, within=20)
        assert (daemon.pid, daemon.starts, daemon.is_running) == (pid, 1, True)
        assert await daemon.stop() == 0
