"""axe-core from npm, fetched once into the test cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

PACKAGE = "axe-core@4.14.1"


def axe_source(cache: Path) -> str:
    """The script; a skip with one line where npm cannot bring it, in CI an error."""
    script = cache / f"{PACKAGE}.js"
    if not script.exists():
        problem = _fetch(cache, script)
        if problem and os.environ.get("CI") == "true":
            pytest.fail(problem)
        if problem:
            pytest.skip(problem)
    return script.read_text("utf-8")


def _fetch(cache: Path, script: Path) -> str:
    npm = shutil.which("npm")
    if npm is None:
        return f"no npm to fetch {PACKAGE} with: install Debian's package npm"
    done = subprocess.run(
        [npm, "pack", "--silent", PACKAGE], cwd=cache, capture_output=True, text=True, timeout=50, check=False
    )
    if done.returncode:
        return f"npm could not fetch {PACKAGE}: {done.stderr.strip()[-200:]}"
    archive = cache / done.stdout.strip().splitlines()[-1]
    with tarfile.open(archive) as packed:
        found = packed.extractfile("package/axe.min.js")
        assert found is not None
        script.write_bytes(found.read())
    return ""
