"""`tocsin health`: whether the daemon accepts alerts now; the container's health check."""

from __future__ import annotations

import typer

from daemon.cli.lazy import NO, fail
from daemon.cli.options import Config, Json, connect

app = typer.Typer(add_completion=False)


@app.command()
def health(ctx: typer.Context, config: Config = None, as_json: Json = False) -> None:
    """Ask the daemon whether it is ready: exit 0 if it is, 1 if not."""
    client = connect(ctx, config)
    ready, reason = client.ready()
    if as_json:
        import json  # noqa: PLC0415 - the health check runs every few seconds and rarely prints JSON

        print(json.dumps({"ready": ready, "reason": "" if ready else reason}))
    elif ready:
        print("ready")
    else:
        fail(f"not ready: {reason}")
    if not ready:
        raise typer.Exit(NO)
