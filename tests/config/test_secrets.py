"""Secrets from files and from systemd, and that no message ever shows one."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from config import secrets
from config.load import load
from tests.config.files import complaints, loaded, write

SLACK = """
channels:
  - { name: ops, kind: slack, channel: C0123456789, token_file: slack.txt }
"""


def secret_file(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    return file


def test_reads_a_secret_beside_the_file(tmp_path: Path) -> None:
    """`token_file` is relative to the configuration; the line break at the end does not count."""
    secret_file(tmp_path, "slack.txt", "  xoxb-secret \n")
    configuration = loaded(tmp_path, SLACK)
    assert configuration.settings.channels[0].model_dump()["token"].get_secret_value() == "xoxb-secret"
    assert "xoxb-secret" in configuration.secrets
    assert "xoxb-secret" not in repr(configuration)


def test_several_lines_are_several_live_tokens(tmp_path: Path) -> None:
    """A source takes each line as a token, so that one can replace the other."""
    secret_file(tmp_path, "tokens", "old-token\n\nnew-token\n")
    secret_file(tmp_path, "users", "am:one\nbackup:two:with:colons\n")
    [source] = loaded(
        tmp_path,
        "sources:\n  - { name: am, token_file: tokens, users_file: users, username: u, password: p }\n",
    ).settings.sources
    assert source.tokens == ("old-token", "new-token")
    assert source.logins == (("u", "p"), ("am", "one"), ("backup", "two:with:colons"))


def test_certificates_by_name_or_fingerprint(tmp_path: Path) -> None:
    """A client certificate is named by its common name or by the digest of its bytes."""
    for name in ("cert.pem", "ca.pem"):
        write(tmp_path, "", name)
    digits = ":".join(["AB"] * 32)
    [source] = loaded(
        tmp_path,
        f"""
        listen: {{ tls: {{ cert_file: cert.pem, client_ca_file: ca.pem }} }}
        sources: [ {{ name: am, client_certs: [ am.example.com, "sha256:{digits}" ] }} ]
        """,
    ).settings.sources
    assert source.common_names == ("am.example.com",)
    assert source.fingerprints == (b"\xab" * 32,)


def test_systemd_credentials_by_key(tmp_path: Path) -> None:
    """A credential named like a key sets it, with or without our prefix; the file's own value wins."""
    secret_file(tmp_path, "c/channels.ops.token", "by-key")
    secret_file(tmp_path, "c/tocsin.api.token", "by-prefix")
    secret_file(tmp_path, "c/tocsin.sources.am.token", "not-taken")
    text = """
        sources: [ { name: am, token: own } ]
        channels: [ { name: ops, kind: slack, channel: C0123456789 } ]
        """
    settings = loaded(tmp_path, text, {"CREDENTIALS_DIRECTORY": str(tmp_path / "c")}).settings
    assert settings.channels[0].model_dump()["token"].get_secret_value() == "by-key"
    assert settings.api.tokens == ("by-prefix",)
    assert settings.sources[0].tokens == ("own",)


def test_systemd_credentials_by_name(tmp_path: Path) -> None:
    """`credential:NAME` is a credential of any name; one that is not there is explained."""
    secret_file(tmp_path, "c/slack", "passed-on")
    text = SLACK.replace("slack.txt", "credential:slack")
    settings = loaded(tmp_path, text, {"CREDENTIALS_DIRECTORY": str(tmp_path / "c")}).settings
    assert settings.channels[0].model_dump()["token"].get_secret_value() == "passed-on"
    [line] = complaints(tmp_path, text)
    assert line.startswith("tocsin.yaml:3:65: channels[0].token_file: systemd passed no credential slack; ")
    assert line.endswith("write LoadCredential=slack:/path/of/a/file into the unit")


def test_secret_path_from_the_environment(tmp_path: Path) -> None:
    """The `_file` form works in the environment, too."""
    file = secret_file(tmp_path, "am", "token-value")
    settings = load(None, {"TOCSIN_SOURCES__ALERTMANAGER__TOKEN_FILE": str(file)}).settings
    assert settings.sources[0].tokens == ("token-value",)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        pytest.param(
            None, "there is no file slack.txt; write the path of a file that holds the secret", id="missing"
        ),
        pytest.param(b"", "the file slack.txt is empty; write the secret into it", id="empty"),
        pytest.param(b" \n\n", "the file slack.txt is empty; write the secret into it", id="blank"),
        pytest.param(
            b"a\nb\n",
            "the file slack.txt has 2 lines; keep one line: here only one value can be live",
            id="two lines",
        ),
        pytest.param(b"\xff\xfe", "the file slack.txt is not UTF-8; save it as text", id="binary"),
        pytest.param(
            b"x" * 70_000,
            "the file slack.txt is longer than 65536 bytes; that is no secret: check the path",
            id="too long",
        ),
    ],
)
def test_bad_secret_files_are_named(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    """What is wrong with a secret file is said once, with the key, the file and the remedy."""
    if content is not None:
        (tmp_path / "slack.txt").write_bytes(content)
    assert complaints(tmp_path, SLACK) == [f"tocsin.yaml:3:65: channels[0].token_file: {complaint}"]


def test_a_secret_is_given_once(tmp_path: Path) -> None:
    """A key and its `_file` form exclude each other."""
    found = complaints(tmp_path, SLACK.replace("token_file:", "token: in-the-open, token_file:"))
    assert found == [
        "tocsin.yaml:3:85: channels[0].token_file: `token` is given too; keep one of `token` and `token_file`"
    ]


def test_a_readable_secret_is_a_notice(tmp_path: Path) -> None:
    """A secret that everybody may read works, and the operator is told."""
    secret_file(tmp_path, "slack.txt", "xoxb-secret").chmod(0o644)
    [notice] = loaded(tmp_path, SLACK).notices
    assert notice == f"{tmp_path}/slack.txt can be read by everybody; chmod 600 it"


CANARY = "s3cret-canary"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"page: {{ url: '{CANARY}@' }}\nlog: {{ level: x }}", id="elsewhere"),
        pytest.param(f"database: 'mysql://u:{CANARY}@h/x'", id="database"),
        pytest.param(f"channels: [ {{ name: x, kind: x, api_key: {CANARY} }} ]", id="others missing"),
        pytest.param(f"channels: [ {{ name: s, kind: slack, webhook_url: {CANARY} }} ]", id="bad address"),
        pytest.param(f"channels: [ {{ name: s, kind: slack, tokn: {CANARY} }} ]", id="misspelt"),
        pytest.param(f"sources: [ {{ name: a, token: [ {CANARY} ] }} ]", id="list"),
        pytest.param(f"sources: [ {{ name: a, users: {CANARY} }} ]", id="line without colon"),
    ],
)
def test_complaints_never_show_a_secret(tmp_path: Path, text: str) -> None:
    """A value under a secret's key is in no message, however wrong it is."""
    found = "\n".join(complaints(tmp_path, text))
    if "page" not in text:
        assert CANARY not in found
    assert found


def test_own_token_is_made_once(tmp_path: Path) -> None:
    """The daemon's own token is random, private, and the same at the next start."""
    file = tmp_path / "state" / "api.token"
    token = secrets.own_token(file)
    assert len(token) >= 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert secrets.own_token(file) == token
    assert [one.name for one in file.parent.iterdir()] == ["api.token"]
    assert secrets.own_token(tmp_path / "other.token") != token


def test_own_token_needs_a_place(tmp_path: Path) -> None:
    """Where no token can be written the error says what to set."""
    write(tmp_path, "", "file")
    with pytest.raises(secrets.BadSecret, match=r"cannot be made .*; set api\.token_file"):
        secrets.own_token(tmp_path / "file" / "api.token")
