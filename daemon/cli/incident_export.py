"""`tocsin incident export`: what came in at an incident, as a scenario for `tocsin rules simulate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from daemon.cli import screen
from daemon.cli.client import in_path
from daemon.cli.options import Config, IncidentName, Json, connect, incident_name
from daemon.core.errors import Unavailable


def export(
    ctx: typer.Context,
    incident: IncidentName,
    rules: Annotated[
        Path | None,
        typer.Option("--rules", metavar="FOLDER", show_default=False,
                     help="Write the rule files that the incident keeps there, too."),
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Print what came in at an incident as a scenario: `tocsin rules simulate` plays it again."""
    found = connect(ctx, config).get(f"/incidents/{in_path(incident_name(incident))}/scenario")
    scenario = found["scenario"]
    if rules is not None:
        scenario["rule_files"] = [str((rules / name).absolute()) for name in _write(rules, found["rules"])]
    if as_json:
        screen.print_json(scenario)
        return
    _print_yaml(scenario, found)


def _write(folder: Path, files: list[dict[str, str]]) -> list[str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for one in files:
            (folder / Path(one["file"]).name).write_text(one["text"], encoding="utf-8")
    except OSError as error:
        raise Unavailable(f"{folder} cannot be written: {error.strerror}") from error
    return [Path(one["file"]).name for one in files]


def _print_yaml(scenario: dict[str, Any], found: dict[str, Any]) -> None:
    """One line for each thing that happened; texts escaped, so that no terminal obeys them."""
    import json  # noqa: PLC0415 - the other way to print has no use for it

    def flow(value: Any) -> str:
        shown = json.dumps(value, ensure_ascii=False)
        return "".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in shown)

    print(f"# {scenario['name']}, under the rules {found['version'][:12]}. Play it again:")
    print("#   tocsin rules simulate THIS_FILE --for 6h --rules FILE")
    for key, value in scenario.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            print(f"{key}:")
            for one in value:
                print(f"  - {flow(one)}")
        else:
            print(f"{key}: {flow(value)}")
    sys.stdout.flush()
