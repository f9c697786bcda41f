"""`tocsin serve --watch-rules`: rule files that change are loaded again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

Mark = tuple[int, int, int]
"""Time of change, size and inode of a file: what differs after any way of saving it."""


class RuleWatch:
    """Looks at the files; those that have come to rest, and differ from what was loaded, are loaded.

    A look is a stat of each, which works on every file system.  Files are believed
    when two looks in a row find them alike: an editor may be in the middle of writing.
    """

    def __init__(self, files: Sequence[Path], reload: Callable[[str], Awaitable[list[str]]]) -> None:
        self._files = tuple(files)
        self._reload = reload
        self._loaded = self._before = self._look()

    async def step(self) -> bool:
        """One look; False, because the next one is a while away in any case."""
        seen = self._look()
        if seen == self._before and seen != self._loaded and None not in seen:
            self._loaded = seen  # whatever comes of it: the same files are not tried twice
            await self._reload("--watch-rules")
        self._before = seen
        return False

    def _look(self) -> tuple[Mark | None, ...]:
        return tuple(_mark(file) for file in self._files)


def _mark(file: Path) -> Mark | None:
    """None while it is not there."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
