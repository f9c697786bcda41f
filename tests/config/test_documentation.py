"""The example runs and docs/configuration.md has every key with its true default."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from channels.base import ChannelSettings
from channels.registry import KINDS, kinds
from config.load import load
from config.settings import Settings, Source
from config.shape import Model, is_list, is_secret, models_of
from rules import durations
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


def rows(text: str) -> dict[str, tuple[str, str]]:
    """Key -> (default, meaning) of every table row."""
    found = re.findall(r"^\| `([^`]+)` \| (.+?) \| (.+) \|$", text, re.MULTILINE)
    return {key: (default, meaning) for key, default, meaning in found}


def section(kind: str) -> str:
    """The part of the reference that belongs to a kind of channel."""
    match = re.search(rf"^### {kind}$(.*?)(?=^### |\Z)", REFERENCE, re.MULTILINE | re.DOTALL)
    return match.group(1) if match else ""


def settings_keys(model: Model, prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key outside of lists, by dots."""
    for name, field in model.model_fields.items():
        blocks = [] if is_list(field) else list(models_of(field))
        for block in blocks:
            yield from settings_keys(block, f"{prefix}{name}.")
        if not blocks:
            yield prefix + name, field


KEYS = [
    *settings_keys(Settings),
    *((f"sources[].{name}", field) for name, field in Source.model_fields.items()),
    *((f"channels[].{name}", field) for name, field in ChannelSettings.model_fields.items()),
    ("channels[].kind", FieldInfo(annotation=str)),
]


def shown(default: Any) -> str | None:
    """A default as the reference writes it; None when it is put into words there."""
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    if default is None or default in ((), "", {}):
        return None
    return str(default)


def assert_row(table: dict[str, tuple[str, str]], key: str, field: FieldInfo) -> None:
    assert key in table, f"docs/configuration.md lacks `{key}`"
    default, meaning = table[key]
    assert ("*secret" in meaning) == is_secret(field), f"`{key}`: *secret* in the wrong place"
    if field.is_required():
        assert default.startswith("*required"), f"`{key}` is required"
        return
    expected = shown(field.get_default(call_default_factory=True))
    if isinstance(field.default, int) and default.endswith("s`"):
        expected = durations.show(field.default)
    if key not in {"sources", "channels", "rules"} and expected is not None:
        assert default == f"`{expected}`", f"`{key}` has another default"


@pytest.mark.parametrize(("key", "field"), KEYS, ids=[key for key, _ in KEYS])
def test_reference_has_every_key(key: str, field: FieldInfo) -> None:
    """Each key of the model has its row, its default and its mark as a secret."""
    assert_row(rows(REFERENCE.partition("### status_page")[0]), key, field)


@pytest.mark.parametrize("kind", kinds())
def test_reference_has_every_kind(kind: str) -> None:
    """Each kind of channel has a section, and each of its own keys a row there."""
    assert section(kind), f"docs/configuration.md lacks a section {kind}"
    if kind not in KINDS:
        return
    own = {
        name: one for name, one in settings_keys(KINDS[kind][0]) if name not in ChannelSettings.model_fields
    }
    table = rows(section(kind))
    for name, field in own.items():
        if name != "kind":
            assert_row(table, name, field)
    assert not set(table) - set(own), "keys that are gone"


def test_reference_has_no_other_key() -> None:
    """A key that was removed from the model is removed from the reference."""
    documented = set(rows(REFERENCE.partition("### status_page")[0]))
    assert documented <= {key for key, _ in KEYS}


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
