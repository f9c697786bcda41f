"""What holds for every test: nothing is left running, and in CI nothing external is skipped."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.processes.postgres import Cluster, binaries

# What lands must not depend on luck: CI tries the same examples every time.  Everywhere
# else they are drawn anew, and TOCSIN_PROPERTY_CASES asks for many more of them.
settings.register_profile("landing", derandomize=True)
settings.register_profile("exploring")
settings.load_profile("landing" if os.environ.get("CI") == "true" else "exploring")

GRACE = 2.0
"""Seconds in which a thread or child that was told to stop may still end."""


def in_ci() -> bool:
    """Whether this is the run that has to prove everything."""
    return os.environ.get("CI") == "true"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of a test marked `external` into a failure where CI=true."""
    report = yield
    if in_ci() and report.skipped and not hasattr(report, "wasxfail") and item.get_closest_marker("external"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else "skipped"
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: an external test may not be skipped in CI: {reason}"
    return report


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    """Fail a test that leaves a thread or a child process behind."""
    threads, children = _threads(), _children()
    yield
    for thread in _threads() - threads:
        thread.join(GRACE)
    for child in _children() - children:
        _wait_for(child)
    left = [thread.name for thread in _threads() - threads]
    left += [f"process {child}: {_command(child)}" for child in _children() - children]
    assert not left, f"left running: {left}"


def _threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if not thread.daemon}


def _children() -> set[int]:
    """Process ids of our living children; empty on systems without /proc."""
    found: set[int] = set()
    for file in Path("/proc/self/task").glob("*/children"):
        try:
            found.update(map(int, file.read_text(encoding="ascii").split()))
        except OSError:
            continue  # the thread ended meanwhile
    return {child for child in found if "resource_tracker" not in _command(child)}


def _command(child: int) -> str:
    try:
        return Path(f"/proc/{child}/cmdline").read_text(encoding="utf-8", errors="replace").replace("\0", " ")
    except OSError:
        return ""


def _wait_for(child: int) -> None:
    try:
        handle = os.pidfd_open(child)
    except OSError:
        return  # it is gone already
    try:
        select.select([handle], [], [], GRACE)
    finally:
        os.close(handle)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: where two run at once, none begins when the other one is done."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A PostgreSQL server of this run's own; tests that take it are marked `external`."""
    tools = binaries()
    if tools is None:
        pytest.skip("not installed: a PostgreSQL server (Debian: apt install postgresql)")
    cluster = Cluster(tools)
    try:
        cluster.make()
        yield cluster
    finally:
        cluster.remove()


@pytest.fixture
def address(postgres: Cluster) -> Iterator[str]:
    """An empty database on it."""
    found = postgres.new_database()
    yield found
    postgres.drop(found)
