"""A daemon's API on loopback, and the `tocsin` command before it: in this process, or as one of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from daemon.cli.main import app
from tests.sources import ROOT
from tests.web.api_rig import Office, office
from tests.web.rig import ADMIN

CONFIGURATION = """\
listen: {{ private: "127.0.0.1:{port}" }}
database: sqlite:///{folder}/tocsin.db
"""


@dataclass
class Output:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(*arguments: str, typed: str | None = None) -> Output:
    """The command in this process."""
    result = CliRunner().invoke(app, list(arguments), input=typed)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Output(result.exit_code, result.stdout, result.stderr)


def environment(**more: str) -> dict[str, str]:
    """For a command of its own: our sources, nothing of the caller's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TOCSIN_", "COLUMNS"))}
    return kept | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"} | more


async def spawn(*arguments: str, folder: Path | None = None, **more: str) -> Output:
    """The command as a process of its own, outside of a terminal."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "daemon", *arguments, cwd=folder, env=environment(**more),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode is not None
    return Output(process.returncode, out.decode(), err.decode())


@dataclass
class Terminal:
    """Someone who sits before a running daemon."""

    office: Office
    config: Path

    async def run(self, *arguments: str, typed: str | None = None) -> Output:
        """``tocsin ARGUMENTS -c FILE``; the daemon goes on answering meanwhile."""
        with ThreadPoolExecutor(1) as pool:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(
                pool, lambda: run(*arguments, "-c", str(self.config), typed=typed)
            )


@asynccontextmanager
async def terminal(folder: Path) -> AsyncIterator[Terminal]:
    """A daemon with its database, token and configuration in ``folder``."""
    async with office(folder) as opened:
        config = folder / "tocsin.yaml"
        port = opened.rig.listener.port
        config.write_text(CONFIGURATION.format(port=port, folder=folder), encoding="utf-8")
        (folder / "tocsin.token").write_text(f"{ADMIN}\n", encoding="utf-8")
        yield Terminal(opened, config)
