"""The `tocsin` command: its tree of subcommands.  A new one is a line in the table."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from daemon.cli.lazy import LazyGroup
from daemon.cli.options import Config
from daemon.version import version

COMMANDS = {
    "serve": "daemon.cli.serve:app",
    "check": "daemon.cli.check:app",
    "preview": "daemon.cli.preview:app",
    "demo": "daemon.cli.demo:app",
    "incident": "daemon.cli.incident:app",
    "approve": "daemon.cli.votes:approve",
    "veto": "daemon.cli.votes:veto",
    "pause": "daemon.cli.pause:pause",
    "resume": "daemon.cli.pause:resume",
    "rules": "daemon.cli.rules:app",
    "words": "daemon.cli.words:app",
    "outbox": "daemon.cli.outbox:app",
    "suppressions": "daemon.cli.suppressions:app",
    "db": "daemon.cli.db:app",
    "health": "daemon.cli.health:app",
}


class Tree(LazyGroup):
    """All commands."""

    table = COMMANDS


app = typer.Typer(
    cls=Tree,
    name="tocsin",
    help="Tells your customers what is broken, and when they hear more.",
    epilog="Exit codes: 0 good, 1 the answer is no, 2 wrong use or bad configuration.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"tocsin {version()}")
        raise typer.Exit


@app.callback()
def root(
    config: Config = None,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    traceback: Annotated[bool, typer.Option("--traceback", help="Show where a fault of ours is.")] = False,
) -> None:
    """Options that may also stand after the command."""
    del config, show_version, traceback  # commands look for them in the context


def main() -> None:
    """Runs the command that was typed."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal without our signs shows `?` in their place
            stream.reconfigure(errors="replace")
    app(prog_name=Path(sys.argv[0]).name if sys.argv[0].endswith("tocsin") else "tocsin")
