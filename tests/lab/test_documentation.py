"""docs/rules-tests.md has every key of a test file, and its examples do what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from daemon.lab import schema
from daemon.lab.scenario_file import read_text
from tests.lab.files import run_file, told
from tests.sources import ROOT

PAGE = (ROOT / "docs" / "rules-tests.md").read_text(encoding="utf-8")
PACKS = ROOT / "rules" / "packs"
MODELS = [one for one in vars(schema).values() if isinstance(one, type) and issubclass(one, BaseModel)]
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("model", MODELS, ids=lambda one: one.__name__)
def test_every_key_is_documented(model: type[BaseModel]) -> None:
    """Each key of each block stands in code on the page."""
    prose = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
    written = " ".join([*BLOCKS, *re.findall(r"`[^`\n]+`", prose)])
    assert [key for key in model.model_fields if not re.search(rf"\b{key}\b", written)] == []


async def test_the_first_test_fails_as_the_page_says(tmp_path: Path) -> None:
    """The reader gets the very difference that is printed there."""
    (tmp_path / "starter.yaml").write_bytes((PACKS / "starter.yaml").read_bytes())
    file = tmp_path / "mine.test.yaml"
    file.write_text(BLOCKS[0], encoding="utf-8")
    (result,) = (await run_file(file)).results
    wrong = [one for one in told(result) if "on page" in one]
    assert wrong == ["strict: posts on page that no `expect` lists: +clear +done"]
    assert result.file.where(result.outcome.differences[0].place) == (4, 5)


@pytest.mark.parametrize("text", BLOCKS[1:])
def test_the_other_examples_are_read(text: str, tmp_path: Path) -> None:
    """Nothing on the page would be refused."""
    assert read_text("example.yaml", text, tmp_path).scenarios
