"""How far a long piece of work is, on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from daemon.storage.copying import Progress


@contextmanager
def shown() -> Iterator[Progress]:
    """A bar on standard error for each table; nothing where that is no terminal."""
    if not sys.stderr.isatty():
        yield lambda _table, _done, _total: None
        return
    from rich import progress  # noqa: PLC0415 - a pipe needs none

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, progress.TaskID] = {}

        def tell(table: str, done: int, total: int) -> None:
            if table not in tasks:
                tasks[table] = bars.add_task(table, total=total)
            bars.update(tasks[table], completed=done)

        yield tell
