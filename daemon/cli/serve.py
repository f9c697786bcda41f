"""`tocsin serve`: the daemon itself."""

from __future__ import annotations

import asyncio
import gc
from typing import Annotated

import typer

from daemon.cli.options import Config, chosen_config
from daemon.core.errors import BadConfig, Unavailable

app = typer.Typer(add_completion=False)


@app.command()
def serve(
    ctx: typer.Context,
    watch_rules: Annotated[
        bool, typer.Option("--watch-rules", help="Load the rule files again when they change.")
    ] = False,
    config: Config = None,
) -> None:
    """Run the daemon until SIGTERM; SIGHUP loads the rule files again."""
    # The daemon's libraries take a second to load, and `--help` needs none of them.
    # Nothing of what they make is garbage: without collections a restart is a tenth of a second shorter.
    gc.disable()
    from config.environment import environment  # noqa: PLC0415 - see above
    from config.load import find, load  # noqa: PLC0415 - see above
    from daemon import logs  # noqa: PLC0415 - see above
    from daemon.core.clock import SystemClock  # noqa: PLC0415 - see above
    from daemon.serve import serve as run  # noqa: PLC0415 - see above

    gc.enable()
    environ = environment()
    configuration = load(find(chosen_config(ctx, config), environ), environ)
    clock = SystemClock()
    settings = configuration.settings.log
    redactor = logs.Redactor(configuration.secrets)
    logs.configure(clock, level=settings.level, style=settings.format, redactor=redactor)
    with asyncio.Runner(loop_factory=_fast_loop()) as runner:
        try:
            code = runner.run(run(configuration, clock, watch_rules=watch_rules))
        except Unavailable as error:
            # Only at start: another daemon has the database.  For this command that is wrong use, not a "no".
            raise BadConfig(str(error)) from error
    raise typer.Exit(code)


def _fast_loop() -> type[asyncio.AbstractEventLoop] | None:
    """Event loops of uvloop where there is one."""
    try:
        import uvloop  # noqa: PLC0415 - optional, and of no use to other commands
    except ImportError:
        return None
    return uvloop.Loop
