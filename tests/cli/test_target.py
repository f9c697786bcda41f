"""How a command finds the daemon, what it shows there, and what it says when that fails."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from daemon.cli import client, target
from daemon.core.errors import BadConfig
from tests.cli.terminal import Terminal, run
from tests.processes.ports import free_port


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration to be written to."""
    return tmp_path / "tocsin.yaml"


async def test_health(desk: Terminal) -> None:
    """Ready is exit 0; a daemon that is not, and none at all, are exit 1 with a reason."""
    assert (await desk.run("health")).out == "ready\n"
    assert (await desk.run("health", "--json")).json == {"ready": True, "reason": ""}
    desk.office.rig.state.reasons = ["the disk is full"]
    sick = await desk.run("health")
    assert (sick.code, sick.err) == (1, "not ready: the disk is full\n")
    assert (await desk.run("health", "--json")).json == {"ready": False, "reason": "the disk is full"}


def test_no_daemon(config: Path) -> None:
    """One sentence that says where it was looked for and what to do."""
    port = free_port()
    config.write_text(f"listen: {{ private: '127.0.0.1:{port}' }}", encoding="utf-8")
    for command in (["health"], ["incident", "list"], ["incident", "ack", "1"], ["pause"]):
        found = run(*command, "-c", str(config))
        assert (found.code, found.out) == (1, "")
        assert found.err == (
            f"no daemon answers at http://127.0.0.1:{port}: start it with `tocsin serve`,"
            " or name its configuration with -c FILE\n"
        )


def test_a_daemon_that_does_not_answer(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the deadline the command gives up, and warns that an act may have happened."""
    monkeypatch.setattr(client, "DEADLINE", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as server:
        config.write_text(
            f"listen: {{ private: '127.0.0.1:{server.getsockname()[1]}' }}\napi: {{ token: abc }}",
            encoding="utf-8",
        )
        found = run("pause", "-c", str(config))
        assert found.code == 1
        assert "did not answer within" in found.err
        assert "look before you repeat it" in found.err


async def test_without_the_token(desk: Terminal) -> None:
    """Looking works; an act says which file is missing; a wrong token is refused by the daemon."""
    token = desk.config.with_name("tocsin.token")
    token.unlink()
    assert (await desk.run("incident", "list")).code == 0
    found = await desk.run("incident", "ack", "1")
    assert (found.code, str(token) in found.err) == (1, True)
    token.write_text("wrong\n", encoding="utf-8")
    refused = await desk.run("incident", "ack", "1")
    assert (refused.code, "does not take our token; name the configuration" in refused.err) == (1, True)


def test_the_configured_token(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first line, from the file, a file of its own, or the environment."""
    (tmp_path / "token").write_text("first\nsecond\n", encoding="utf-8")
    config.write_text("api: { token_file: token }", encoding="utf-8")
    assert target.find(config).token == "first"
    config.write_text("api: { token: plain }", encoding="utf-8")
    assert target.find(config).token == "plain"
    monkeypatch.setenv("TOCSIN_API__TOKEN", "from the environment")
    assert target.find(config).token == "from the environment"
    monkeypatch.delenv("TOCSIN_API__TOKEN")
    config.write_text("api: { token_file: missing }", encoding="utf-8")
    found = target.find(config)
    assert (found.token, "missing" in found.no_token) == ("", True)


@pytest.mark.parametrize(
    ("private", "address"),
    [
        ("127.0.0.1:9000", "http://127.0.0.1:9000"), (":9000", "http://127.0.0.1:9000"),
        ("0.0.0.0:9000", "http://127.0.0.1:9000"), ("[::]:9000", "http://[::1]:9000"),
        ("10.1.2.3:9000", "http://10.1.2.3:9000"),
    ],
)  # fmt: skip
def test_the_address(config: Path, private: str, address: str) -> None:
    """Where this machine reaches what listens there."""
    config.write_text(f"listen: {{ private: '{private}' }}", encoding="utf-8")
    assert target.find(config).address == address


def test_the_environment_wins(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it does for the daemon; and TOCSIN_CONFIG or ./tocsin.yaml names the file."""
    config.write_text("listen: { private: 127.0.0.1:9000 }", encoding="utf-8")
    assert target.find(None).port == 8081
    monkeypatch.setenv("TOCSIN_CONFIG", str(config))
    assert target.find(None).port == 9000
    monkeypatch.setenv("TOCSIN_LISTEN__PRIVATE", "127.0.0.1:9001")
    assert target.find(None).port == 9001
    monkeypatch.delenv("TOCSIN_LISTEN__PRIVATE")
    monkeypatch.delenv("TOCSIN_CONFIG")
    Path("tocsin.yaml").write_text("listen: { private: 127.0.0.1:9002 }", encoding="utf-8")
    assert target.find(None).port == 9002


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("listen: { private: nowhere }", "tocsin.yaml:1:20: listen.private"),
        ("listen: { private: 127.0.0.1:0 }", "port 0"),
        ("listen: [", "tocsin.yaml:1:"),
        ("listen: { tls: { cert_file: none.pem } }", "none.pem cannot be used"),
    ],
)
def test_what_cannot_be_used(config: Path, text: str, words: str) -> None:
    """Exit 2 with the place."""
    config.write_text(text, encoding="utf-8")
    found = run("health", "-c", str(config))
    assert (found.code, words in found.err) == (2, True), found.err


def test_other_peoples_secrets_are_not_needed(config: Path) -> None:
    """A channel's secret that we may not read keeps nobody from asking."""
    config.write_text(
        "channels: [ { name: x, kind: slack, audience: internal, token_file: /root/secret } ]",
        encoding="utf-8",
    )
    assert target.find(config).port == 8081


def test_a_token_beside_no_file(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a server the daemon's own token stands where its default database would."""
    monkeypatch.chdir(tmp_path)
    config.write_text("database: postgresql://host/name", encoding="utf-8")
    assert "var/tocsin.token" in target.find(config).no_token
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "tocsin.token").write_text("its-own\n", encoding="utf-8")
    assert target.find(config).token == "its-own"
    with pytest.raises(BadConfig, match=r"none\.yaml: cannot be read"):
        target.find(config.with_name("none.yaml"))
