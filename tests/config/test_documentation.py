"""The example runs, and docs/configuration.md leads to every kind (its tables: tests/docs)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from channels.registry import kinds
from config.load import load
from tests.config.files import EXAMPLE, ROOT, loaded

FORMS = {
    "webhook": "https://hooks.slack.com/services/T/B/secret",
    "workflow": "https://flows.example.com/run?sig=secret",
    "bot": "123456:secret",
    "apprise": "json://localhost/secret",
    "signing": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8G",
}
"""Secrets that have a form, by a word in the name of their file."""
REFERENCE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", kinds())
def test_reference_leads_to_every_kind(kind: str) -> None:
    """Each kind of channel has a section that leads to its page, and no keys of its own here."""
    match = re.search(rf"^### {kind}$(.*?)(?=^### |\Z)", REFERENCE, re.MULTILINE | re.DOTALL)
    assert match, f"docs/configuration.md lacks a section {kind}: say what it is, and link channels/{kind}.md"
    assert f"](channels/{kind}.md)" in match[1], (
        f"docs/configuration.md, section {kind}: link channels/{kind}.md"
    )
    assert "| key |" not in match[1], f"the keys of {kind} stand in docs/channels/{kind}.md alone"


def test_example_loads_without_edits() -> None:
    """The shipped file is a good configuration as it is, on loopback and without a notice."""
    configuration = load(EXAMPLE, {})
    assert configuration.notices == ()
    assert configuration.settings.listen.private.is_loopback
    assert configuration.settings.database.get_secret_value() == "sqlite:///var/tocsin.db"
    assert [one.name for one in configuration.rule_files] == ["starter.yaml"]


def test_example_shows_the_defaults() -> None:
    """What the example writes out and the defaults agree, but for the page's name."""
    example, default = load(EXAMPLE, {}).settings, load(None, {}).settings
    assert example.page.name != default.page.name
    assert example.model_copy(update={"page": default.page}) == default


def test_commented_examples_load(tmp_path: Path) -> None:
    """With every example uncommented the file is still right, and has every kind of channel."""
    text = re.sub(
        r"^#(?=  )(.*)$",
        lambda match: match.group(1),
        EXAMPLE.read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    for name in re.findall(r"_file: (\S+)", text):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        secret = next((value for word, value in FORMS.items() if word in name), "user:secret")
        file.write_text(f"{secret}\n", encoding="utf-8")
        file.chmod(0o600)
    settings = loaded(tmp_path, text).settings
    shown_kinds = {channel.model_dump()["kind"] for channel in settings.channels}
    assert shown_kinds == set(kinds())
    assert settings.sources[0].has_credentials
    assert settings.listen.tls is not None
