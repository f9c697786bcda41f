"""The whole demo as a user runs it: a process of its own, the real daemon, an exit code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SPEED = "600"
"""About fifteen seconds; the clock waits for a machine that stalls."""


def run(folder: Path, *arguments: str, code: str = "") -> subprocess.CompletedProcess[str]:
    """`tocsin demo` with a folder of its own for temporary files."""
    start = ["-c", code] if code else ["-m", "daemon"]
    return subprocess.run(
        [sys.executable, *start, "demo", *arguments],
        env={**os.environ, "TMPDIR": str(folder), "COLUMNS": "100"},
        capture_output=True, text=True, check=False, timeout=55,
    )  # fmt: skip


@pytest.mark.slow
def test_the_story_goes_as_it_should(tmp_path: Path) -> None:
    """The plain demo tells all in order, holds every expectation, exits 0, leaves nothing behind."""
    done = run(tmp_path, "--plain", "--speed", SPEED)
    assert done.returncode == 0, done.stdout + done.stderr
    told = [line.split()[2] for line in done.stdout.splitlines() if re.match(r"\d\d:\d\d \+", line)]
    assert told[:3] == ["alert", "incident", "page"]
    assert {"alert", "incident", "page", "mail", "slack", "nag", "veto", "X"} == set(told)
    assert told.count("X") == 2
    assert "NOT " not in done.stdout
    assert "All 16 expectations hold" in done.stdout
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_what_did_not_happen_is_named(tmp_path: Path) -> None:
    """With an X that refuses posts the exit code is 1 and the post is named; page and mail are as always."""
    done = run(tmp_path, "--plain", "--speed", "900", "--refuse", "x")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "NOT   X has two posts: the outage after two hours, and its end: no post" in done.stdout
    assert "x refuses what it is sent" in done.stdout
    assert "ok    every subscriber got every update by mail" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_without_the_mail_server_it_says_what_to_install(tmp_path: Path) -> None:
    """Without the extra the answer is one sentence with the command to type, and exit code 2."""
    code = "import sys; sys.modules['aiosmtpd'] = None; from daemon.cli.main import main; main()"
    done = run(tmp_path, "--plain", code=code)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "the demo needs a local mail server: run `pip install aiosmtpd`\n"


@pytest.mark.parametrize("arguments", [("--speed", "0"), ("--refuse", "pigeon")], ids=["speed", "service"])
def test_wrong_use_is_told(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """What cannot be meant is refused before anything starts."""
    done = run(tmp_path, "--plain", *arguments)
    assert done.returncode == 2
    assert "Invalid value" in done.stderr
