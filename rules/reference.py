"""The grammar for others: a JSON Schema for editors, and the table of all keys for readers.

Both are made from the models that the loader uses, so that they cannot lie.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rules import durations
from rules.schema import RuleFile
from rules.schema_fields import DURATION_PATTERN
from rules.schema_steps import StepBlock

HEADER = "# yaml-language-server: $schema=rules.schema.json"
"""The first line of a rule file whose folder has the output of `tocsin rules schema`."""

_NULL = {"type": "null"}
_BLOCKS = {
    "the file": "", "channels": "ChannelBlock", "components": "ComponentBlock", "routes": "RouteBlock",
    "open, in a route": "OpenBlock", "impact, as a map": "ImpactMap", "raise, in a route": "RaiseBlock",
    "plans": "PlanBlock", "steps, in a plan": "StepBlock", "set, in a step": "SetBlock",
    "approve, as a map": "ApproveBlock",
    "words": "WordsBlock", "jargon, in words": "JargonBlock", "waive, in words": "WordWaiver",
    "windows": "IntervalBlock", "times, in windows": "TimesBlock", "people": "PersonBlock",
    "limits": "LimitsBlock", "storm, in limits": "StormBlock", "flapping, in limits": "FlappingBlock",
    "maintenance": "MaintenanceBlock", "overrun, in maintenance": "OverrunBlock",
    "open, in storm and overrun": "StormOpen", "defaults": "DefaultsBlock", "waive": "Waiver",
}  # fmt: skip


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a rule file, so that editors complete and check."""
    schema = RuleFile.model_json_schema(by_alias=True)
    definitions = schema["$defs"]
    for name in ("RouteBlock", "OpenBlock"):  # what is missing may come from `defaults`
        definitions[name]["required"] = [key for key in definitions[name]["required"] if key == "id"]
    definitions["PlanBlock"]["properties"]["steps"]["items"] = {"$ref": "#/$defs/StepBlock"}
    definitions |= _step_definitions()
    tidied: dict[str, Any] = _tidy(schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **tidied,
        "title": "Tocsin rule file",
    }


def _step_definitions() -> dict[str, Any]:
    schema = StepBlock.model_json_schema(by_alias=True, ref_template="#/$defs/{model}")
    found = schema.pop("$defs", {})
    return {**found, "StepBlock": schema}


def _tidy(node: Any) -> Any:
    """Without what readers of a file do not see: made-up titles, null, milliseconds."""
    if isinstance(node, list):
        return [_tidy(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {key: value for key, value in node.items() if not (key == "title" and isinstance(value, str))}
    options = [one for one in kept.get("anyOf", ()) if one != _NULL]
    if len(options) == 1:
        kept = {**options[0], **{key: value for key, value in kept.items() if key != "anyOf"}}
    elif options:
        kept["anyOf"] = options
    if kept.get("default", "") is None or kept.get("default") == []:
        del kept["default"]
    if kept.get("pattern") == DURATION_PATTERN and isinstance(kept.get("default"), int):
        kept["default"] = durations.show(kept["default"])
    if isinstance(kept.get("description"), str):
        kept["description"] = " ".join(kept["description"].split())
    return {key: _tidy(value) for key, value in kept.items()}


def key_tables() -> str:
    """Every key with its default and its meaning, as Markdown."""
    schema = json_schema()
    definitions = schema["$defs"]
    approve = definitions["StepBlock"]["properties"]["approve"]["anyOf"][-1]
    found = {"": schema, "ApproveBlock": approve, **definitions}
    return "\n".join(_table(title, found[name]) for title, name in _BLOCKS.items())


def _table(title: str, block: Mapping[str, Any]) -> str:
    rows = "\n".join(_rows(block))
    return f"### {title}\n\n| key | default | meaning |\n|---|---|---|\n{rows}\n"


def _rows(block: Mapping[str, Any]) -> Iterator[str]:
    required = block.get("required", ())
    for key, one in block["properties"].items():
        default = "*required*" if key in required else f"`{_shown(one['default'])}`" if _has(one) else ""
        yield f"| `{key}` | {default} | {one['description']} |"


def _has(one: Mapping[str, Any]) -> bool:
    return "default" in one and one["default"] not in ({}, "") and not isinstance(one["default"], dict)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
