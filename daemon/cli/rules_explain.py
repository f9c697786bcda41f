"""`tocsin rules explain`: why a step of an incident acted, or did not."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from daemon.cli import screen
from daemon.cli.client import in_path
from daemon.cli.options import Config, IncidentName, Json, connect, incident_name

Step = Annotated[
    str,
    typer.Option("--step", metavar="STEP", show_default=False, help="This step alone, with all there is."),
]


def explain(
    ctx: typer.Context, incident: IncidentName, step: Step = "", config: Config = None, as_json: Json = False
) -> None:
    """Facts at the time, each part of the `if`, approvals, and what would have changed the outcome."""
    path = f"/incidents/{in_path(incident_name(incident))}/explain"
    found = connect(ctx, config).get(path, step=step or None)
    if as_json:
        screen.print_json(found)
    elif step:
        for one in found["items"]:
            _print_one(one)
        if not found["items"]:
            screen.line(f"{step} is in no plan that {found['incident']} followed.")
    else:
        _print_all(found)


def _print_all(found: Any) -> None:
    screen.line(found["incident"], f"plan {found['plan']}", f"rules {found['rules'][:12]}")
    rows = (
        (screen.short_time(one["at"]), one["step"], one["outcome"], _why(one),
         "; ".join(one["changed_by"]))
        for one in found["items"]
    )  # fmt: skip
    columns = ("!at", "!step", "!outcome", "why", "changed by")
    screen.print_table(columns, rows, empty="It has no plan.")


def _why(one: Any) -> str:
    parts = [one["reason"]]
    if one["to"]:
        parts.insert(0, f"to {', '.join(one['to'])}")
    if one["condition"] and one["holds"] is not None:
        parts.append(f"{one['condition']} is {str(one['holds']).lower()}")
    if one["expected"]:
        parts.append(f"expected {screen.short_time(one['expected'])}")
    return "; ".join(part for part in parts if part)


def _print_one(one: Any) -> None:
    screen.heading(f"{one['plan']}/{one['step']}: {one['outcome']} at {screen.long_time(one['at'])}")
    screen.line(one["reason"], f"to {', '.join(one['to'])}" if one["to"] else "")
    if one["expected"]:
        screen.line(f"if nothing changes: {screen.long_time(one['expected'])}")
    screen.line("facts: " + ", ".join(f"{name} = {value}" for name, value in one["facts"].items()))
    for part in one["parts"]:
        value = "failed" if part["value"] is None else str(part["value"]).lower()
        screen.paragraph(f"{part['text']}  is {value}", 2 + 2 * part["depth"])
    if one["approval"]:
        _print_approval(one["approval"])
    if one["changed_by"]:
        screen.line("would have changed it: " + "; ".join(one["changed_by"]))


def _print_approval(approval: Any) -> None:
    since, until = screen.long_time(approval["since"]), screen.long_time(approval["until"])
    screen.line(f"waited for {approval['need']} from {since} until {until}, else {approval['otherwise']}")
    for vote in approval["votes"]:
        screen.line(f"{vote['act']} by {vote['who']} at {screen.long_time(vote['at'])}")
