"""The test files that we ship pass, and reach every step of what they test."""

from __future__ import annotations

from pathlib import Path

import pytest

import rules
from tests.lab.files import run_file, suite_of, told

PACKS = Path(rules.__file__).parent / "packs"
NAMES = sorted(file.name.removesuffix(".test.yaml") for file in PACKS.glob("*.test.yaml"))


def test_every_pack_has_tests() -> None:
    """A pack without a test file would be one that nobody has tried."""
    packs = {file.stem for file in PACKS.glob("*.yaml") if not file.name.endswith(".test.yaml")}
    assert set(NAMES) == packs


@pytest.mark.parametrize("name", NAMES)
async def test_a_packs_tests_pass_and_reach_every_step(name: str) -> None:
    """All of them, strict where they say so; each step of each plan said, asked, set or waited once."""
    file = PACKS / f"{name}.test.yaml"
    run = await run_file(file)
    assert {one.scenario.name: told(one) for one in run.results if not one.passed} == {}
    reached = set().union(*(one.outcome.reached for one in run.results))
    suite = suite_of(file)
    plans = suite.load(suite.files[0], suite.files[0].scenarios[0].rule_files).plans
    assert {f"{plan.id}/{step.id}" for plan in plans.values() for step in plan.steps} - reached == set()


@pytest.mark.parametrize("name", NAMES)
def test_each_public_plan_has_a_strict_test(name: str) -> None:
    """So that a post that nobody expected cannot slip in."""
    file = suite_of(PACKS / f"{name}.test.yaml").files[0]
    assert any(one.strict for one in file.scenarios)
