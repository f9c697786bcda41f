"""`tocsin incident`: what people see of incidents and do with them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from daemon.cli import incident_export, screen
from daemon.cli.client import in_path
from daemon.cli.done import print_done
from daemon.cli.options import (
    Config,
    Cursor,
    IncidentName,
    Json,
    Limit,
    Who,
    acting,
    connect,
    incident_name,
)
from daemon.cli.whole_incident import print_whole
from daemon.cli.writing import words

app = typer.Typer(help="Incidents: look, write, resolve.", no_args_is_help=True, add_completion=False)
app.command("export")(incident_export.export)

StatusWord = Literal["investigating", "identified", "monitoring", "resolved"]
ImpactWord = Literal["none", "minor", "major", "critical"]

Text = Annotated[
    str | None,
    typer.Argument(metavar="TEXT", show_default=False, help="The words; - reads them from standard input."),
]
ToStatus = Annotated[StatusWord | None, typer.Option("--status", show_default=False, help="The new status.")]
ToImpact = Annotated[ImpactWord | None, typer.Option("--impact", show_default=False, help="The new impact.")]
To = Annotated[
    list[str] | None,
    typer.Option("--to", metavar="CHANNEL", show_default=False,
                 help="Where it goes; else where the last update went. Repeatable."),
]  # fmt: skip
Promise = Annotated[
    str | None,
    typer.Option("--promise", metavar="TIME", show_default=False,
                 help="Next update by then: 30m, 14:30, or an RFC 3339 time."),
]  # fmt: skip
Plan = Annotated[
    str, typer.Option("--plan", metavar="PLAN", show_default=False, help="The plan to follow from now on.")
]
NewTitle = Annotated[str, typer.Option("--title", metavar="TITLE", show_default=False, help="A new title.")]
Components = Annotated[
    list[str] | None,
    typer.Option("--component", metavar="COMPONENT", show_default=False, help="What is broken. Repeatable."),
]
Add = Annotated[
    list[str] | None,
    typer.Option("--add", metavar="COMPONENT", show_default=False, help="It is broken, too. Repeatable."),
]
Remove = Annotated[
    list[str] | None,
    typer.Option("--remove", metavar="COMPONENT", show_default=False, help="It is fine. Repeatable."),
]
Edit = Annotated[bool, typer.Option("--edit", "-e", help="Write the text in your editor.")]


@app.command("list")
def list_incidents(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", "-a", help="Also those that are over.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Incidents that are open, newest first."""
    status = "all" if everything else "open"
    found = connect(ctx, config).get("/incidents", status=status, limit=limit, cursor=cursor)
    if as_json:
        screen.print_json(found)
        return
    columns = ("!incident", "!status", "!impact", "!opened", "!for", "title")
    rows = (
        (one["id"], one["status"], one["impact"], screen.short_time(one["opened_at"]),
         screen.age(one["opened_at"], one["resolved_at"]), one["title"])
        for one in found["items"]
    )  # fmt: skip
    screen.print_table(columns, rows, empty="No incidents." if everything else "No open incidents.")
    if found["next"]:
        print(f"There are more: --cursor {found['next']}", file=sys.stderr)


@app.command("show")
def show_incident(
    ctx: typer.Context, incident: IncidentName, config: Config = None, as_json: Json = False
) -> None:
    """One incident: what was said, what waits, who has it, what is promised."""
    found = connect(ctx, config).get(f"/incidents/{in_path(incident_name(incident))}")
    if as_json:
        screen.print_json(found)
    else:
        print_whole(found)


@app.command("open")
def open_incident(
    ctx: typer.Context,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="The title, as customers read it.")],
    text: Text = None,
    impact: Annotated[ImpactWord, typer.Option("--impact", help="How bad it is.")] = "minor",
    status: ToStatus = None,
    component: Components = None,
    to: To = None,
    promise: Promise = None,
    plan: Plan = "",
    edit: Edit = False,
    who: Who = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Open an incident that no alert reported; with a text that is its first update."""
    said = words(text, f"The first update of: {title}", needed=edit)
    _act(
        ctx, config, "/incidents", who, as_json=as_json, title=title, text=said, impact=impact, status=status,
        components=component, to=to, promise=promise, plan=plan,
    )  # fmt: skip


@app.command("ack")
def acknowledge(
    ctx: typer.Context, incident: IncidentName, who: Who = "", config: Config = None, as_json: Json = False
) -> None:
    """Say that somebody works on it."""
    _act(ctx, config, _path(incident, "ack"), who, as_json=as_json)


@app.command("update")
def update(
    ctx: typer.Context,
    incident: IncidentName,
    text: Text = None,
    status: ToStatus = None,
    impact: ToImpact = None,
    to: To = None,
    promise: Promise = None,
    add: Add = None,
    remove: Remove = None,
    plan: Plan = "",
    title: NewTitle = "",
    edit: Edit = False,
    who: Who = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say something, or set something, or both; on a terminal your editor opens for the text."""
    sets = any((status, impact, add, remove, plan, title))
    needed = edit or not sets or bool(promise or to)
    said = words(text, f"An update of {incident_name(incident)}", needed=needed)
    _act(
        ctx, config, _path(incident, "update"), who, as_json=as_json, text=said, status=status, impact=impact,
        to=to, promise=promise, add=add, remove=remove, plan=plan, title=title,
    )  # fmt: skip


@app.command("resolve")
def resolve(
    ctx: typer.Context,
    incident: IncidentName,
    text: Text = None,
    edit: Edit = False,
    who: Who = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """It is over; without a text the rules' own words go out."""
    said = words(text, f"The resolution of {incident_name(incident)}", needed=edit)
    _act(ctx, config, _path(incident, "resolve"), who, as_json=as_json, text=said)


@app.command("retract")
def retract(
    ctx: typer.Context,
    incident: IncidentName,
    reason: Annotated[str, typer.Option("--reason", metavar="WHY", help="For the journal.")] = "",
    who: Who = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """It was a false alarm: close it, and say so wherever it was told."""
    _act(ctx, config, _path(incident, "retract"), who, as_json=as_json, reason=reason)


@app.command("take-over")
def take_over(
    ctx: typer.Context, incident: IncidentName, who: Who = "", config: Config = None, as_json: Json = False
) -> None:
    """Write yourself from now on: rules ask instead of speaking in public."""
    _act(ctx, config, _path(incident, "take-over"), who, as_json=as_json)


@app.command("hand-back")
def hand_back(
    ctx: typer.Context, incident: IncidentName, who: Who = "", config: Config = None, as_json: Json = False
) -> None:
    """End a take over: rules speak again."""
    _act(ctx, config, _path(incident, "hand-back"), who, as_json=as_json)


def _path(incident: str, act: str) -> str:
    return f"/incidents/{in_path(incident_name(incident))}/{act}"


def _act(ctx: typer.Context, config: Path | None, path: str, who: str, *, as_json: bool, **body: Any) -> None:
    done = connect(ctx, config).act(path, who=acting(who), **body)
    if as_json:
        screen.print_json(done)
    else:
        print_done(done)
