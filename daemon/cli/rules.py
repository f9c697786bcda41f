"""`tocsin rules`: rule files checked, expanded and asked questions."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from daemon.cli import problems, screen
from daemon.cli.lazy import NO
from daemon.cli.options import Config, Json, chosen_config
from daemon.core.errors import BadInput

if TYPE_CHECKING:
    from rules.model import RuleSet

app = typer.Typer(help="Rule files: check them, ask them.", no_args_is_help=True, add_completion=False)

Files = Annotated[
    list[Path] | None,
    typer.Argument(metavar="FILE", show_default=False, help="Rule files; else those of the configuration."),
]
RuleFiles = Annotated[
    list[Path] | None,
    typer.Option("--rules", metavar="FILE", show_default=False,
                 help="Rule files; else those of the configuration. Repeatable."),
]  # fmt: skip


@app.command("check")
def check(
    ctx: typer.Context,
    files: Files = None,
    style: Annotated[Literal["text", "json"], typer.Option("--format", help="How to print.")] = "text",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say everything that is wrong or doubtful; exit 1 if anything is wrong."""
    from daemon.core.clock import SystemClock, to_datetime  # noqa: PLC0415 - the rule engine is slow to load
    from rules.check import check as check_rules  # noqa: PLC0415 - see above

    paths, site, configured = _sources(ctx, config, files)
    today = to_datetime(SystemClock().now()).date()
    found = check_rules(paths, site=site, configured=configured, today=today)
    if as_json or style == "json":
        screen.print_json(problems.as_data(found))
    else:
        problems.print_problems(found)
        errors = sum(one.severity == "error" for one in found)
        counts = {"file": len(paths), "error": errors, "warning": len(found) - errors}
        told = (f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in counts.items())
        print(", ".join(told), file=sys.stderr)
    if problems.has_errors(found):
        raise typer.Exit(NO)


@app.command("show")
def show(
    ctx: typer.Context,
    files: Files = None,
    expanded: Annotated[bool, typer.Option("--expanded", help="Fill in every default.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Print the rules: the files as they are, or as one set with every default filled in."""
    from rules.show import expanded as expand  # noqa: PLC0415 - see above

    ruleset = _load(ctx, config, files)
    if expanded:
        data = expand(ruleset)
        screen.print_json(data) if as_json else _print_yaml(data)
        return
    if as_json:
        sources = [{"file": name, "text": text} for name, text in ruleset.sources]
        screen.print_json({"version": ruleset.version, "files": sources})
        return
    for name, text in ruleset.sources:
        print(f"# --- {name}\n{screen.plain(text).rstrip()}")


@app.command("vars")
def variables(
    ctx: typer.Context, rules: RuleFiles = None, config: Config = None, as_json: Json = False
) -> None:
    """The facts that `if` and texts can use, with types and examples."""
    from rules.show import fact_table  # noqa: PLC0415 - see above

    rows = fact_table(_load(ctx, config, rules))
    if as_json:
        screen.print_json([asdict(row) for row in rows])
        return
    columns = ("!fact", "type", "visible in", "meaning and example")
    table = ((row.name, row.type, row.visible, f"{row.meaning}; {row.example}") for row in rows)
    screen.print_table(columns, table, empty="No facts.")


@app.command("which")
def which(
    ctx: typer.Context,
    labels: Annotated[str, typer.Argument(metavar="LABELS", help="""Such as '{service="checkout"}'.""")],
    rules: RuleFiles = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """The route, group, component, impact and plan that an alert with these labels gets."""
    takes = _load(ctx, config, rules).router(_labels(labels))
    found: list[dict[str, Any]] = [
        {
            "route": one.route.id, "group": dict(one.key), "component": one.component,
            "impact": one.impact.name, "plan": one.route.plan,
        }
        for one in takes
    ]  # fmt: skip
    if as_json:
        screen.print_json(found)
        return
    columns = ("!route", "group", "component", "!impact", "!plan")
    rows = (
        (one["route"], ", ".join(f"{key}={value}" for key, value in one["group"].items()) or "one for all",
         one["component"] or "none", one["impact"], one["plan"])
        for one in found
    )  # fmt: skip
    screen.print_table(columns, rows, empty="")


@app.command("schema")
def schema() -> None:
    """The JSON Schema of a rule file, so that editors complete and check."""
    from rules.show import json_schema  # noqa: PLC0415 - see above

    screen.print_json(json_schema())


def _labels(text: str) -> dict[str, str]:
    from rules.match import MatcherError, parse  # noqa: PLC0415 - see above

    try:
        matchers = parse(text) if text.strip() not in {"", "{}"} else ()
    except MatcherError as error:
        raise BadInput(f"the label set {error}; write it like '{{service=\"checkout\"}}'") from error
    for one in matchers:
        if one.operator != "=":
            raise BadInput(f'{one} is no label: an alert has one value for each; write {one.name}="..."')
    return {one.name: one.value for one in matchers}


def _load(ctx: typer.Context, config: Path | None, files: list[Path] | None) -> RuleSet:
    from rules.load import load  # noqa: PLC0415 - see above

    paths, site, configured = _sources(ctx, config, files)
    return load(paths, site=site, configured=configured)


def _sources(ctx: typer.Context, config: Path | None, files: list[Path] | None) -> tuple[Any, Any, Any]:
    """Files, site and channels: those named, taken alone; else what the configuration says.

    Files that are named together with a configuration are taken with its channels.
    """
    from rules.model import Site  # noqa: PLC0415 - see above

    named = chosen_config(ctx, config)
    if files and named is None:
        return files, Site(), None
    from config.environment import environment  # noqa: PLC0415 - the settings load every channel's library
    from config.load import find, load  # noqa: PLC0415 - see above
    from daemon.rule_files import configured_channels, site_of  # noqa: PLC0415 - see above

    environ = environment()
    configuration = load(find(named, environ), environ)
    settings = configuration.settings
    return files or configuration.rule_files, site_of(settings), configured_channels(settings)


def _print_yaml(data: dict[str, Any]) -> None:
    from ruamel.yaml import YAML  # noqa: PLC0415 - see above

    yaml = YAML()
    yaml.width = 100
    yaml.dump(data, sys.stdout)
