"""The reference server of the AT protocol, from npm, installed once into the test cache."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
INSTALL_TIME = 240
"""Seconds; 320 packages, mostly from npm's own cache where it has them."""


@contextlib.contextmanager
def reference_server(cache: Path, data: Path) -> Iterator[str]:
    """Its address; a skip with one line where npm cannot bring it, in CI an error."""
    problem = _install(cache)
    if problem and os.environ.get("CI") == "true":
        pytest.fail(problem)
    if problem:
        pytest.skip(problem)
    process = subprocess.Popen(
        ["node", str(HERE / "server.js"), str(data)],
        cwd=cache,
        env={"PATH": os.environ["PATH"], "LOG_ENABLED": "false", "NODE_ENV": "test"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        assert said, "the reference server did not start; what it said stands above"
        yield f"http://127.0.0.1:{json.loads(said)['port']}"
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _install(cache: Path) -> str:
    """What is in the way; empty when the locked packages are there."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return "no npm to fetch the AT protocol's reference server with: install Debian's package npm"
    lock = (HERE / "package-lock.json").read_bytes()
    done = cache / "installed-lock.json"
    if done.exists() and done.read_bytes() == lock:
        return ""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, cache / name)
    command = [npm, "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"]
    try:
        ran = subprocess.run(
            command, cwd=cache, capture_output=True, text=True, timeout=INSTALL_TIME, check=False
        )
    except subprocess.TimeoutExpired:
        return f"npm did not bring the AT protocol's reference server within {INSTALL_TIME} s"
    if ran.returncode:
        return f"npm could not fetch the AT protocol's reference server: {ran.stderr.strip()[-200:]}"
    done.write_bytes(lock)
    return ""
