"""A node as a process of its own, to be stopped or killed: ``python -m tests.storage.postgres.child``.

``migrate N``: opens an empty database and kills itself after the Nth statement of its migration.
``hold``: says ``holding`` when its commit has the lock and waits for a signal; then goes on.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import alembic.op

from daemon.core.clock import SystemClock
from daemon.core.errors import Unavailable
from daemon.core.store import Tx
from daemon.storage.postgres.store import open_postgres
from tests.storage.samples import NOW, begin


def say(word: object) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def migrate(address: str, count: int) -> None:
    left = count

    def deadly(name: str) -> None:
        real = getattr(alembic.op, name)

        def statement(*arguments: object, **options: object) -> None:
            nonlocal left
            real(*arguments, **options)
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

        setattr(alembic.op, name, statement)

    deadly("create_table")
    deadly("create_index")
    await (await open_postgres(address, SystemClock())).close()
    say("whole")


async def hold(address: str) -> None:
    store = await open_postgres(address, SystemClock())

    def work(tx: Tx) -> int:
        say("holding")
        os.kill(os.getpid(), signal.SIGSTOP)
        return begin(tx)

    try:
        say(await store.write(work, NOW))
    except Unavailable:
        say("refused")
    say(await store.write(begin, NOW))
    await store.close()


async def main(address: str, mode: str, count: str = "0") -> None:
    if mode == "migrate":
        await migrate(address, int(count))
    else:
        await hold(address)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
