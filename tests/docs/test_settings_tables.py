"""The settings tables of the documentation are those that the models make."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import BaseModel, Field, SecretStr

from channels import registry
from channels.base import ChannelSettings
from tests.docs import settings_tables as tables
from tests.docs.settings_tables import BEGIN, END, NoDescription


class Ring(BaseModel):
    """A block of a kind's settings."""

    colour: str = Field(description="of its ring")
    marks: dict[str, str] = Field(default_factory=dict, description="what is on it")


class Dove(ChannelSettings):
    """A kind with a block."""

    kind: Literal["dove"]
    ring: Ring | None = None


class Pigeon(ChannelSettings):
    """A kind that nobody has described yet."""

    kind: Literal["pigeon"]
    loft: str
    colour: str = Field(default="grey", description="which one flies")
    seed: SecretStr | None = None


@pytest.mark.parametrize("kind", registry.kinds())
def test_the_page_of_a_kind_has_the_table_of_its_model(kind: str) -> None:
    """Every key with its true default and its meaning, written nowhere else; `make docs` writes it."""
    file = tables.CHANNEL_PAGES / f"{kind}.md"
    assert file.exists(), (
        f"docs/channels/{kind}.md is missing: write it (docs/channels/telegram.md is a model)"
    )
    page = file.read_text(encoding="utf-8")
    wanted = tables.with_table(page, tables.kind_table(kind))
    assert page == wanted, f"{file.name}: the settings table is old: run `make docs`"


@pytest.mark.parametrize("heading", ["Keys", "Sources", "Channels"])
def test_the_reference_has_the_tables_of_the_models(heading: str) -> None:
    """The daemon's own keys, too."""
    page = tables.REFERENCE.read_text(encoding="utf-8")
    wanted = tables.with_table(page, tables.reference_tables()[heading], f"## {heading}")
    assert page == wanted, f"{tables.REFERENCE.name}: the table under {heading} is old: run `make docs`"


def test_rows_tell_what_the_models_know() -> None:
    """Secrets, what must be given, defaults as one writes them, and what the kind itself does when unset."""
    telegram, slack, page = map(tables.kind_table, ("telegram", "slack", "status_page"))
    assert "| `token` | *required* | *secret*; the token that BotFather gave |" in telegram
    assert "| `per_minute` | `20` |" in telegram
    assert "| `on_doubt` | `hold` |" in telegram
    assert "| `kind` |" not in telegram
    assert "| `on_doubt` | *none* | with a webhook alone" in slack
    assert [line for line in page.splitlines() if line.startswith("| `")] == [
        "| `name` | *required* | the id in rule files |"
    ]
    keys = tables.reference_tables()["Keys"]
    assert "| `listen.public` | `127.0.0.1:8080` |" in keys
    assert "| `listen.tls.cert_file` | *required in `listen.tls`* |" in keys
    assert "| `api.token` | *none* | *secret, lines*; " in keys
    assert "| `limits.shutdown_grace` | `30s` |" in keys
    assert "| `channels` | `page`, `log` |" in keys


def test_a_key_without_a_meaning_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever adds a kind learns which keys lack one, where it belongs, and the command."""
    monkeypatch.setitem(registry.KINDS, "pigeon", (Pigeon, registry.KINDS["log"][1]))
    monkeypatch.setattr(tables, "_capabilities", lambda _: None)
    with pytest.raises(NoDescription, match="Field\\(description=") as caught:
        tables.kind_table("pigeon")
    assert caught.value.lacking == ["`loft`", "`seed`"]
    assert "make docs" in str(caught.value)


def test_the_keys_of_a_block_stand_by_dots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with its own row, and required where its block is there."""
    monkeypatch.setitem(registry.KINDS, "dove", (Dove, registry.KINDS["log"][1]))
    monkeypatch.setattr(tables, "_capabilities", lambda _: None)
    table = tables.kind_table("dove")
    assert "| `ring.colour` | *required in `ring`* | of its ring |\n" in table
    assert "| `ring.marks` | *none* | what is on it |\n" in table


@pytest.mark.parametrize(
    "section",
    [
        "| key | default | meaning |\n|---|---|---|\n| `old` | x | by hand |\n",
        f"{BEGIN.format(source='elsewhere')}\n| key |\n{END}\n",
        "",
    ],
    ids=["by hand", "marked", "none yet"],
)
def test_a_table_takes_the_place_of_the_old_one(section: str) -> None:
    """Whatever stood under the heading, and twice is once; the rest of the page stays as it is."""
    after = "\nMore words.\n\n## Limits\n\n| key | x |\n|---|---|\n| `a` | b |\n"
    page = f"# Pigeon\n\n## Settings\n\n{section}{after}"
    table = f"{BEGIN.format(source='here')}\n| key | new |\n{END}\n"
    changed = tables.with_table(page, table)
    assert changed.count(table) == 1
    assert "by hand" not in changed
    assert "elsewhere" not in changed
    assert changed.endswith(after)
    assert tables.with_table(changed, table) == changed
    with pytest.raises(ValueError, match="no heading"):
        tables.with_table("# Pigeon\n", table)
