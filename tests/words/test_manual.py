"""docs/words.md: its examples do what it says, and it has every check, key and command."""

from __future__ import annotations

import re

import pytest

from rules.load import load_sources
from rules.model import Site
from rules.words.finding import CHECKS
from rules.words.gate import check
from rules.words.settings import Phase, Settings
from tests.rules.files import MINIMAL
from tests.sources import ROOT

MANUAL = (ROOT / "docs" / "words.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", MANUAL.partition("## The parts")[0], re.MULTILINE)
PHASES: dict[str, Phase] = {"incomplete": "resolution", "tone": "resolution"}
EARLIER = "Calls to Spain fail, and we are looking for the cause."


def found(name: str, text: str) -> set[str]:
    earlier = EARLIER if name == "repeat" else ""
    return {one.check for one in check(text, Settings(phase=PHASES.get(name, "progress"), earlier=earlier))}


def test_every_check_has_examples() -> None:
    """One row for each check, in their order."""
    assert tuple(name for name, _, _ in EXAMPLES) == CHECKS


@pytest.mark.parametrize(("name", "bad", "good"), EXAMPLES, ids=[name for name, _, _ in EXAMPLES])
def test_examples(name: str, bad: str, good: str) -> None:
    """The bad example has a finding of its check, the good one has not."""
    assert name in found(name, bad)
    assert name not in found(name, good)


def test_the_words_block_loads() -> None:
    """The block of the manual is a good one, and reaches the gate with a file's components."""
    block = MANUAL.partition("```yaml\n")[2].partition("```")[0]
    words = load_sources([("a.yaml", MINIMAL + block)], site=Site("S", "https://status.example.com")).words
    assert words.jargon_add == ("Hydra",)
    assert words.jargon_replace == {"p99 latency": "response time"}
    assert words.components == ("Checkout",)
    assert words.domains == ("status.example.com",)
    text = "The webhook endpoint of Hydra is slow."
    assert [one.text for one in check(text, words) if one.check == "jargon"] == ["Hydra"]
