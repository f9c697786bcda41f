"""`tocsin rules history`: which rules were in force, who loaded them, and what they changed."""

from __future__ import annotations

from typing import Annotated

import typer

from daemon.cli import screen
from daemon.cli.client import in_path
from daemon.cli.options import Config, Cursor, Json, Limit, connect

SHOWN = 12  # letters of a version


def history(
    ctx: typer.Context,
    version: Annotated[
        str,
        typer.Argument(
            metavar="VERSION", show_default=False, help="What this one changed; its first letters."
        ),
    ] = "",
    limit: Limit = 50,
    cursor: Cursor = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Versions of the rules with who loaded them and how many lines changed; or one version's difference."""
    client = connect(ctx, config)
    if version:
        found = client.get(f"/rules/versions/{in_path(version)}")
        if as_json:
            screen.print_json(found)
        else:
            screen.line(
                found["version"], f"loaded {screen.long_time(found['loaded_at'])}", f"by {found['who']}"
            )
            screen.paragraph("\n".join(found["diff"]) or "Nothing differs from the one before.", 0)
        return
    found = client.get("/rules/versions", limit=limit, cursor=cursor)
    if as_json:
        screen.print_json(found)
        return
    columns = ("!version", "!loaded", "!by", "!lines", "!incidents", "!", "files")
    rows = (
        (one["version"][:SHOWN], screen.long_time(one["loaded_at"]), one["who"],
         f"+{one['added']} -{one['removed']}", one["incidents"], "in force" if one["in_force"] else "",
         ", ".join(one["files"]))
        for one in found["items"]
    )  # fmt: skip
    screen.print_table(columns, rows, empty="No rules were ever loaded.")
    if found["next"]:
        screen.line(f"There are more: --cursor {found['next']}")
