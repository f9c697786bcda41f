"""`tocsin rules which`: where an alert goes, and why not elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli import screen
from daemon.cli.options import Config, Json
from daemon.cli.rules_files import RuleFiles, load_rules
from daemon.core.errors import BadInput

if TYPE_CHECKING:
    from rules.lab.which import Look


def which(
    ctx: typer.Context,
    labels: Annotated[str, typer.Argument(metavar="LABELS", help="""Such as '{service="checkout"}'.""")],
    rules: RuleFiles = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """The route, incident, components, impact and plan that an alert with these labels gets, and why."""
    from rules.lab.which import look  # noqa: PLC0415 - the rule engine is slow to load

    looks = look(load_rules(ctx, config, rules), labels_of(labels))
    if as_json:
        screen.print_json([_data(one) for one in looks])
        return
    columns = ("!route", "incident", "component", "components", "!impact", "!plan")
    rows = [_data(one) for one in looks if one.taken is not None]
    screen.print_table(
        columns,
        (
            (one["route"], _group(one["group"]), one["component"] or "none",
             ", ".join(one["components"]) or "none", one["impact"], one["plan"])
            for one in rows
        ),
        empty="",
    )  # fmt: skip
    screen.heading("Why")
    screen.print_table(("!route", "why"), ((one.route.id, one.why) for one in looks), empty="")


def _data(one: Look) -> dict[str, Any]:
    taken = one.taken
    if taken is None:
        return {"route": one.route.id, "taken": False, "why": one.why}
    return {
        "route": one.route.id, "taken": True, "why": one.why, "group": dict(taken.key),
        "component": taken.component, "components": list(one.components), "impact": taken.impact.name,
        "plan": one.route.plan,
    }  # fmt: skip


def _group(group: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in group.items()) or "one for all"


def labels_of(text: str) -> dict[str, str]:
    """The labels of ``{service="checkout"}``.  Raises BadInput."""
    from rules.match import MatcherError, parse  # noqa: PLC0415 - the rule engine is slow to load

    try:
        matchers = parse(text) if text.strip() not in {"", "{}"} else ()
    except MatcherError as error:
        raise BadInput(f"the label set {error}; write it like '{{service=\"checkout\"}}'") from error
    for one in matchers:
        if one.operator != "=":
            raise BadInput(f'{one} is no label: an alert has one value for each; write {one.name}="..."')
    return {one.name: one.value for one in matchers}
