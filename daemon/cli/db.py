"""`tocsin db`: looking after the SQLite file itself; the daemon is not asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli import screen, target
from daemon.cli.lazy import NO
from daemon.cli.options import Config, Json, chosen_config

if TYPE_CHECKING:
    from daemon.storage.sqlite.checkup import Checkup

app = typer.Typer(help="Check, copy, restore and upgrade the database file.", no_args_is_help=True)

Backup = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")]


@app.command("check")
def check(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", show_default=False, help="A backup; else the database.")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say whether the file and every incident's journal are whole; exit 1 if not."""
    from daemon.storage.sqlite.checkup import check as look  # noqa: PLC0415 - other commands need no database library

    found = look(file if file is not None else target.database_file(chosen_config(ctx, config)))
    if as_json:
        screen.print_json(_data(found))
    else:
        for finding in found.findings:
            screen.line(finding)
        screen.line(f"{found.file}: {'good' if found.good else 'not good'}", *_figures(found))
    if not found.good:
        raise typer.Exit(NO)


@app.command("backup")
def backup(
    ctx: typer.Context,
    file: Backup,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Copy the database as it is now, also while the daemon runs, and check the copy."""
    from daemon.storage.sqlite.backup import back_up  # noqa: PLC0415 - see above

    found = back_up(target.database_file(chosen_config(ctx, config)), file, force=force)
    if as_json:
        screen.print_json(_data(found))
    else:
        screen.line(f"{found.file}: written and checked", *_figures(found))


@app.command("restore")
def restore(ctx: typer.Context, file: Backup, config: Config = None, as_json: Json = False) -> None:
    """Put a backup in the database's place; what it had not sent is held for you to decide."""
    from daemon.core.clock import SystemClock  # noqa: PLC0415 - see above
    from daemon.storage.sqlite.restore import restore as put_back  # noqa: PLC0415 - see above

    database = target.database_file(chosen_config(ctx, config))
    done = put_back(file, database, SystemClock())
    aside = "" if done.aside is None else str(done.aside)
    if as_json:
        screen.print_json(
            {"file": str(database), "from": str(file), "aside": aside or None, "held": done.held}
        )
        return
    screen.line(f"{database}: restored from {file}", *_figures(done.copy))
    if aside:
        screen.line(f"{aside}: what was there before")
    if done.held:
        screen.line(
            f"{done.held} deliveries are held: nobody knows what became of them; start the daemon, then see"
            " tocsin outbox list --state held"
        )


@app.command("migrate")
def migrate(ctx: typer.Context, config: Config = None, as_json: Json = False) -> None:
    """Bring the database to this program's schema; the daemon does so by itself when it starts."""
    from daemon.storage.sqlite.upgrade import upgrade  # noqa: PLC0415 - see above

    database = target.database_file(chosen_config(ctx, config))
    done = upgrade(database)
    if as_json:
        screen.print_json({"file": str(database), "from": done.before or None, "to": done.after})
    elif done.before == done.after:
        screen.line(f"{database}: schema {done.after}; nothing to do")
    else:
        screen.line(f"{database}: from schema {done.before or 'none'} to {done.after}")


def _figures(found: Checkup) -> tuple[str, ...]:
    return (f"schema {found.version or 'none'}", f"{found.groups} groups", f"{found.entries} journal entries")


def _data(found: Checkup) -> dict[str, Any]:
    return {
        "good": found.good,
        "file": str(found.file),
        "schema": found.version or None,
        "groups": found.groups,
        "entries": found.entries,
        "damage": found.damage,
        "broken": [
            {"group": one.group, "incident": one.incident, "entry": one.entry, "reason": one.reason}
            for one in found.broken
        ],
    }
