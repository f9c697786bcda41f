"""docs/postgresql.md cannot lie: its files and commands make two nodes, and a story survives one of them."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from config.load import load
from tests.cli.terminal import environment
from tests.intake.bodies import alert, body
from tests.processes.ports import free_port
from tests.processes.postgres import Cluster, binaries
from tests.processes.waiting import until_heard
from tests.sources import ROOT
from tests.storage.histories import everything, make

pytestmark = pytest.mark.external

GUIDE = (ROOT / "docs" / "postgresql.md").read_text("utf-8")
COMMANDS = [
    (machine, command.partition("  #")[0].strip())
    for block in re.findall(r"^```console\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    for machine, command in re.findall(r"^(\w+)\$ (.*)$", block, re.MULTILINE)
]


def named(name: str) -> str:
    (found,) = re.findall(rf"^```yaml\n(# {re.escape(name)}\n.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    return str(found)


class Machines:
    """The machines of the guide, in one folder: each has addresses of its own, and all the same files."""

    def __init__(self, folder: Path, server: Cluster) -> None:
        self.folder = folder
        self._tools = folder / "bin"
        self._tools.mkdir()
        tocsin = self._tools / "tocsin"
        tocsin.write_text(f'#!/bin/sh\nexec {sys.executable} -m daemon "$@"\n', "utf-8")
        tocsin.chmod(0o755)
        self._server = server
        self._ports = {machine: (free_port(), free_port()) for machine in "ab"}

    def public(self, machine: str) -> str:
        return f"http://127.0.0.1:{self._ports[machine][0]}"

    def private(self, machine: str) -> str:
        return f"http://127.0.0.1:{self._ports[machine][1]}"

    def environment(self, machine: str) -> dict[str, str]:
        path = f"{self._tools}:{binaries()}:{os.environ['PATH']}"
        if machine == "db":
            return environment(
                PATH=path, PGHOST="127.0.0.1", PGPORT=str(self._server.port), PGUSER="postgres"
            )
        public, private = self._ports[machine]
        return environment(
            PATH=path,
            TOCSIN_LISTEN__PUBLIC=f"127.0.0.1:{public}",
            TOCSIN_LISTEN__PRIVATE=f"127.0.0.1:{private}",
        )

    async def run(self, command: str) -> str:
        """One that is in the guide, where the guide runs it; what it prints."""
        (machine,) = {one for one, known in COMMANDS if known == command}
        process = await self._spawn(machine, command)
        out, err = await process.communicate()
        assert process.returncode == 0, f"{command}: {err.decode()}{out.decode()}"
        return out.decode()

    async def _spawn(self, machine: str, command: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_shell(
            f"exec {command}", cwd=self.folder, env=self.environment(machine),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    @asynccontextmanager
    async def serving(self, machine: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """A node that is ready; at the end it is killed."""
        assert (machine, "tocsin serve") in COMMANDS
        log = self.folder / f"{machine}.log"
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_shell(
                "exec tocsin serve", cwd=self.folder, env=self.environment(machine),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        try:

            async def ready() -> bool:
                assert process.returncode is None, log.read_text("utf-8")
                return (await ask(f"{self.private(machine)}/-/ready"))[0] == 200

            await until_heard(ready, within=30)
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def report(self, machine: str, *, firing: bool) -> None:
        """The monitor's alert, as Alertmanager sends it there."""
        what = alert(
            labels={"alertname": "Down", "severity": "critical"}, status="firing" if firing else "resolved"
        )
        token = (self.folder / "token").read_text("utf-8").strip()
        status, _ = await ask(f"{self.private(machine)}/hooks/alertmanager", body(what), token)
        assert status == 200


async def ask(url: str, data: bytes | None = None, token: str = "") -> tuple[int, str]:
    """Status and text; 0 where nobody answers."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"} if token else {}
    method = "GET" if data is None else "POST"
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, data=data, headers=headers) as answer,
        ):
            return answer.status, await answer.text()
    except aiohttp.ClientError:
        return 0, ""


@pytest.fixture
def machines(postgres: Cluster, tmp_path: Path) -> Iterator[Machines]:
    """With the guide's configuration, and the history of a daemon that was stopped."""
    written = named("tocsin.yaml").replace("db.example.com", f"127.0.0.1:{postgres.port}")
    (tmp_path / "tocsin.yaml").write_text(written, "utf-8")
    (tmp_path / "var").mkdir()
    yield Machines(tmp_path, postgres)
    postgres.drop(postgres.address("tocsin"))


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_the_guide(machines: Machines) -> None:
    """Every command in it, in the order of a move up: two nodes, one of which dies in the middle."""
    old = f"sqlite:///{machines.folder}/var/tocsin.db"
    await make(old, 1)
    for command in ("createuser tocsin", "createdb --owner=tocsin tocsin", "openssl rand -hex 24 > token"):
        await machines.run(command)
    said = await machines.run("tocsin db copy --from sqlite:///var/tocsin.db --to config:tocsin.yaml")
    assert "copied from var/tocsin.db and checked" in said
    assert "tocsin.yaml: good" in await machines.run("tocsin check")
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(machines.serving("a"))
        await stack.enter_async_context(machines.serving("b"))
        await machines.run('tocsin incident open "Checkout is down" "We are looking into it."')
        assert "Checkout is down" in await machines.run("tocsin incident list")
        for machine in "ab":
            await machines.report(machine, firing=True)
        first.kill()
        await first.wait()
        await machines.report("b", firing=False)

        async def shown() -> bool:
            return "Checkout is down" in (await ask(f"{machines.public('b')}/"))[1]

        await until_heard(shown)
        assert "written and checked" in await machines.run("tocsin db backup tocsin.backup")
        assert ": good" in await machines.run("tocsin db check")
    found = await everything(f"sqlite:///{machines.folder}/tocsin.backup")
    assert len(found["groups"]) == 3, "the one from before, the one that a person opened, and the alert's"
    assert len(found["episodes"]) == 3, "two from before, and one alert that both nodes were told of"
    await machines.run("tocsin db hold")
    assert {command for _, command in COMMANDS} == {*machines_ran(), "tocsin serve"}


def machines_ran() -> set[str]:
    """What the test above runs; a command that is added to the guide has to be run there."""
    text = Path(__file__).read_text("utf-8")
    return {command for _, command in COMMANDS if f'"{command}"' in text or f"'{command}'" in text}


def test_its_configuration_is_good(tmp_path: Path) -> None:
    """As it stands, with a token."""
    (tmp_path / "tocsin.yaml").write_text(named("tocsin.yaml"), "utf-8")
    (tmp_path / "token").write_text("a" * 48, "utf-8")
    loaded = load(tmp_path / "tocsin.yaml", {})
    assert loaded.settings.api.allowed_hosts == ("a.example.com", "b.example.com")
    assert len(named("tocsin.yaml").splitlines()) + len(COMMANDS[:6]) < 15


@pytest.mark.skipif(shutil.which("amtool") is None, reason="amtool is not installed")
def test_alertmanager_takes_its_lines(tmp_path: Path) -> None:
    """It is a whole alertmanager.yml."""
    file = tmp_path / "alertmanager.yml"
    file.write_text(named("alertmanager.yml"), "utf-8")
    subprocess.run(["amtool", "check-config", str(file)], check=True, capture_output=True)


def test_what_it_names_is_there() -> None:
    """Links lead somewhere."""
    for target in re.findall(r"\]\(([^)#]+)\)", GUIDE):
        assert (ROOT / "docs" / target).exists(), target
