"""The ``words:`` block of rule files: read, put together, and wrong ones named."""

from __future__ import annotations

from rules.load import try_load
from rules.model import Site
from rules.words.settings import Settings
from rules.yaml_source import parse
from tests.rules.files import MINIMAL, load_text

WAIVE = 'words: { waive: [ { check: %s, text: "API", until: 2027-06-30, why: "developers" } ] }\n'


def test_without_a_block() -> None:
    """The defaults hold: a rule may leave out cause and prevention."""
    assert load_text(MINIMAL).words.automatic_may_omit == Settings().automatic_may_omit


def test_files_are_put_together() -> None:
    """Words add up; a part may be left out only where no file objects."""
    first = MINIMAL + 'words: { automatic_may_omit: [ cause, thanks ], jargon: { add: [ "Hydra" ] } }\n'
    second = 'words: { automatic_may_omit: [ cause ], jargon: { add: [ "Argus" ] } }\n'
    words = load_text(first, second).words
    assert words.automatic_may_omit == ("cause",)
    assert words.jargon_add == ("Hydra", "Argus")


def test_unknown_check() -> None:
    """A waiver of a check that does not exist is an error at its place, with a remedy."""
    loaded = try_load([parse("a.yaml", MINIMAL + WAIVE % "jargn")], site=Site())
    problem = next(one for one in loaded.problems if one.code == "R010")
    assert "jargn" in problem.message
    assert problem.remedy == "did you mean jargon?"
    assert problem.line == MINIMAL.count("\n") + 1
    assert load_text(MINIMAL + WAIVE % "jargon").words.waivers[0].text == "API"
