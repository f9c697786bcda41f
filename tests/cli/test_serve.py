"""`tocsin serve` as people start it: a process of its own, asked by other commands, stopped by a signal."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from pathlib import Path

from tests.cli.terminal import environment, spawn
from tests.processes.ports import free_port
from tests.rules.files import MINIMAL

TRIES = 100


async def test_a_daemon_and_its_people(tmp_path: Path) -> None:
    """It becomes ready, writes its token for its owner alone, takes acts, and ends well on SIGTERM."""
    config = tmp_path / "tocsin.yaml"
    config.write_text(
        f"listen: {{ public: '127.0.0.1:0', private: '127.0.0.1:{free_port()}' }}\n"
        f"database: sqlite:///{tmp_path}/tocsin.db\n",
        encoding="utf-8",
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "daemon", "serve", "-c", str(config), env=environment(),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        for _ in range(TRIES):
            if (await spawn("health", "-c", str(config))).code == 0:
                break
        assert (tmp_path / "tocsin.token").stat().st_mode & 0o777 == 0o600
        opened = await spawn("incident", "open", "Down", "It is down.", "-c", str(config), "--who", "ana")
        assert opened.code == 0, opened.err
        listed = await spawn("incident", "list", "--json", "-c", str(config))
        assert [one["title"] for one in listed.json["items"]] == ["Down"]
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        _, log = await process.communicate()
    assert process.returncode == 0, log.decode()


async def test_an_address_that_is_taken(tmp_path: Path) -> None:
    """Exit 2; one sentence names the key, the address, and what to do."""
    config = tmp_path / "tocsin.yaml"
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        config.write_text(
            f"listen: {{ public: '127.0.0.1:0', private: '{taken}' }}\n"
            f"database: sqlite:///{tmp_path}/tocsin.db\n",
            encoding="utf-8",
        )
        found = await spawn("serve", "-c", str(config))
    assert found.code == 2
    assert found.err.splitlines()[-1] == (
        f"listen.private: cannot listen on {taken} (Address already in use);"
        " free it, or write another address"
    )


async def test_what_cannot_be_served(tmp_path: Path) -> None:
    """A configuration that is wrong: exit 2 and its place, nothing else."""
    config = tmp_path / "tocsin.yaml"
    config.write_text("pgae: {}\n", encoding="utf-8")
    found = await spawn("serve", "-c", str(config))
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith(f"{config}:1:1: pgae: is no key of the file; did you mean `page`?")


async def test_rules_that_are_watched(tmp_path: Path) -> None:
    """With `--watch-rules` a saved file is in force without a signal; the history says who loaded it."""
    config, rules = tmp_path / "tocsin.yaml", tmp_path / "rules.yaml"
    rules.write_text(MINIMAL.replace("kind: slack", "kind: log"), encoding="utf-8")
    config.write_text(
        f"listen: {{ public: '127.0.0.1:0', private: '127.0.0.1:{free_port()}' }}\n"
        f"database: sqlite:///{tmp_path}/tocsin.db\nrules: [ rules.yaml ]\n"
        "channels: [ { name: page, kind: status_page }, { name: ops, kind: log, audience: internal } ]\n",
        encoding="utf-8",
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "daemon", "serve", "--watch-rules", "-c", str(config), env=environment(),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        for _ in range(TRIES):
            if (await spawn("health", "-c", str(config))).code == 0:
                break
        rules.write_text(rules.read_text("utf-8").replace("every: 30m", "every: 20m"), encoding="utf-8")
        loaded: list[str] = []
        for _ in range(TRIES):
            found = await spawn("rules", "history", "--json", "-c", str(config))
            loaded = [one["who"] for one in found.json["items"]]
            if len(loaded) == 2:
                break
        assert loaded == ["--watch-rules", "start"]
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        _, log = await process.communicate()
    assert process.returncode == 0, log.decode()
