"""Expanded sets, the table of facts, the JSON Schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from rules.facts import IF_FACTS
from rules.reference import HEADER, json_schema, key_tables
from rules.show import expanded, fact_table
from rules.yaml_source import parse
from tests.rules.files import MINIMAL, SHOP, load_text

ROOT = Path(__file__).parents[2]
PACKS = [one for one in sorted((ROOT / "rules" / "packs").glob("*.yaml")) if ".test." not in one.name]


def test_expanded_has_every_default() -> None:
    """What was not written is there, in the words of the language."""
    shown = expanded(load_text(MINIMAL))
    assert shown["routes"][0]["reopen_within"] == "30m"
    assert shown["routes"][0]["for"] == "0s"
    first, holding, done = shown["plans"]["public"]["steps"]
    assert first == {
        "id": "first", "after": "0s", "say": "investigating", "to": ["page", "ops"], "approve": "none",
        "promise": "30m", "if": True, "limit": 1,
    }  # fmt: skip
    assert (holding["every"], done["on"], done["to"]) == ("30m", ["resolved"], ["told"])
    assert shown["channels"]["page"]["audience"] == "public"
    assert shown["limits"]["take_over"] == "1h"


def test_expanded_is_a_rule_file_again() -> None:
    """Printed and loaded once more it means the same: nothing is lost and nothing invented."""
    first = expanded(load_text(SHOP))
    again = {key: value for key, value in first.items() if key != "channels"}
    again["channels"] = {
        key: {name: value for name, value in channel.items() if name != "configured"}
        for key, channel in first["channels"].items()
    }
    again["texts"] = parse("f.yaml", SHOP).data["texts"]
    assert expanded(load_text(json.dumps(again))) == first


def test_the_table_of_facts_is_complete() -> None:
    """Every fact of `if`, the label function and the set's windows, each with an example."""
    rows = {row.name: row for row in fact_table(load_text(SHOP))}
    assert rows.keys() >= {*IF_FACTS, "label", "business_hours", "age", "next_update"}
    assert rows["impact"].visible == "if and texts"
    assert rows["next_update"].visible == "texts"
    assert all(row.example and row.meaning and row.type for row in rows.values())
    assert list(rows) == sorted(rows)


def checker() -> jsonschema.Draft202012Validator:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("text", [MINIMAL, SHOP])
def test_the_json_schema_takes_good_files(text: str) -> None:
    """An editor that checks with our schema has no complaint about files that load."""
    data: Any = YAML(typ="safe", pure=True).load(text)
    dates = json.loads(json.dumps(data, default=str))
    assert list(checker().iter_errors(dates)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("kind: slack", "knd: slack"),
        ("impact: minor", "impact: majr"),
        ("every: 30m", "every: soon"),
        ("id: all", "id: All"),
    ],
)
def test_the_json_schema_refuses_bad_ones(old: str, new: str) -> None:
    """Unknown keys, wrong words, wrong forms."""
    data: Any = YAML(typ="safe", pure=True).load(MINIMAL.replace(old, new))
    assert list(checker().iter_errors(data))


def test_every_key_has_a_description() -> None:
    """An editor explains each key of each block."""
    schema = json_schema()
    blocks = {"file": schema, **schema["$defs"]}
    lacking = [
        f"{name}.{key}"
        for name, block in blocks.items()
        for key, one in block.get("properties", {}).items()
        if not one.get("description", "").endswith((".", "..."))
    ]
    assert lacking == []


def test_the_reference_has_every_key() -> None:
    """docs/rules.md holds the output of `tocsin rules schema --format markdown`, each block of it once."""
    tables = key_tables()
    assert tables in (ROOT / "docs" / "rules.md").read_text("utf-8")
    known = {key for block in json_schema()["$defs"].values() for key in block.get("properties", {})}
    assert all(f"| `{key}` |" in tables for key in known)


def test_shipped_packs_point_at_their_schema() -> None:
    """The first line names the file beside them, which is the output of `tocsin rules schema`."""
    for pack in PACKS:
        assert pack.read_text("utf-8").startswith(f"{HEADER}\n"), pack.name
    assert json.loads((ROOT / "rules/packs/rules.schema.json").read_text("utf-8")) == json_schema()


@pytest.mark.parametrize("pack", PACKS, ids=[one.stem for one in PACKS])
def test_shipped_packs_are_valid(pack: Path) -> None:
    """An editor that follows the first line marks nothing."""
    document = parse(pack.name, pack.read_text("utf-8"))
    assert [error.message for error in checker().iter_errors(document.data)] == []
