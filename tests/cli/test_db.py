"""`tocsin db`: what people see, while the daemon runs and while it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.storage.versions import HEAD
from tests.cli.terminal import Terminal, run, spawn, terminal
from tests.storage.test_open import alter, damage, replace


def configured(folder: Path, database: str) -> Path:
    config = folder / "tocsin.yaml"
    config.write_text(f"database: {database}\n", encoding="utf-8")
    return config


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_check_and_backup_beside_the_daemon(desk: Terminal, tmp_path: Path) -> None:
    """Both work while it runs, as text and as JSON; the backup can be checked by its name."""
    checked = await desk.run("db", "check")
    assert (checked.code, checked.err) == (0, "")
    assert f"tocsin.db: good · schema {HEAD} · 1 groups · " in checked.out
    copy = tmp_path / "copy.db"
    made = await desk.run("db", "backup", str(copy), "--json")
    assert (made.code, made.json["good"], made.json["file"], made.json["groups"]) == (0, True, str(copy), 1)
    again = await desk.run("db", "backup", str(copy))
    assert (again.code, again.out) == (1, "")
    assert "exists already" in again.err
    assert (await desk.run("db", "backup", str(copy), "--force")).code == 0
    assert (await desk.run("db", "check", str(copy), "--json")).json["entries"] == made.json["entries"]


async def test_restore_and_migrate_wait_for_the_daemon_to_stop(desk: Terminal, tmp_path: Path) -> None:
    """They say what to do, and nothing happens."""
    copy = str(tmp_path / "copy.db")
    assert (await desk.run("db", "backup", copy)).code == 0
    for command in (("restore", copy), ("migrate",)):
        found = await desk.run("db", *command)
        assert (found.code, found.out) == (1, "")
        assert "another tocsin is using" in found.err
        assert "stop it first" in found.err


async def test_a_restore_tells_what_is_left_to_do(tmp_path: Path) -> None:
    """Where the old file is, how many deliveries are held, and the next command."""
    copy = tmp_path / "copy.db"
    async with terminal(tmp_path) as desk:
        await desk.office.open()
        assert (await desk.run("db", "backup", str(copy))).code == 0
    alter(copy, "UPDATE deliveries SET state = 'queued' WHERE channel <> 'page'")
    config = str(desk.config)
    done = await spawn("db", "restore", str(copy), "-c", config)
    assert (done.code, done.err) == (0, "")
    assert "restored from" in done.out
    assert "what was there before" in done.out
    assert "tocsin outbox list --state held" in done.out
    again = await spawn("db", "restore", str(copy), "--json", "-c", config)
    assert again.json["held"] > 0
    assert again.json["aside"].removeprefix(str(tmp_path)) in {f"/{one.name}" for one in files(tmp_path)}
    migrated = await spawn("db", "migrate", "-c", config)
    assert migrated.out.endswith(f"schema {HEAD}; nothing to do\n")
    async with terminal(tmp_path) as desk:
        held = await desk.run("outbox", "list", "--state", "held", "--json")
        assert len(held.json["items"]) == again.json["held"]


async def test_a_bad_file_is_exit_1_and_named(tmp_path: Path) -> None:
    """The first broken entry, and a damaged page: sentences on standard output, JSON for programs."""
    async with terminal(tmp_path) as desk:
        await desk.office.open()
    database = tmp_path / "tocsin.db"
    alter(database, "UPDATE journal SET at = at + 1 WHERE sequence = 2")
    config = str(desk.config)
    found = run("db", "check", "-c", config)
    assert found.code == 1
    assert "INC-1: entry 2 was changed" in found.out
    assert "not good" in found.out
    broken = run("db", "check", "-c", config, "--json")
    assert (broken.code, broken.json["good"], broken.json["broken"][0]["entry"]) == (1, False, 2)
    damage(database, 0.5)
    assert run("db", "check", "-c", config).code == 1
    backup = run("db", "backup", str(tmp_path / "b.db"), "-c", config)
    assert (backup.code, backup.out) == (1, "")
    assert not (tmp_path / "b.db").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["check"], 1, "there is no such file"),
        (["backup", "b.db"], 1, "the daemon makes it when it starts"),
        (["restore", "b.db"], 1, "b.db: there is no such file"),
        (["migrate"], 1, "there is no such file"),
        (["restore"], 2, "FILE"),
        (["restore", "letter", "--force"], 2, "--force"),
        (["restore", "letter"], 1, "letter is damaged: file is not a database"),
        (["check", "foreign"], 2, "belongs to another program"),
        (["check", "."], 1, "there is no such file"),
    ],
)
def test_one_sentence_each(arguments: list[str], code: int, words: str) -> None:
    """Nothing there, wrong use, files of others: on stderr, without a traceback."""
    config = configured(Path(), f"sqlite:///{Path.cwd()}/none.db")
    replace(Path("letter"), b"dear all\n" * 1000)
    alter(Path("foreign"), "CREATE TABLE IF NOT EXISTS notes (text)")
    found = run("db", *arguments, "-c", str(config))
    assert (found.code, found.out) == (code, "")
    assert words in found.err
    assert "fault of tocsin" not in found.err
