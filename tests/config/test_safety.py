"""The private listener does not open to others without credentials."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.address import parse
from config.load import load
from config.safety import check_safety
from config.settings import Api, Listen, Settings, Source
from tests.config.files import complaints, loaded

OPEN = "listen: { private: 0.0.0.0:8081 }\n"


def test_loopback_may_go_without() -> None:
    """On loopback neither sources nor the API need credentials."""
    assert check_safety(load(None, {}).settings) == []


def test_off_loopback_everything_needs_credentials(tmp_path: Path) -> None:
    """Each open source and the missing token are named with their place."""
    text = OPEN + "sources:\n  - { name: a, token: t-o-k-e-n }\n  - { name: b }\n"
    api, source = complaints(tmp_path, text)
    opening = "listen.private is 0.0.0.0:8081, open to others"
    remedy = "write `token_file: /path/of/a/file`, or listen on 127.0.0.1"
    assert api == f"tocsin.yaml:1:1: api.token_file: is missing and {opening}; {remedy}"
    assert source == f"tocsin.yaml:4:5: sources[1]: source `b` has no credentials and {opening}; {remedy}"


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("token: abc", id="token"),
        pytest.param("username: u, password: p", id="login"),
        pytest.param("users: 'u:p'", id="users"),
    ],
)
def test_any_credential_is_enough(tmp_path: Path, source: str) -> None:
    """A token, a login or a list of users opens the door to the source that shows it."""
    text = (
        OPEN
        + f"sources: [ {{ name: a, {source} }} ]\napi: {{ token: abc, allowed_hosts: [ t.example.com ] }}\n"
    )
    [notice] = loaded(tmp_path, text).notices
    assert notice.startswith("listen.private is reachable from outside and has no TLS")


def test_every_address_wants_host_names(tmp_path: Path) -> None:
    """Listening everywhere without further host names is pointed out."""
    text = OPEN + "sources: [ { name: a, token: abc } ]\napi: { token: abc }\n"
    assert "list the others in api.allowed_hosts" in loaded(tmp_path, text).notices[1]


@pytest.mark.parametrize(
    "host", ["0.0.0.0:1", ":1", "[::]:1", "10.1.2.3:1", "tocsin.example.com:1", "[2001:db8::1]:1"]
)
def test_whatever_is_not_loopback_is_open(host: str) -> None:
    """Every address that is not this machine's own alone counts as open."""
    settings = Settings(
        listen=Listen(private=parse(host)), sources=(Source(name="a"),), api=Api()
    )  # fmt: skip
    assert [finding.path for finding in check_safety(settings)] == [("sources", 0), ("api", "token_file")]


@pytest.mark.parametrize("host", ["127.0.0.1:1", "127.8.8.8:1", "[::1]:1", "localhost:1"])
def test_loopback_addresses(host: str) -> None:
    """All spellings of this machine alone count as loopback."""
    assert parse(host).is_loopback


MAIL = (
    "channels: [ { name: m, kind: email, host: localhost, sender: a@b.example,"
    " bounces: b+TOKEN@b.example, token_secret: 0123456789abcdef0123456789 } ]\n"
)


def test_a_return_path_wants_somebody_who_listens(tmp_path: Path) -> None:
    """A return path that nobody reads is pointed out; so is a door for bounces that is open to others."""
    assert "nobody reads what comes back" in loaded(tmp_path, MAIL).notices[0]
    assert loaded(tmp_path, MAIL + "listen: { bounces: 127.0.0.1:8025 }\n").notices == ()
    [notice] = loaded(tmp_path, MAIL + "listen: { bounces: 0.0.0.0:8025 }\n").notices
    assert notice.startswith("listen.bounces is 0.0.0.0:8025, open to others")


def test_a_door_for_bounces_wants_a_return_path(tmp_path: Path) -> None:
    """Without a channel that has one, nothing that comes there could be ours."""
    [complaint] = complaints(tmp_path, "listen: { bounces: 127.0.0.1:8025 }\n")
    assert "listen.bounces: has nothing to hear" in complaint
