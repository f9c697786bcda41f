"""The environment over the file: any key, lists by number or name, complaints that name the variable."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from config.environment import environment
from config.load import load
from tests.config.files import complaints, loaded

FILE = """
page: { name: From file }
channels:
  - { name: page, kind: status_page }
  - { name: Status-Mail, kind: email, host: a.example, sender: a@example.com, recipients: [ b@example.com ] }
"""


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        pytest.param("TOCSIN_PAGE__NAME", "New", ("page", "name", "New"), id="key"),
        pytest.param("TOCSIN_LISTEN__PUBLIC", ":80", ("listen", "public", ("", 80)), id="address"),
        pytest.param("TOCSIN_LIMITS__RAW_BODIES", "7", ("limits", "raw_bodies", 7), id="number"),
        pytest.param("TOCSIN_API__ALLOWED_HOSTS", "a, b", ("api", "allowed_hosts", ("a", "b")), id="commas"),
        pytest.param("TOCSIN_API__ALLOWED_HOSTS", '["a"]', ("api", "allowed_hosts", ("a",)), id="json"),
        pytest.param("TOCSIN_LOG", '{"level": "error"}', ("log", "level", "error"), id="block"),
    ],
)
def test_sets_any_key(tmp_path: Path, variable: str, value: str, expected: tuple[str, str, object]) -> None:
    """A variable sets its key, converted like a value of the file."""
    settings = loaded(tmp_path, FILE, {variable: value}).settings
    block, key, result = expected
    assert getattr(getattr(settings, block), key) == result


@pytest.mark.parametrize("word", ["1", "STATUS_MAIL"], ids=["number", "name"])
def test_reaches_into_lists(tmp_path: Path, word: str) -> None:
    """An entry of a list is meant by its number or by its name."""
    environ = {
        f"TOCSIN_CHANNELS__{word}__HOST": "b.example.com",
        f"TOCSIN_CHANNELS__{word}__RECIPIENTS": "c@example.com",
    }
    mail = loaded(tmp_path, FILE, environ).settings.channels[1]
    assert mail.model_dump()["host"] == "b.example.com"
    assert mail.model_dump()["recipients"] == ("c@example.com",)


def test_reaches_into_default_lists() -> None:
    """Entries that stand by default can be set without writing them down."""
    settings = load(None, {"TOCSIN_SOURCES__ALERTMANAGER__TOKEN": "from-environment"}).settings
    assert settings.sources[0].tokens == ("from-environment",)


def test_replaces_whole_lists(tmp_path: Path) -> None:
    """A list in JSON replaces the one of the file."""
    channels = json.dumps([{"name": "only", "kind": "log"}])
    assert [one.name for one in loaded(tmp_path, FILE, {"TOCSIN_CHANNELS": channels}).settings.channels] == [
        "only"
    ]


def test_a_file_is_not_changed_by_being_overlaid() -> None:
    """Defaults stay what they are after a load that overlaid them."""
    load(None, {"TOCSIN_CHANNELS__LOG__NAME": "renamed"})
    assert [one.name for one in load(None, {}).settings.channels] == ["page", "log"]


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        pytest.param(
            "TOCSIN_LOG__LEVEL",
            "loud",
            "TOCSIN_LOG__LEVEL: log.level: cannot be 'loud'; "
            "write one of `debug`, `info`, `warning`, `error`",
            id="value",
        ),
        pytest.param(
            "TOCSIN_PAGE__NMAE",
            "x",
            "TOCSIN_PAGE__NMAE: page.nmae: is no key of `page`; did you mean `name`? write `name`",
            id="key",
        ),
        pytest.param(
            "TOCSIN_CHANNELS__STATUSMAIL__HOST",
            "x",
            "TOCSIN_CHANNELS__STATUSMAIL__HOST: channels.statusmail: there is no such entry; "
            "did you mean `status_mail`? write `status_mail`",
            id="entry",
        ),
        pytest.param(
            "TOCSIN_API__ALLOWED_HOSTS",
            '["a"',
            "TOCSIN_API__ALLOWED_HOSTS: api.allowed_hosts: starts like JSON and is none; "
            "write JSON, or a plain value",
            id="half JSON",
        ),
        pytest.param(
            "TOCSIN_PAGE__NAME__FIRST",
            "x",
            "TOCSIN_PAGE__NAME__FIRST: page.name: has no keys of its own; unset the longer variable",
            id="too deep",
        ),
    ],
)
def test_complaints_name_the_variable(tmp_path: Path, variable: str, value: str, complaint: str) -> None:
    """What came from the environment is complained about by the variable's name."""
    assert complaints(tmp_path, FILE, {variable: value}) == [complaint]


def test_foreign_variables_are_notices(tmp_path: Path) -> None:
    """What an orchestrator injects for a service of our name does not stop the start."""
    environ = {
        "TOCSIN_PORT": "tcp://10.0.0.1:80",
        "TOCSIN_PAGE_URL": "x",
        "TOCSIN_CONFIG": "x",
        "TOCSIN_LISTN__PUBLIC": "x",
    }
    assert loaded(tmp_path, FILE, environ).notices == (
        "TOCSIN_LISTN__PUBLIC is no setting and was left alone: did you mean TOCSIN_LISTEN?",
        "TOCSIN_PAGE_URL is no setting and was left alone: two underscores go one level down",
        "TOCSIN_PORT is no setting and was left alone",
    )


def test_environment_is_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process environment is read once, not watched."""
    monkeypatch.setenv("TOCSIN_TEST", "1")
    copy = environment()
    monkeypatch.setenv("TOCSIN_TEST", "2")
    assert copy["TOCSIN_TEST"] == "1"
