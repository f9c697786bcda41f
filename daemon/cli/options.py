"""Options that many commands have in common."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from config.environment import environment
from daemon.cli import target
from daemon.cli.client import Client
from daemon.core.errors import BadInput

Config = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", metavar="FILE", show_default=False,
        help="The configuration; else TOCSIN_CONFIG, else ./tocsin.yaml.",
    ),
]  # fmt: skip
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Who = Annotated[
    str, typer.Option("--who", metavar="NAME", show_default=False, help="Who acts; else your login name.")
]
IncidentName = Annotated[str, typer.Argument(metavar="INC-42", help="The incident; 42 alone will do.")]
StepName = Annotated[str, typer.Argument(metavar="STEP", help="The step that waits; see `incident show`.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=500, help="At most so many.")]
Cursor = Annotated[
    str | None, typer.Option("--cursor", metavar="CURSOR", show_default=False, help="Go on after a page.")
]


def chosen_config(ctx: typer.Context, config: Path | None) -> Path | None:
    """The file named after the command, else the one named before it."""
    before: Path | None = ctx.find_root().params.get("config")
    return config if config is not None else before


def connect(ctx: typer.Context, config: Path | None) -> Client:
    """A client of the daemon that the configuration describes.  Raises BadConfig."""
    return Client(target.find(chosen_config(ctx, config)))


def acting(who: str) -> str:
    """The name given, else the login name; behind sudo that of whoever called it.  Raises BadInput."""
    try:
        name = who or environment().get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError) as error:  # a user id without a name, as in some containers
        raise BadInput("your login has no name: say who acts with --who NAME") from error
    return name


def incident_name(text: str) -> str:
    """``INC-42`` of ``42``, ``inc-42`` or itself."""
    return f"INC-{text}" if text.isdecimal() else text.upper()
