"""What all commands' tests share."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from tests.cli.terminal import Terminal, terminal


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The daemon under test shares our standard output with the command: its log stays out of it."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the caller's settings; an empty folder to work in."""
    for name in ("TOCSIN_CONFIG", "SUDO_USER", "EDITOR", "VISUAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOGNAME", "ana")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Terminal]:
    """A daemon with one public incident, INC-1, that has been open for some seconds."""
    folder = tmp_path / "daemon"
    folder.mkdir()
    async with terminal(folder) as opened:
        await opened.office.open()
        yield opened
