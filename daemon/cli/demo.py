"""`tocsin demo`: a recorded outage, told by the real daemon in two and a half minutes."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from daemon.core.errors import BadConfig

app = typer.Typer(add_completion=False)

FASTEST = 1000.0
"""Beyond that a write to disk takes minutes of the incident's time, and the story is about the disk."""

CHANNELS = {"mail": "subscribers", "slack": "ops", "x": "x"}


@app.command()
def demo(
    speed: Annotated[
        float,
        typer.Option(min=1, max=FASTEST, help="How many times as fast as in reality; 60 takes 2.5 minutes."),
    ] = 60,
    plain: Annotated[
        bool,
        typer.Option(
            "--plain", help="Lines instead of a live view; ends by itself. Exit code 1: not as it should be."
        ),
    ] = False,
    refuse: Annotated[
        list[str] | None,
        typer.Option(help=f"A service that takes nothing ({', '.join(CHANNELS)}), to see what happens then."),
    ] = None,
) -> None:
    """Show the whole story: a recorded outage, the real daemon, stand-ins for mail, Slack and X."""
    for name in refuse or ():
        if name not in CHANNELS:
            raise typer.BadParameter(f"{name!r} is no service of the demo; write {', '.join(CHANNELS)}")
    try:
        import aiosmtpd  # noqa: F401, PLC0415 - only to say clearly that it is missing
    except ImportError as error:
        raise BadConfig("the demo needs a local mail server: run `pip install aiosmtpd`") from error
    from rich.console import Console  # noqa: PLC0415 - `--help` needs none of the demo's libraries

    from daemon.demo.show import Options, show  # noqa: PLC0415 - as above

    console = Console(highlight=False)
    options = Options(
        speed=speed,
        plain=plain or not console.is_terminal or console.is_dumb_terminal,
        refuse=frozenset(CHANNELS[name] for name in refuse or ()),
    )
    raise typer.Exit(asyncio.run(show(options, console)))
