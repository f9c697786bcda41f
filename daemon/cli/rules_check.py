"""`tocsin rules check`: everything that is wrong or doubtful in rule files."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from daemon.cli import problems, screen
from daemon.cli.lazy import NO
from daemon.cli.options import Config, Json
from daemon.cli.rules_files import Files, sources

Style = Literal["text", "json", "github"]


def check(
    ctx: typer.Context,
    files: Files = None,
    style: Annotated[
        Style, typer.Option("--format", help="How to print; `github` makes annotations of a pull request.")
    ] = "text",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say everything that is wrong or doubtful; exit 1 if anything is wrong."""
    from channels.room import rooms  # noqa: PLC0415 - channels load their vendors' libraries
    from daemon.core.clock import SystemClock, to_datetime  # noqa: PLC0415 - see above
    from rules.check import check as check_rules  # noqa: PLC0415 - the rule engine is slow to load
    from rules.check_tests import beside  # noqa: PLC0415 - see above
    from rules.check_texts import Room  # noqa: PLC0415 - see above

    paths, site, configured = sources(ctx, config, files)
    found = check_rules(
        paths,
        site=site,
        configured=configured,
        today=to_datetime(SystemClock().now()).date(),
        rooms={kind: Room(*room) for kind, room in rooms().items()},
        tests=beside(paths),
    )
    if as_json or style == "json":
        screen.print_json(problems.as_data(found))
    elif style == "github":
        problems.print_annotations(found)
    else:
        problems.print_problems(found)
        errors = sum(one.severity == "error" for one in found)
        counts = {"file": len(paths), "error": errors, "warning": len(found) - errors}
        told = (f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in counts.items())
        print(", ".join(told), file=sys.stderr)
    if problems.has_errors(found):
        raise typer.Exit(NO)
