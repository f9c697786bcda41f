"""Row "secrets leak": nothing that could be a secret comes back in what the configuration complains about."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.secrets import own_token
from config.settings import lines
from daemon.core.errors import BadConfig
from tests.cli.terminal import run
from tests.config.files import complaints, loaded

CANARY = "cAnArY-7f3e9d1b5c"
AM = "sources: [ {{ name: am, format: alertmanager, {} }} ]"
SLACK = "channels: [ {{ name: s, kind: slack, {} }} ]"
MAIL = "channels: [ {{ name: s, kind: email, host: h, sender: a@b.c, {} }} ]"

WRONG = {
    "token in a list": AM.format(f"token: [{CANARY}]"),
    "token in a map": AM.format(f"token: {{a: {CANARY}}}"),
    "token is a key": AM.format(f"token: {{{CANARY}: a}}"),
    "misspelled key": AM.format(f"tokn: {CANARY}"),
    "no block": f"api: {CANARY}",
    "no list": f"sources: {CANARY}",
    "admin in a list": f"api: {{ token: [ {CANARY} ] }}",
    "user without colon": AM.format(f"users: {CANARY}"),
    "password without user": AM.format(f"password: {CANARY}"),
    "database": f"database: mysql://u:{CANARY}@h/db",
    "two forms": SLACK.format(f'token: {CANARY}, webhook_url: "https://a.example/{CANARY}"'),
    "plain http": SLACK.format(f'webhook_url: "http://hooks.slack.com/{CANARY}"'),
    "no address": SLACK.format(f"webhook_url: {CANARY}"),
    "address in brackets": SLACK.format(f'webhook_url: "https://[{CANARY}]/"'),
    "address with a port": SLACK.format(f'webhook_url: "https://h:{CANARY}/"'),
    "unknown kind": f"channels: [ {{ name: s, kind: slak, token: {CANARY} }} ]",
    "mail without user": MAIL.format(f"password: {CANARY}"),
    "mail in the clear": MAIL.format(f"start_tls: false, username: u, password: {CANARY}"),
    "quote not closed": f'api: {{ token: "{CANARY}',
    "two colons": f"api: {{ token: {CANARY}: {CANARY} }}",
    "tab": f"api:\n\ttoken: {CANARY}",
    "begins with &": f"api: {{ token: &{CANARY} }}",
    "begins with *": f"api: {{ token: *{CANARY} }}",
    "begins with !": f"api: {{ token: !{CANARY} }}",
    "begins with !!": f"api: {{ token: !!python/object:{CANARY} a }}",
    "twice": f"api: {{ token: {CANARY}, token: {CANARY} }}",
    "control": f'api: {{ token: "{CANARY}\x01" }}',
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_no_complaint_repeats_a_secret(tmp_path: Path, text: str) -> None:
    """In no way in which a file can be wrong: in the error, its causes' text, `check` and its JSON."""
    for line in complaints(tmp_path, text):
        assert CANARY not in line
    for more in ((), ("--json",)):
        found = run("check", "-c", str(tmp_path / "tocsin.yaml"), *more)
        assert found.code != 0
        assert CANARY not in found.out + found.err


@pytest.mark.parametrize("name", ["TOCSIN_API__TOKEN", "TOCSIN_DATABASE", "TOCSIN_API", "TOCSIN_SOURCES"])
@pytest.mark.parametrize("value", [f"[{CANARY}", f'{{"a": "{CANARY}"}}', f"mysql://u:{CANARY}@h/db"])
def test_no_complaint_repeats_a_variable(tmp_path: Path, name: str, value: str) -> None:
    """Secrets come by the environment, too."""
    try:
        shown = repr(loaded(tmp_path, "page: { name: E }", {name: value}))
    except BadConfig as error:
        shown = str(error)
    assert CANARY not in shown


@pytest.mark.parametrize(
    "text",
    [
        AM.format('token: ""'),
        AM.format('token: " "'),
        AM.format('username: u, password: "\\n"'),
        AM.format('users: " \\n "'),
        AM.format('users: ":"'),
        AM.format('users: "u:"'),
        AM.format('users: ":p"'),
        'api: { token: "" }',
        'api: { token: "\\n \\n" }',
    ],
)
def test_a_blank_secret_is_no_secret(tmp_path: Path, text: str) -> None:
    """A variable set to nothing opens no door: neither to everybody nor to an empty token."""
    assert complaints(tmp_path, text)


def test_blank_lines_are_no_live_tokens(tmp_path: Path) -> None:
    """Between live tokens they are left out, so that `Authorization: Bearer` alone never fits."""
    settings = loaded(tmp_path, 'api: { token: "\\n one-token \\n\\n two-token\\n" }').settings
    assert settings.api.tokens == ("one-token", "two-token")
    assert lines(None) == ()


def test_the_own_token_is_written_through_no_link(tmp_path: Path) -> None:
    """Somebody who may write there first can neither read it nor have a file of ours overwritten."""
    victim = tmp_path / "victim"
    victim.write_text("precious", encoding="utf-8")
    file = tmp_path / "state" / "tocsin.token"
    file.parent.mkdir()
    (file.parent / f".{file.name}.{os.getpid()}").symlink_to(victim)
    token = own_token(file)
    assert victim.read_text(encoding="utf-8") == "precious"
    assert file.read_text(encoding="utf-8").strip() == token
    assert not file.is_symlink()
    assert file.stat().st_mode & 0o777 == 0o600
