"""The tree of commands: documented, uniform, quick to start."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.main import get_command

from config import load
from config.settings import Settings
from daemon.cli import incident, target
from daemon.cli.main import COMMANDS, app
from daemon.core.words import Impact, Status
from daemon.version import version
from tests.cli.terminal import run, spawn

MANUAL = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
NO_JSON = {"serve", "demo", "rules schema"}  # a log, a show, and nothing but JSON
NO_CONFIG = {"rules schema", "demo"}
HEAVY = ("aiohttp", "sqlalchemy", "tweepy", "pydantic_settings", "structlog", "jinja2", "rich", "msgspec")


def leaves(command: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command with its full name."""
    command = command or get_command(app)
    names = command.list_commands(None) if hasattr(command, "list_commands") else []
    if not names:
        yield " ".join(path), command
    for name in names:
        yield from leaves(command.get_command(None, name), (*path, name))


LEAVES = dict(leaves())


def options(command: Any) -> set[str]:
    return {flag for one in command.params for flag in one.opts if flag.startswith("--")}


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_is_in_the_manual(name: str) -> None:
    """With each of its options, in a row of its own group."""
    rows = [row for row in MANUAL.splitlines() if row.startswith(f"| `tocsin {name}")]
    assert rows, f"docs/cli.md has no row for `tocsin {name}`"
    row = next(one for one in rows if re.match(rf"\| `tocsin {name}[ `]", one))
    for option in options(LEAVES[name]) - {"--config", "--json", "--who", "--help"}:
        assert option in row, f"{option} of {name}"


def test_the_manual_has_no_other_commands() -> None:
    """What is described exists."""
    for row in re.findall(r"^\| `tocsin ([^`]*)`", MANUAL, re.MULTILINE):
        assert any(row == name or row.startswith(f"{name} ") for name in LEAVES), row


@pytest.mark.parametrize("name", LEAVES)
def test_what_all_commands_take(name: str) -> None:
    """-c everywhere, --json wherever data is printed, a sentence of help for each option."""
    command = LEAVES[name]
    assert ("--config" in options(command)) is (name not in NO_CONFIG)
    assert ("--json" in options(command)) is (name not in NO_JSON)
    assert command.help
    assert all(getattr(one, "help", "x") for one in command.params)


def test_closed_lists_are_the_domains() -> None:
    """Words that options take are those of the core, in their order."""
    assert get_args(incident.StatusWord) == tuple(one.name for one in Status)
    assert get_args(incident.ImpactWord) == tuple(one.name for one in Impact)


def test_short_readers_of_the_configuration_agree_with_the_long_one() -> None:
    """The few keys that a client reads have the daemon's own defaults."""
    short, full = target._Wiring(), Settings()
    assert short.listen.private == full.listen.private
    assert short.database == full.database
    assert target.DEFAULT_FILE == load.DEFAULT_FILE


def test_help_says_something_at_every_level() -> None:
    """The tree, a group and a command explain themselves; nothing given is help and wrong use."""
    for arguments in (["--help"], ["-h"], ["incident", "--help"], ["incident", "update", "--help"]):
        shown = run(*arguments)
        assert shown.code == 0
        assert "Usage:" in shown.out
    assert run().code == 2
    assert set(COMMANDS) <= set(run("--help").out.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["incidnt"], "'incident'"),
        (["incident", "lst"], "'list'"),
        (["incident", "list", "--limt", "3"], "--limit"),
        (["incident", "list", "--limit", "0"], "--limit"),
        (["incident", "update", "1", "x", "--status", "fixed"], "identified"),
        (["approve", "INC-1"], "STEP"),
    ],
)
def test_wrong_use(arguments: list[str], words: str) -> None:
    """Exit 2, on stderr, with what was probably meant."""
    found = run(*arguments)
    assert (found.code, found.out) == (2, "")
    assert words in found.err


async def test_version_and_health_start_fast() -> None:
    """What a container asks every few seconds loads none of the heavy libraries."""
    assert (await spawn("--version")).out == f"tocsin {version()}\n"
    code = (
        "import sys; from daemon.cli.main import app\n"
        "try: app(['health', '-c', sys.argv[1]])\n"
        f"except SystemExit: print([one for one in {HEAVY!r} if one in sys.modules])"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, "nowhere.yaml", cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert (out, err.startswith(b"nowhere.yaml: cannot be read")) == (b"[]\n", True)


async def test_control_c_while_it_loads() -> None:
    """Loading takes long enough for somebody to press it: exit 130, not a word."""
    code = (
        "import sys\n"
        "class Impatient:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'typer': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Impatient())\n"
        "from daemon.__main__ import main\n"
        "main()\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert await process.communicate() == (b"", b"")
    assert process.returncode == 130


async def test_a_terminal_that_lacks_our_signs(tmp_path: Path) -> None:
    """A middle dot or an umlaut is shown as `?` there; it is no fault."""
    file = tmp_path / "rules.yaml"
    file.write_text("# für · alle\n", encoding="utf-8")
    found = await spawn("rules", "show", str(file), PYTHONIOENCODING="ascii")
    assert (found.code, "# f?r ? alle" in found.out) == (0, True), found.err
    wrong = await spawn("check", "-c", "nö.yaml", PYTHONIOENCODING="ascii")
    assert (wrong.code, wrong.err.startswith("n?.yaml: cannot be read")) == (2, True)


def test_no_traceback_reaches_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the program is one sentence too, and says how to see where it is."""

    def broken(*_: Any) -> None:
        raise ZeroDivisionError("by accident")

    monkeypatch.setattr("daemon.cli.health.connect", broken)
    found = run("health")
    assert found.code == 1
    assert "by accident" in found.err
    assert "Traceback" not in found.err
    assert "--traceback" in found.err
    with pytest.raises(AssertionError, match="by accident"):
        run("--traceback", "health")
