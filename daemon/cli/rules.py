"""`tocsin rules`: rule files checked, expanded and asked questions.  A command is a line in the list."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated, Any, Literal

import typer

from daemon.cli import screen
from daemon.cli.options import Config, Json
from daemon.cli.rules_check import check
from daemon.cli.rules_coverage import coverage
from daemon.cli.rules_explain import explain
from daemon.cli.rules_files import Files, RuleFiles, load_rules
from daemon.cli.rules_history import history
from daemon.cli.rules_simulate import simulate
from daemon.cli.rules_test import run_tests
from daemon.cli.rules_which import which

app = typer.Typer(
    help="Rule files: check them, ask them, see what they did.", no_args_is_help=True, add_completion=False
)
app.command("check")(check)
app.command("which")(which)
app.command("explain")(explain)
app.command("history")(history)
app.command("coverage")(coverage)
app.command("test")(run_tests)
app.command("simulate")(simulate)


@app.command("show")
def show(
    ctx: typer.Context,
    files: Files = None,
    expanded: Annotated[bool, typer.Option("--expanded", help="Fill in every default.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Print the rules: the files as they are, or as one set with every default filled in."""
    from rules.show import expanded as expand  # noqa: PLC0415 - the rule engine is slow to load

    ruleset = load_rules(ctx, config, files)
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

    rows = fact_table(load_rules(ctx, config, rules))
    if as_json:
        screen.print_json([asdict(row) for row in rows])
        return
    columns = ("!fact", "type", "visible in", "meaning and example")
    table = ((row.name, row.type, row.visible, f"{row.meaning}; {row.example}") for row in rows)
    screen.print_table(columns, table, empty="No facts.")


@app.command("schema")
def schema(
    style: Annotated[
        Literal["json", "markdown"],
        typer.Option("--format", help="JSON Schema, or the tables of docs/rules.md."),
    ] = "json",
) -> None:
    """The JSON Schema of a rule file, so that editors complete and check."""
    from rules.reference import json_schema, key_tables  # noqa: PLC0415 - see above

    if style == "markdown":
        print(key_tables(), end="")
    else:
        screen.print_json(json_schema())


def _print_yaml(data: dict[str, Any]) -> None:
    from ruamel.yaml import YAML  # noqa: PLC0415 - see above

    yaml = YAML()
    yaml.width = 100
    yaml.dump(data, sys.stdout)
