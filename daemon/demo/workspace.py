"""What a demo runs in: a temporary folder with a configuration as an operator would write it."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.load import Configuration, load
from daemon.demo.mail import Mail
from daemon.demo.slack import CHANNEL, Slack
from daemon.demo.stand_in import throw_away
from daemon.demo.x import X

RECIPIENTS = ("customer-1@example.com", "customer-2@example.com", "customer-3@example.com")
SHOP = "Example Shop"


@dataclass(frozen=True, slots=True)
class Workspace:
    """The configuration, and the two addresses that it leads to."""

    configuration: Configuration
    file: Path
    hook_token: str
    page_url: str
    private_url: str


def prepare(folder: Path, mail: Mail, slack: Slack, x: X) -> Workspace:
    """Write ``tocsin.yaml`` and its secrets into ``folder``, and load them as the daemon does."""
    public, private = _free_ports(2)
    token = throw_away()
    secrets = {"alertmanager": token, "slack": slack.token, **{f"x_{k}": v for k, v in x.keys.items()}}
    for name, value in secrets.items():
        file = folder / name
        file.touch(mode=0o600)
        file.write_text(value + "\n", encoding="utf-8")
    settings = {
        "listen": {"public": f"127.0.0.1:{public}", "private": f"127.0.0.1:{private}"},
        "database": f"sqlite:///{folder / 'tocsin.db'}",
        "page": {
            "name": SHOP,
            "url": f"http://127.0.0.1:{public}",
            "description": "A demo of Tocsin: the outage was recorded, the time runs fast.",
        },
        "rules": ["pack:starter"],
        "sources": [{"name": "alertmanager", "format": "alertmanager", "token_file": "alertmanager"}],
        "channels": _channels(mail, slack, x),
    }
    file = folder / "tocsin.yaml"
    file.write_text(_yaml(settings), encoding="utf-8")
    # No environment: TOCSIN_... variables of this shell are meant for another daemon.
    configuration = load(file, {})
    return Workspace(configuration, file, token, f"http://127.0.0.1:{public}", f"http://127.0.0.1:{private}")


def _channels(mail: Mail, slack: Slack, x: X) -> list[dict[str, Any]]:
    return [
        {"name": "page", "kind": "status_page"},
        {
            "name": "subscribers", "kind": "email", "host": "127.0.0.1", "port": mail.port,
            "sender": "status@example.com", "recipients": list(RECIPIENTS),
        },
        {
            "name": "ops", "kind": "slack", "audience": "internal", "token_file": "slack",
            "channel": CHANNEL, "api_url": slack.api_url,
        },
        {"name": "x", "kind": "x", "api_url": x.url, **{f"{key}_file": f"x_{key}" for key in x.keys}},
    ]  # fmt: skip


def _yaml(settings: dict[str, Any]) -> str:
    """One key a line; what stands behind it is JSON, which YAML reads."""
    lines = [f"{key}: {json.dumps(value)}" for key, value in settings.items()]
    return "\n".join(["# Written by `tocsin demo`; gone when it ends.", *lines, ""])


def _free_ports(count: int) -> list[int]:
    """Ports that nobody had a moment ago; the page's address must be known before the daemon listens."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports
