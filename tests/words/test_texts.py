"""The texts that we ship pass our own gate."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

import rules
from daemon.core.words import Audience, Impact, Status
from rules.built_in import PLAIN
from rules.load import read_documents, try_load
from rules.model import ChannelRule, Component, Site
from rules.texts import TextBook
from rules.words.finding import Finding, Severity
from rules.words.gate import check
from rules.words.pack import PHASE_OF, findings, sample_facts, shipped
from rules.words.settings import Settings

SITE = Site("Example", "https://status.example.com", "UTC")
COMPONENTS = {
    one.id: one
    for one in (
        Component("checkout", "Checkout", "Shop", (), "pay for their orders"),
        Component("search", "Search", "Shop", (), "find products"),
        Component("phones", "Telephony", "", (), "make calls"),
        Component("mail", "Mail", "", (), "send mail"),
        Component("api", "API", "", (), "use the API"),
        Component("courses", "Courses", "", (), "watch lessons"),
        Component("reports", "Reports", "", ()),
    )
}
PACKS = Path(rules.__file__).parent / "packs"


def stopped(text: str, settings: Settings) -> list[Finding]:
    return [one for one in check(text, settings) if one.severity is Severity.error]


@pytest.mark.parametrize("kind", ["status_page", "x", "sms"])
@pytest.mark.parametrize("name", shipped())
def test_built_in_texts_pass(name: str, kind: str) -> None:
    """In every phase, of every impact, with none, one, two and seven components: no error."""
    book = TextBook({}, site=SITE, components=COMPONENTS)
    channel = ChannelRule(kind, kind, Audience.public)
    for count, impact, status in itertools.product((0, 1, 2, 7), Impact, Status):
        facts = sample_facts(name, tuple(COMPONENTS)[:count], impact, status)
        settings = Settings(
            phase=PHASE_OF[name],
            automatic=True,
            components=tuple(one.name for one in COMPONENTS.values()),
            domains=("status.example.com",),
        )
        assert stopped(book.built_in(name, channel, facts), settings) == []


def test_last_resort_passes() -> None:
    """The sentences without any template stop at nothing but what they cannot know."""
    for name, text in PLAIN.items():
        if name not in ("internal", "title"):
            assert stopped(text, Settings(phase=PHASE_OF.get(name), automatic=True)) == [], name


@pytest.mark.parametrize(
    "pack",
    sorted(one for one in PACKS.glob("*.yaml") if ".test." not in one.name),
    ids=lambda file: file.stem,
)
def test_shipped_packs_pass(pack: Path) -> None:
    """No public text of a shipped rule file is stopped."""
    loaded = try_load(read_documents([pack]), site=SITE)
    assert loaded.ruleset is not None
    ruleset = replace(loaded.ruleset, words=replace(loaded.ruleset.words, today=None))
    found = list(findings(ruleset, tuple(loaded.gathered.texts)))
    assert [one for _, one in found if one.severity is Severity.error] == []
