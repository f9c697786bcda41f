"""Where a daemon lives: a folder with configuration, rules, database and two ports of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fakes import slack, x
from tests.fakes.slack import FakeSlack
from tests.fakes.smtp import MailSink
from tests.fakes.x import FakeX
from tests.processes.ports import free_port

PAGE = {"name": "page", "kind": "status_page"}
ADMIN = "an-administrators-token"
SOURCE = "a-monitors-token"
FAST = 100_000
"""Posts a minute: a test may say in a minute what a real team hears in a week."""


@dataclass(frozen=True, slots=True)
class Site:
    """Written by ``make``; the addresses stay the same through all restarts."""

    folder: Path
    public: int
    private: int

    @property
    def config(self) -> Path:
        return self.folder / "tocsin.yaml"

    @property
    def rules(self) -> Path:
        return self.folder / "rules.yaml"

    @property
    def database(self) -> Path:
        return self.folder / "data" / "tocsin.db"

    @property
    def page_url(self) -> str:
        return f"http://127.0.0.1:{self.public}"

    @property
    def private_url(self) -> str:
        return f"http://127.0.0.1:{self.private}"

    @property
    def hook(self) -> str:
        return f"{self.private_url}/hooks/am"

    @classmethod
    def make(
        cls, folder: Path, rules: str, channels: Sequence[Mapping[str, Any]] = (), **settings: Any
    ) -> Site:
        """Write the files; ``settings`` are top-level keys of the configuration."""
        folder.mkdir(parents=True, exist_ok=True)
        site = cls(folder, free_port(), free_port())
        site.database.parent.mkdir(exist_ok=True)
        site.rules.write_text(rules, "utf-8")
        configuration = {
            "listen": {"public": f"127.0.0.1:{site.public}", "private": f"127.0.0.1:{site.private}"},
            "database": f"sqlite:///{site.database}",
            "page": {"name": "Example", "url": site.page_url},
            "rules": ["rules.yaml"],
            "sources": [{"name": "am", "format": "alertmanager", "token": SOURCE}],
            "channels": [PAGE, *channels],
            "api": {"token": ADMIN},
            "log": {"format": "json"},
        }
        site.config.write_text(json.dumps(configuration | settings), "utf-8")  # JSON is YAML too
        return site


def mail(sink: MailSink, *recipients: str, name: str = "mail") -> dict[str, Any]:
    return {
        "name": name, "kind": "email", "host": "127.0.0.1", "port": sink.port,
        "sender": "status@example.com", "recipients": list(recipients),
    }  # fmt: skip


def team(fake: FakeSlack, name: str = "team") -> dict[str, Any]:
    """An internal Slack channel by bot token."""
    return {
        "name": name, "kind": "slack", "audience": "internal", "token": fake.token,
        "channel": slack.CHANNEL, "api_url": fake.api, "per_minute": FAST,
    }  # fmt: skip


def news(fake: FakeSlack, name: str = "news") -> dict[str, Any]:
    """A public Slack channel by incoming webhook."""
    return {"name": name, "kind": "slack", "webhook_url": fake.hook, "per_minute": FAST}


def on_x(fake: FakeX, name: str = "x") -> dict[str, Any]:
    return {"name": name, "kind": "x", "api_url": fake.url, **x.KEYS}
