"""`tocsin rules test`: test files played in virtual time."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from daemon.cli import screen
from daemon.cli.lazy import NO
from daemon.cli.options import Config, Json
from daemon.cli.rules_sources import quiet, shelf_of
from daemon.core.errors import TocsinError, Unavailable

if TYPE_CHECKING:
    from daemon.lab.testing import Run

LOOK_EVERY = 0.3
"""Seconds between two looks at the files that are watched."""


def run_tests(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Test files.")],
    tags: Annotated[
        list[str] | None,
        typer.Option("--tags", metavar="TAG", show_default=False,
                     help="Only tests that have it; several with commas, or repeated."),
    ] = None,
    junit: Annotated[
        Path | None,
        typer.Option("--junit", metavar="FILE", show_default=False, help="Write JUnit's XML, too."),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Run again whenever a file changes.")] = False,
    jobs: Annotated[
        int, typer.Option("--jobs", metavar="N", min=1, help="Processes that play many tests side by side.")
    ] = os.cpu_count() or 1,
    config: Config = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Play test files in virtual time and compare; exit 1 if anything is not as expected."""
    wanted = {tag.strip() for tag in ",".join(tags or ()).split(",")} - {""}
    if watch:
        _watch(ctx, files, config, wanted, jobs)
    run, _ = _run(ctx, files, config, wanted, jobs)
    if junit is not None:
        _write_junit(junit, run)
    _print(run, as_json=as_json)
    if not run.passed:
        raise typer.Exit(NO)


def _run(
    ctx: typer.Context, files: list[Path], config: Path | None, tags: set[str], jobs: int
) -> tuple[Run, list[Path]]:
    from daemon.core.clock import SystemClock  # noqa: PLC0415 - the rule engine is slow to load
    from daemon.lab import playing, testing  # noqa: PLC0415 - see above

    shelf, rules = shelf_of(ctx, config, needed=False)
    suite = testing.read_suite(files, shelf, rules)
    seconds = SystemClock().monotonic
    with quiet():
        run = testing.run(
            suite, lambda suite, chosen: playing.side_by_side(suite, chosen, seconds, jobs), tags
        )
    return run, list(suite.watched())


def _print(run: Run, *, as_json: bool) -> None:
    from daemon.lab import report  # noqa: PLC0415 - see above

    if as_json:
        screen.print_json(report.data_of(run))
        return
    for line in report.lines_of(run):
        print(screen.plain(line))


def _write_junit(file: Path, run: Run) -> None:
    from daemon.lab import report  # noqa: PLC0415 - see above

    try:
        file.write_bytes(report.junit_of(run))
    except OSError as error:
        raise Unavailable(f"{file} cannot be written: {error.strerror}") from error


def _watch(ctx: typer.Context, files: list[Path], config: Path | None, tags: set[str], jobs: int) -> None:
    """Run, wait for a change, run again; until somebody stops it."""
    from daemon.core.clock import SystemClock  # noqa: PLC0415 - see above

    watched = list(files)
    while True:
        try:
            run, watched = _run(ctx, files, config, tags, jobs)
            _print(run, as_json=False)
        except TocsinError as error:
            print(screen.plain(str(error)))
        print("waiting for a change; Ctrl-C ends it", flush=True)
        before = _stamps(watched)
        while _stamps(watched) == before:
            asyncio.run(SystemClock().sleep(LOOK_EVERY))


def _stamps(files: list[Path]) -> dict[Path, int]:
    """When each file was changed last; one that is gone has 0."""
    found = {}
    for file in files:
        try:
            found[file] = file.stat().st_mtime_ns
        except OSError:
            found[file] = 0
    return found
