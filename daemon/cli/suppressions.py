"""`tocsin suppressions`: recipients whose mail came back, and writing to them again."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from daemon.cli import screen
from daemon.cli.options import Config, Cursor, Json, Limit, Who, acting, connect

app = typer.Typer(
    help="Recipients who get no more mail, because it came back.", no_args_is_help=True, add_completion=False
)


@app.command("list")
def list_suppressions(
    ctx: typer.Context, limit: Limit = 50, cursor: Cursor = None, config: Config = None, as_json: Json = False
) -> None:
    """Who is left out, and why; newest first."""
    found = connect(ctx, config).get("/suppressions", limit=limit, cursor=cursor)
    if as_json:
        screen.print_json(found)
        return
    rows = (
        (one["channel"], one["recipient"], screen.long_time(one["since"]), one["status"], one["bounces"],
         one["detail"])
        for one in found["items"]
    )  # fmt: skip
    columns = ("!channel", "!recipient", "!since", "!status", "!bounces", "why")
    screen.print_table(columns, rows, empty="Nobody is left out.")
    if found["next"]:
        print(f"There are more: --cursor {found['next']}", file=sys.stderr)


@app.command("lift")
def lift_suppression(
    ctx: typer.Context,
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="The channel's name.")],
    recipient: Annotated[str, typer.Argument(metavar="ADDRESS", help="Whom to write to again.")],
    who: Who = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Write to a recipient again, from the next update on."""
    done = connect(ctx, config).act(
        "/suppressions/lift", who=acting(who), channel=channel, recipient=recipient
    )
    if as_json:
        screen.print_json(done)
    else:
        screen.line(f"{done['recipient']} gets mail of {done['channel']} again")
