"""`tocsin approve` and `tocsin veto`: a person's word about a text that waits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from daemon.cli import screen
from daemon.cli.client import in_path
from daemon.cli.done import print_done
from daemon.cli.options import Config, IncidentName, Json, StepName, Who, acting, connect, incident_name

approve = typer.Typer(add_completion=False)
veto = typer.Typer(add_completion=False)


@approve.command("approve")
def _approve(
    ctx: typer.Context,
    incident: IncidentName,
    step: StepName,
    who: Who = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Agree to a text that waits, so that it goes out."""
    _vote(ctx, config, "approve", incident, step, who, as_json=as_json)


@veto.command("veto")
def _veto(
    ctx: typer.Context,
    incident: IncidentName,
    step: StepName,
    who: Who = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Stop a text that waits: it is skipped."""
    _vote(ctx, config, "veto", incident, step, who, as_json=as_json)


def _vote(
    ctx: typer.Context, config: Path | None, act: str, incident: str, step: str, who: str, *, as_json: bool
) -> None:
    path = f"/incidents/{in_path(incident_name(incident))}/{act}"
    done: Any = connect(ctx, config).act(path, step=step, who=acting(who))
    if as_json:
        screen.print_json(done)
    else:
        print_done(done)
