"""What commands look like on a narrow terminal and in a pipe."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import struct
import sys
import termios

import pytest

from daemon.cli import screen
from tests.cli.terminal import Terminal, environment, spawn

COLUMNS = 80
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def without_escapes(text: str) -> str:
    return _ESCAPES.sub("", text)


async def on_terminal(*arguments: str, columns: int = COLUMNS, code: int = 0) -> str:
    """What the command prints on a terminal, before it ends with ``code``."""
    near, far = os.openpty()
    try:
        fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        more = {"TERM": "xterm-256color", "TZ": "UTC"}
        kept = {name: value for name, value in environment(**more).items() if name != "NO_COLOR"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "daemon", *arguments, env=kept, stdin=far, stdout=far, stderr=far
        )
        ended = await process.wait()
        os.close(far)
        far = -1
        assert ended == code
        return _read(near)
    finally:
        os.close(near)
        if far >= 0:
            os.close(far)


def _read(terminal: int) -> str:
    found = b""
    while True:
        try:
            found += (part := os.read(terminal, 65536))
        except OSError:  # Linux says EIO when the other end is closed and all is read
            break
        if not part:
            break
    return found.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("command", [["list"], ["show", "1"]])
async def test_eighty_columns(desk: Terminal, command: list[str]) -> None:
    """A table keeps within the width, in colour, and shows ids and words whole."""
    title = "Payments and refunds fail for customers who use saved cards in some regions"
    await desk.office.act("/incidents/INC-1/update", title=title)
    shown = await on_terminal("incident", *command, "-c", str(desk.config))
    assert "\x1b[" in shown
    text = without_escapes(shown)
    if command == ["list"]:
        assert max(map(len, text.splitlines())) <= COLUMNS
        assert all(word in text for word in ("INC-1", "investigating", "critical", "Payments"))
        assert text.count("\n") <= 10
    else:
        assert title in text


async def test_a_pipe_gets_one_line_per_row(desk: Terminal) -> None:
    """However long a title is; no colours, no frames, no blanks at line ends."""
    await desk.office.act("/incidents/INC-1/update", title="Word " * 39)
    shown = await spawn("incident", "list", "-c", str(desk.config))
    assert shown.code == 0
    head, row = shown.out.splitlines()
    assert row.endswith(("Word " * 39).strip())
    assert "\x1b" not in shown.out
    assert all(line == line.rstrip() for line in (head, row))


@pytest.mark.parametrize(
    ("begin", "end", "words"),
    [
        ("2027-01-01T10:00:00Z", "2027-01-01T10:00:59Z", "<1m"),
        ("2027-01-01T10:00:00Z", "2027-01-01T12:05:30Z", "2h5m"),
        ("2027-01-01T10:00:00Z", "2027-01-04T14:05:30Z", "3d4h"),
    ],
)
def test_ages(begin: str, end: str, words: str) -> None:
    """Rough, and rougher the longer it lasted."""
    assert screen.age(begin, end) == words
