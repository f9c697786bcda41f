"""What strangers wrote does nothing to the terminal of whoever reads it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest
import structlog

from daemon import logs
from daemon.cli import screen
from daemon.core.clock import FakeClock

HOSTILE = "a\x1b[31mb\x9b31mc\x1b]0;title\x07\u202ed\x7f\r\nforged"
OBEYED = "\x1b\x9b\x07\u202e\x7f\r"


@pytest.fixture
def console() -> Iterator[io.StringIO]:
    """The log as people read it on a terminal, without colours."""
    memory = io.StringIO()
    logs.configure(FakeClock(0), style="console", stream=memory)
    yield memory
    logs.reset()


def test_json_for_programs_is_harmless_to_people(capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` on a terminal escapes what it would obey, C1 controls too, and means the same."""
    data = {"title": HOSTILE, HOSTILE: ["ü", "👩‍🚒"]}
    screen.print_json(data)
    shown = capsys.readouterr().out
    assert not set(shown) & set(OBEYED)
    assert json.loads(shown) == data
    assert "ü" in shown


def test_a_title_makes_no_second_row(capsys: pytest.CaptureFixture[str]) -> None:
    """A line break in a cell does not look like another incident."""
    screen.print_table(("id", "title"), [("INC-1", "calm\nINC-2  forged")], empty="")
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 2
    assert not set("".join(shown)) & set(OBEYED)


@pytest.mark.parametrize("value", [HOSTILE, "\x1b[31mx", "\x9bx", "x\x07"])
def test_the_log_on_a_terminal_shows_signs_instead_of_obeying(console: io.StringIO, value: str) -> None:
    """Paths that nobody had to log in for are logged; they colour, title and forge nothing."""
    structlog.get_logger("tocsin.hooks").warning("webhook refused", source=value, more={"a": value})
    shown = console.getvalue()
    assert "webhook refused" in shown
    assert not set(shown) & set(OBEYED)
    assert len(shown.splitlines()) == 1
