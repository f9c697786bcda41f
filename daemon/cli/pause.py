"""`tocsin pause` and `tocsin resume`: a take over of all incidents, those to come too."""

from __future__ import annotations

from typing import Annotated

import typer

from daemon.cli import screen
from daemon.cli.options import Config, Json, Who, acting, connect

pause = typer.Typer(add_completion=False)
resume = typer.Typer(add_completion=False)

Until = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", show_default=False, help="2h, 14:30, or an RFC 3339 time."),
]


@pause.command("pause")
def _pause(
    ctx: typer.Context, until: Until = None, who: Who = "", config: Config = None, as_json: Json = False
) -> None:
    """Let rules ask instead of speaking in public, on all incidents, until `tocsin resume`."""
    done = connect(ctx, config).act("/pause", until=until, who=acting(who))
    if as_json:
        screen.print_json(done)
        return
    end = f"until {screen.long_time(done['until'])}" if done["until"] else "until `tocsin resume`"
    screen.line(f"paused by {done['paused_by']} {end}; groups that live now: {done['incidents']}")


@resume.command("resume")
def _resume(ctx: typer.Context, who: Who = "", config: Config = None, as_json: Json = False) -> None:
    """End a pause: rules speak again."""
    done = connect(ctx, config).act("/resume", who=acting(who))
    if as_json:
        screen.print_json(done)
        return
    screen.line(f"resumed; groups that live now: {done['incidents']}")
