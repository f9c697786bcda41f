"""Goal G17: each rule of the delivery core that is taken away makes a named test fail.

The sources are copied, one rule is edited out by its exact text, and the tests
that must notice run against the copy in a process of their own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from daemon.core.clock import SystemClock
from tests.faults.figures import record
from tests.faults.mutations.cases import MUTATIONS, Mutation

ROOT = Path(__file__).parents[3]
PACKAGES = ("daemon", "rules", "channels", "config", "tests")
CLOCK = SystemClock()
FAILED = 1
"""pytest's exit code for "tests ran, some failed"; one that is missing or not importable gives another."""


def copy_sources(folder: Path) -> None:
    """A copy that Python finds first; times are kept, so that what is compiled already counts."""
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy2(ROOT / "pyproject.toml", folder)


def mutate(folder: Path, mutation: Mutation) -> None:
    """Edit the copy.  Raises AssertionError when a text is not there exactly once."""
    for name, old, new in mutation.edits:
        source = (folder / name).read_text(encoding="utf-8")
        found = source.count(old)
        assert found == 1, f'"{mutation.rule}" no longer applies: {name} has {found} times {old!r}'
        (folder / name).write_text(source.replace(old, new), encoding="utf-8")


def run(folder: Path, tests: tuple[str, ...]) -> tuple[int, str]:
    options = ("-q", "-p", "no:cacheprovider", "--basetemp", str(folder / "temp"))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)}, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def survives(folder: Path, mutation: Mutation) -> str:
    """Empty when every one of its tests failed, else what was seen."""
    copy_sources(folder)
    mutate(folder, mutation)
    code, output = run(folder, mutation.killers)
    passed = [test for test in mutation.killers if f"FAILED {test}" not in output]
    if code == FAILED and not passed:
        return ""
    return f"{mutation.rule}: pytest ended with {code}, not noticed by {passed}\n{output[-1500:]}"


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_every_rule_that_is_taken_away_is_missed(tmp_path: Path) -> None:
    """Unchanged all of these tests pass; with a rule less each of its tests fails."""
    began = CLOCK.monotonic()
    copy_sources(tmp_path / "whole")
    every = tuple(sorted({test for mutation in MUTATIONS for test in mutation.killers}))
    code, output = run(tmp_path / "whole", every)
    assert code == 0, output[-3000:]
    with ThreadPoolExecutor(2) as pool:
        folders = [tmp_path / str(number) for number in range(len(MUTATIONS))]
        survivors = [one for one in pool.map(survives, folders, MUTATIONS) if one]
    assert not survivors, "\n\n".join(survivors)
    record("mutations", killed=len(MUTATIONS), survived=0, seconds=round(CLOCK.monotonic() - began, 1))


def test_a_mutation_that_no_longer_applies_is_told(tmp_path: Path) -> None:
    """Sources move on: an edit that finds nothing must never count as a mutation."""
    copy_sources(tmp_path / "whole")
    gone = Mutation("a rule", (("daemon/outbox.py", "this text is in no file", ""),), ())
    with pytest.raises(AssertionError, match="no longer applies"):
        mutate(tmp_path / "whole", gone)
