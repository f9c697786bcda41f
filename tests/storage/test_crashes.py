"""Real processes that are killed or whose disk fails; what they acknowledged is there afterwards."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.storage.conftest import CHILD_ENVIRONMENT, Open

LIVES = 10


async def child(path: Path, mode: str, *before: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *before,
        *(sys.executable, "-m", "tests.storage.child", str(path), mode),
        stdout=asyncio.subprocess.PIPE,
        env=CHILD_ENVIRONMENT,
    )


async def acknowledged(process: asyncio.subprocess.Process, most: int | None = None) -> list[str]:
    """The lines that the child printed, up to a number of them or to its end."""
    assert process.stdout is not None
    lines: list[str] = []
    while most is None or len(lines) < most:
        line = await process.stdout.readline()
        if not line:
            break
        lines.append(line.decode().strip())
    return lines


async def test_nothing_acknowledged_is_lost_to_kill_9(open_store: Open, path: Path) -> None:
    """Ten lives, killed in the middle of writing: each acknowledged group is whole, ids never repeat."""
    seen: set[int] = set()
    for life in range(LIVES):
        process = await child(path, "write")
        lines = await acknowledged(process, 30 + 17 * life)
        process.kill()
        lines += await acknowledged(process)  # what was in the pipe had been acknowledged, too
        await process.wait()
        assert lines[0] == "ready"
        # The last line may be cut by the kill; an id that is printed twice would be a lost row.
        groups = [int(line) for line in lines[1:-1]]
        assert len(set(groups)) == len(groups)
        assert seen.isdisjoint(groups)
        seen.update(groups)

    store = await open_store()
    assert seen <= {row.id for row in await store.open_groups()}
    assert len(seen) > LIVES * 30
    for group in seen:
        verdict = await store.verify_chain(group)
        assert (verdict.good, verdict.entries) == (True, 1)


async def test_a_disk_without_room_refuses_and_heals(open_store: Open, path: Path) -> None:
    """A file size limit stops the log: callers are told, readers go on, and room is used when it comes."""
    process = await child(path, "full")
    lines = await acknowledged(process)
    assert await process.wait() == 0
    stopped = lines.index("unavailable")
    groups = [int(line) for line in lines[1:stopped]]
    assert len(groups) > 1
    assert lines[stopped + 1] == f"readable {len(groups)}"
    assert int(lines[stopped + 2]) == len(groups) + 1  # the id of the refused group was given back
    assert len(await (await open_store()).open_groups()) == len(groups) + 1


@pytest.mark.external
async def test_an_fsync_that_fails_ends_the_store(open_store: Open, path: Path) -> None:
    """EIO from fdatasync: no retry, every caller refused, and all acknowledged rows are there at restart."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    await (await open_store()).close()
    quiet = (
        "-f",
        "-qqq",
        "-o",
        os.devnull,
        "-e",
        "trace=fdatasync",
        "-e",
        "inject=fdatasync:error=EIO:when=25+",
    )
    process = await child(path, "write", strace, *quiet)
    lines = await acknowledged(process)
    await process.wait()
    groups = {int(line) for line in lines if line.isdigit()}
    assert "unavailable" not in lines
    assert lines.count("failed") >= 1
    assert len(groups) > 8
    store = await open_store()
    assert groups <= {row.id for row in await store.open_groups()}
