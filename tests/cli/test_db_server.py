"""`tocsin db` with a PostgreSQL server: the same commands, the same words, and no password in any of them."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest

from daemon.cli import progress
from daemon.storage.versions import HEAD
from tests.cli.terminal import run
from tests.cli.test_db import configured
from tests.storage.histories import Rows, everything, execute, make
from tests.storage.test_open import alter

pytestmark = pytest.mark.external

PASSWORD = "never-asked-for"  # the test server trusts everybody


def with_password(address: str) -> str:
    return address.replace("postgres@", f"postgres:{PASSWORD}@")


def shown(address: str) -> str:
    return address.partition("@")[2]


def rows_of(address: str) -> Rows:
    return asyncio.run(everything(address))


@pytest.fixture
def config(address: str) -> Path:
    return configured(Path(), with_password(address))


@pytest.fixture
def file() -> Path:
    """A SQLite database with a history."""
    made = Path("old.db").absolute()
    asyncio.run(make(f"sqlite:///{made}"))
    return made


def tocsin(config: Path, *arguments: str, code: int = 0) -> str:
    """What it says; nothing on the other channel, and nothing secret."""
    found = run("db", *arguments, "-c", str(config))
    assert found.code == code, found.err
    assert PASSWORD not in found.out + found.err
    assert bool(found.out) is not bool(found.err), "one of the two, and not both"
    return found.out + found.err


def test_moving_up(config: Path, address: str, file: Path) -> None:
    """From a file to a server, by their configurations; and back by an address."""
    old = Path("old.yaml")
    old.write_text(f"database: sqlite:///{file}\n", encoding="utf-8")
    said = tocsin(old, "copy", "--to", f"config:{config}")
    assert said.splitlines() == [
        f"{shown(address)}: copied from {file} and checked · schema {HEAD} · 3 groups · 6 journal entries",
        f"start daemons on {shown(address)} alone: what {file} has not sent would be sent twice",
    ]
    assert rows_of(address) == rows_of(f"sqlite:///{file}")
    again = run("db", "copy", "--to", f"sqlite:///{Path.cwd()}/back.db", "--json", "-c", str(config))
    assert again.json == {
        "good": True, "from": shown(address), "database": f"{Path.cwd()}/back.db", "schema": HEAD,
        "groups": 3, "entries": 6, "damage": [], "broken": [],
    }  # fmt: skip
    assert rows_of(f"sqlite:///{Path.cwd()}/back.db") == rows_of(address)
    assert "is not empty: there are " in tocsin(old, "copy", "--to", f"config:{config}", code=1)


def test_a_password_on_the_command_line(config: Path, address: str, file: Path) -> None:
    """Others can see it in the list of processes: it works, and a better way is named."""
    found = run("db", "copy", "--from", f"sqlite:///{file}", "--to", with_password(address))
    assert found.code == 0
    assert (
        found.err == "--to holds a password, which others on this machine can see; better: --to config:FILE\n"
    )
    assert PASSWORD not in found.out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--to", "other.db"], 2, "--to is no database address; write sqlite:///"),
        (["--to", "postgresql://u:geheim@h:x/d"], 2, "--to has a port that is no number"),
        (["--to", "config:none.yaml"], 2, "none.yaml: cannot be read"),
        (["--to", "config:tocsin.yaml"], 2, "is both --from and --to"),
        (["--from", "sqlite:///none.db", "--to", "sqlite:///b.db"], 1, "none.db: there is no such file"),
        (["--to", "sqlite:///b.db"], 2, "holds no data of tocsin"),
        ([], 2, "--to"),
    ],
)
def test_copies_that_cannot_be(config: Path, arguments: list[str], code: int, words: str) -> None:
    """One sentence each."""
    assert words in " ".join(tocsin(config, "copy", *arguments, code=code).split())


def test_the_life_of_a_database(config: Path, address: str) -> None:
    """Made, checked, backed up, restored, held: places and figures as with a file."""
    place = shown(address)
    assert tocsin(config, "migrate") == f"{place}: from schema none to {HEAD}\n"
    assert tocsin(config, "migrate") == f"{place}: schema {HEAD}; nothing to do\n"
    asyncio.run(make(address))
    figures = f"schema {HEAD} · 3 groups · 6 journal entries"
    assert tocsin(config, "check") == f"{place}: good · {figures}\n"
    assert tocsin(config, "backup", "b.db") == f"b.db: written and checked · {figures}\n"
    assert tocsin(config, "check", "b.db") == f"b.db: good · {figures}\n"
    first, aside, held = tocsin(config, "restore", "b.db").splitlines()
    assert first == f"{place}: restored from b.db · {figures}"
    assert aside.startswith(f"{place}, schema tocsin_20")
    assert aside.endswith(": what was there before")
    assert held.startswith("12 deliveries are held: nobody knows")
    assert tocsin(config, "hold") == f"{place}: nothing was to be held\n"
    asyncio.run(execute(address, "UPDATE deliveries SET state = 'queued' WHERE id = 101"))
    assert tocsin(config, "hold").startswith(f"{place}: 1 deliveries are held")
    data = run("db", "restore", "b.db", "--json", "-c", str(config)).json
    assert (data["database"], data["from"], data["held"]) == (place, "b.db", 12)


def test_a_bad_database_is_exit_1(config: Path, address: str) -> None:
    """The first broken entry, for people and for programs; no backup is made of it."""
    asyncio.run(make(address))
    asyncio.run(execute(address, "UPDATE journal SET at = at + 1 WHERE group_id = 2"))
    assert tocsin(config, "check", code=1).splitlines() == [
        "INC-2: entry 1 was changed, or one before it replaced",
        f"{shown(address)}: not good · schema {HEAD} · 3 groups · 4 journal entries",
    ]
    assert "INC-2" in tocsin(config, "backup", "b.db", code=1)
    assert not Path("b.db").exists()


def test_a_server_that_is_down(file: Path) -> None:
    """Each command says so in a line: exit 1, the answer is no."""
    config = configured(Path(), f"postgresql://postgres:{PASSWORD}@127.0.0.1:1/tocsin")
    for command in (["check"], ["backup", "b"], ["restore", str(file)], ["migrate"], ["hold"]):
        said = tocsin(config, *command, code=1)
        assert "127.0.0.1:1/tocsin: the database server does not answer" in said
    said = tocsin(config, "copy", "--from", f"sqlite:///{file}", "--to", f"config:{config}", code=1)
    assert "127.0.0.1:1/tocsin: the database server does not answer" in said


def test_a_broken_source(config: Path, address: str, file: Path) -> None:
    """What is wrong, and nothing is kept of it."""
    alter(file, "DELETE FROM journal WHERE group_id = 3")
    said = tocsin(config, "copy", "--from", f"sqlite:///{file}", "--to", f"config:{config}", code=1)
    assert "is damaged: INC-3: the newest entries, from 1 on, are missing" in said
    assert rows_of(address) == {}


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal_alone(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table and how far it is; a pipe is left in peace."""
    seen = Screen()
    monkeypatch.setattr("sys.stderr", seen)
    with progress.shown() as told:
        for done in (0, 3, 7):
            told("journal", done, 7)
    assert "journal" in seen.getvalue()
    assert "7/7" in seen.getvalue()
    plain = io.StringIO()
    monkeypatch.setattr("sys.stderr", plain)
    with progress.shown() as told:
        told("journal", 1, 1)
    assert plain.getvalue() == ""
