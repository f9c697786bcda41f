"""`tocsin rules coverage`: what the stored history used of the rules in force."""

from __future__ import annotations

from typing import Annotated

import typer

from daemon.cli import screen
from daemon.cli.options import Config, Json, connect

PATIENCE = 600.0
"""Seconds: a long history is read as a whole."""


def coverage(
    ctx: typer.Context,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="How far back: 90d, or an RFC 3339 time.")
    ] = "90d",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Routes and steps that were never reached, and alerts that only the catch-all took."""
    client = connect(ctx, config)
    client.deadline = PATIENCE
    found = client.get("/rules/coverage", since=since)
    if as_json:
        screen.print_json(found)
        return
    screen.line(f"rules {found['version'][:12]}", f"since {screen.long_time(found['since'])}")
    routes = ((one["route"], one["incidents"], one["alerts"]) for one in found["routes"])
    screen.print_table(("!route", "!incidents", "!alerts"), routes, empty="")
    screen.heading("Steps")
    steps = (
        (f"{one['plan']}/{one['step']}", one["acted"], one["skipped"], one["reason"])
        for one in found["steps"]
    )
    screen.print_table(("!step", "!acted", "!skipped", "mostly because"), steps, empty="")
    screen.heading("Never reached" if found["unreached"] else "Every route and step was reached.")
    for line in found["unreached"]:
        screen.line(line)
    if found["catch_all"]:
        screen.heading("Alerts that only the catch-all takes")
        caught = ((one["alertname"], one["count"]) for one in found["catch_all"])
        screen.print_table(("!alert", "!times"), caught, empty="")
