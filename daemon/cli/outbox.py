"""`tocsin outbox`: deliveries, and a person's word about those that are held."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from daemon.cli import screen
from daemon.cli.options import Config, Cursor, Json, Limit, Who, acting, connect, incident_name
from daemon.core.delivery import DeliveryState

app = typer.Typer(
    help="Deliveries: what is on its way, and what became of it.", no_args_is_help=True, add_completion=False
)

_PUBLIC_ID = re.compile("^[a-z0-9]{12}[/-]")  # what an update's id begins with; INC-42 stands beside it

Number = Annotated[int, typer.Argument(metavar="DELIVERY", min=1, help="The delivery's number.")]


@app.command("list")
def list_deliveries(
    ctx: typer.Context,
    state: Annotated[
        DeliveryState | None, typer.Option("--state", show_default=False, help="In this state.")
    ] = None,
    channel: Annotated[
        str | None, typer.Option("--channel", metavar="CHANNEL", show_default=False, help="To this channel.")
    ] = None,
    incident: Annotated[
        str | None, typer.Option("--incident", metavar="INC-42", show_default=False, help="Of this incident.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Deliveries, newest first; `--state held` shows what waits for your word."""
    found = connect(ctx, config).get(
        "/deliveries", state=state, channel=channel, limit=limit, cursor=cursor,
        incident=incident_name(incident) if incident else None,
    )  # fmt: skip
    if as_json:
        screen.print_json(found)
        return
    columns = ("!delivery", "!incident", "!channel", "!state", "!attempts", "update", "reference")
    rows = (
        (one["id"], one["incident"], one["channel"], one["state"], one["attempts"],
         _shown(one), _reference(one["reference"]))
        for one in found["items"]
    )  # fmt: skip
    screen.print_table(columns, rows, empty="No deliveries.")
    if found["next"]:
        print(f"There are more: --cursor {found['next']}", file=sys.stderr)


@app.command("show")
def show_delivery(ctx: typer.Context, delivery: Number, config: Config = None, as_json: Json = False) -> None:
    """One delivery, with exactly what goes to the channel."""
    one = connect(ctx, config).get(f"/deliveries/{delivery}")
    if as_json:
        screen.print_json(one)
        return
    screen.line(f"delivery {one['id']}", one["state"], one["incident"], one["channel"], one["recipient"])
    screen.line(f"made {screen.long_time(one['created_at'])}", f"{one['attempts']} attempts",
                f"last {screen.long_time(one['attempted_at'])}" if one["attempted_at"] else "")  # fmt: skip
    screen.line(one["reason"], one["detail"])
    screen.line(_reference(one["reference"]))
    if one["state"] == DeliveryState.held:
        screen.line("Is it there? Say so with tocsin outbox confirm, resend or drop.")
    if one["state"] == DeliveryState.unknown:
        screen.line("It is being looked for. If you have found it, say so with tocsin outbox confirm.")
    screen.heading("Payload")
    screen.print_json(one["payload"])


@app.command("confirm")
def confirm(
    ctx: typer.Context,
    delivery: Number,
    reference: Annotated[str, typer.Option("--reference", metavar="NAME", help="Its address there.")] = "",
    who: Who = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """A held post is there: count it as sent."""
    _answer(ctx, config, delivery, "confirm", who, as_json=as_json, reference=reference)


@app.command("resend")
def resend(
    ctx: typer.Context, delivery: Number, who: Who = "", config: Config = None, as_json: Json = False
) -> None:
    """A held post is not there: send it again."""
    _answer(ctx, config, delivery, "resend", who, as_json=as_json)


@app.command("drop")
def drop(
    ctx: typer.Context, delivery: Number, who: Who = "", config: Config = None, as_json: Json = False
) -> None:
    """Leave a held post as it is and never send it."""
    _answer(ctx, config, delivery, "drop", who, as_json=as_json)


def _answer(
    ctx: typer.Context, config: Path | None, delivery: int, act: str, who: str, *, as_json: bool, **body: Any
) -> None:
    done = connect(ctx, config).act(f"/deliveries/{delivery}/{act}", who=acting(who), **body)
    if as_json:
        screen.print_json(done)
    else:
        screen.line(f"delivery {done['id']}", done["channel"], done["state"])


def _shown(delivery: Any) -> str:
    """The update that it brings, and whether it is put into a post that is there."""
    update = _PUBLIC_ID.sub("", delivery["update"])
    return f"{update} (edits {delivery['edits']})" if delivery["edits"] is not None else update


def _reference(reference: Any) -> str:
    if not reference:
        return ""
    return reference["url"] or ", ".join(str(one) for one in reference["ids"].values())
