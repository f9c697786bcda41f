"""A process that writes until it is killed or its disk fails: ``python -m tests.storage.child``.

It prints one line per acknowledged write (the group's id), and ``ready``,
``unavailable`` or ``failed`` when it comes to that.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from pathlib import Path

from daemon.core.clock import SystemClock
from daemon.core.errors import Unavailable
from daemon.storage.sqlite.store import SqliteStore, open_sqlite
from tests.storage.samples import NOW, begin, new_group


def say(word: object) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def write_on(store: SqliteStore) -> None:
    """One client: write, wait, say so, again; until the store breaks."""
    while True:
        try:
            say(await store.write(begin, NOW))
        except Unavailable:
            if store.failure:
                say("failed")
                return
            say("unavailable")


async def no_room(store: SqliteStore, path: Path) -> None:
    """The log may not grow any more; then it may again."""
    say(await new_group(store))
    size = path.with_name(path.name + "-wal").stat().st_size
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100_000, hard))
    try:
        while True:
            say(await new_group(store))
    except Unavailable:
        say("unavailable")
    say(f"readable {len(await store.open_groups())}")
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    say(await new_group(store))


async def main(path: Path, mode: str) -> None:
    store = await open_sqlite(path, SystemClock())
    say("ready")
    if mode == "full":
        await no_room(store, path)
    else:
        await asyncio.gather(*(write_on(store) for _ in range(8)))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
