"""`tocsin db`: looking after the database itself, whatever kind it is; the daemon is not asked."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from config import database as databases
from daemon.cli import progress, screen, target
from daemon.cli.lazy import NO, fail
from daemon.cli.options import Config, Json, chosen_config
from daemon.core.clock import SystemClock
from daemon.core.errors import BadInput

if TYPE_CHECKING:
    from daemon.storage.checkup import Checkup
    from daemon.storage.upkeep import Upkeep

app = typer.Typer(help="Check, copy, restore and upgrade the database.", no_args_is_help=True)

Backup = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")]
CONFIGURED = "config:"
HELD = (
    "deliveries are held: nobody knows what became of them; start the daemon, then see"
    " tocsin outbox list --state held"
)


@app.command("check")
def check(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", show_default=False, help="A backup; else the database.")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say whether the database and every incident's journal are whole; exit 1 if not."""
    found = (_configured(ctx, config) if file is None else _upkeep(f"{databases.SQLITE}{file}")).check()
    if as_json:
        screen.print_json({"good": found.good, "database": found.place, **_data(found)})
    else:
        for finding in found.findings:
            screen.line(finding)
        screen.line(f"{found.place}: {'good' if found.good else 'not good'}", *_figures(found))
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
    """Copy the database as it is now into a file, also while daemons run, and check the copy."""
    upkeep = _configured(ctx, config)
    with progress.shown() as told:
        found = upkeep.back_up(file, force=force, progress=told)
    if as_json:
        screen.print_json({"good": found.good, "database": upkeep.place, "file": str(file), **_data(found)})
    else:
        screen.line(f"{file}: written and checked", *_figures(found))


@app.command("restore")
def restore(ctx: typer.Context, file: Backup, config: Config = None, as_json: Json = False) -> None:
    """Put a backup in the database's place; what it had not sent is held for you to decide."""
    upkeep = _configured(ctx, config)
    with progress.shown() as told:
        done = upkeep.restore(file, SystemClock(), told)
    if as_json:
        screen.print_json(
            {"database": upkeep.place, "from": str(file), "aside": done.aside, "held": done.held}
        )
        return
    screen.line(f"{upkeep.place}: restored from {file}", *_figures(done.copy))
    if done.aside:
        screen.line(f"{done.aside}: what was there before")
    if done.held:
        screen.line(f"{done.held} {HELD}")


@app.command("hold")
def hold(ctx: typer.Context, config: Config = None, as_json: Json = False) -> None:
    """After the database was restored by other means: hold what it had not sent, as `restore` does."""
    upkeep = _configured(ctx, config)
    held = upkeep.hold(SystemClock())
    if as_json:
        screen.print_json({"database": upkeep.place, "held": held})
    else:
        screen.line(f"{upkeep.place}: {held} {HELD}" if held else f"{upkeep.place}: nothing was to be held")


@app.command("migrate")
def migrate(ctx: typer.Context, config: Config = None, as_json: Json = False) -> None:
    """Bring the database to this program's schema; the daemon does so by itself when it starts."""
    upkeep = _configured(ctx, config)
    done = upkeep.migrate()
    if as_json:
        screen.print_json({"database": upkeep.place, "from": done.before or None, "to": done.after})
    elif done.before == done.after:
        screen.line(f"{upkeep.place}: schema {done.after}; nothing to do")
    else:
        screen.line(f"{upkeep.place}: from schema {done.before or 'none'} to {done.after}")


@app.command("copy")
def copy(
    ctx: typer.Context,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="ADDRESS",
            show_default=False,
            help="The empty database: sqlite:///..., postgresql://..., or config:FILE for that file's.",
        ),
    ],
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="ADDRESS",
            show_default=False,
            help="The database to copy, written likewise; else the configuration's own.",
        ),
    ] = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Take a whole history over into an empty database, with no daemon running, and check it there."""
    from daemon.storage.upkeep import copy_over  # noqa: PLC0415 - other commands need no database library

    left = _named(source, "--from") if source else _configured(ctx, config)
    right = _named(to, "--to")
    if left.place == right.place:
        raise BadInput(f"{left.place}: is both --from and --to")
    with progress.shown() as told:
        found = asyncio.run(copy_over(left, right, told))
    if as_json:
        screen.print_json({"good": found.good, "from": left.place, "database": right.place, **_data(found)})
        return
    screen.line(f"{right.place}: copied from {left.place} and checked", *_figures(found))
    screen.line(f"start daemons on {right.place} alone: what {left.place} has not sent would be sent twice")


def _configured(ctx: typer.Context, config: Path | None) -> Upkeep:
    return _upkeep(target.database(chosen_config(ctx, config)))


def _named(address: str, option: str) -> Upkeep:
    """The database of an address on the command line.  Raises BadInput, BadConfig."""
    if address.startswith(CONFIGURED):
        return _upkeep(target.database(Path(address.removeprefix(CONFIGURED))))
    trouble = databases.problem(address)
    if trouble:
        raise BadInput(f"{option} {trouble}")
    if databases.has_password(address):
        fail(f"{option} holds a password, which others on this machine can see; better: {option} config:FILE")
    return _upkeep(address)


def _upkeep(address: str) -> Upkeep:
    from daemon.storage.opening import upkeep_of  # noqa: PLC0415 - see above

    return upkeep_of(databases.file_of(address), address)


def _figures(found: Checkup) -> tuple[str, ...]:
    return (f"schema {found.version or 'none'}", f"{found.groups} groups", f"{found.entries} journal entries")


def _data(found: Checkup) -> dict[str, Any]:
    return {
        "schema": found.version or None,
        "groups": found.groups,
        "entries": found.entries,
        "damage": found.damage,
        "broken": [
            {"group": one.group, "incident": one.incident, "entry": one.entry, "reason": one.reason}
            for one in found.broken
        ],
    }
