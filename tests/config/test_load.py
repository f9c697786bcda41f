"""Loading: defaults, places of errors, rule files, what belongs together."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.load import find, load
from daemon.core.errors import BadConfig
from tests.config.files import complaints, loaded, write


def test_defaults_are_enough() -> None:
    """Without any file there is a page, a log, a source and the starter rules, on loopback."""
    configuration = load(None, {})
    settings = configuration.settings
    assert settings.listen.public.is_loopback
    assert settings.listen.private.is_loopback
    assert settings.database.get_secret_value() == "sqlite:///var/tocsin.db"
    assert [(one.name, one.audience.value) for one in settings.channels] == [
        ("page", "public"),
        ("log", "internal"),
    ]
    assert [one.name for one in settings.sources] == ["alertmanager"]
    assert [one.name for one in configuration.rule_files] == ["starter.yaml"]
    assert "defaults are in force" in configuration.notices[0]


def test_a_block_that_is_all_comments_is_the_default(tmp_path: Path) -> None:
    """`sources:` with nothing but comments below means what leaving it out means."""
    settings = loaded(tmp_path, "sources:\n#  - name: x\napi:\n").settings
    assert [one.name for one in settings.sources] == ["alertmanager"]


def test_reads_values(tmp_path: Path) -> None:
    """Values of the file reach the settings in their types."""
    settings = loaded(
        tmp_path,
        """
        listen: { public: ":0", private: "[::1]:9001" }
        page: { url: https://status.example.com/, time_zone: Europe/Berlin }
        limits: { shutdown_grace: 1m30s }
        channels:
          - { name: mail, kind: email, host: mx.example.com, sender: a@example.com }
        """,
    ).settings
    assert settings.listen.public.is_every
    assert (settings.listen.private.host, settings.listen.private.port) == ("::1", 9001)
    assert settings.page.url == "https://status.example.com"
    assert settings.limits.shutdown_grace == 90_000
    assert settings.channels[0].name == "mail"


COMPLAINTS = [
    pytest.param(
        "lisen: {}\n",
        "tocsin.yaml:1:1: lisen: is no key of the file; did you mean `listen`? write `listen`",
        id="unknown block",
    ),
    pytest.param(
        "page:\n  nmae: X\n",
        "tocsin.yaml:2:3: page.nmae: is no key of `page`; did you mean `name`? write `name`",
        id="unknown key",
    ),
    pytest.param(
        "channels:\n  - name: mail\n    kind: email\n    sender: a@example.com\n",
        "tocsin.yaml:2:5: channels[0].host: is missing; write `host: ...`",
        id="missing key",
    ),
    pytest.param(
        "channels:\n  - { name: mail, kind: email, host: h, sender: a@example.com, port: many }\n",
        "tocsin.yaml:2:70: channels[0].port: is no whole number; write a number such as 25",
        id="not a number",
    ),
    pytest.param(
        "channels:\n  - { name: mail, kind: emial }\n",
        "tocsin.yaml:2:25: channels[0].kind: cannot be 'emial'; did you mean `email`? write `email`",
        id="unknown kind",
    ),
    pytest.param(
        "channels:\n  - { name: mail }\n",
        "tocsin.yaml:2:5: channels[0].kind: is missing; write `kind: log`, or another kind",
        id="no kind",
    ),
    pytest.param(
        "channels: [ mail ]\n",
        "tocsin.yaml:1:13: channels[0]: is no block of keys; write { key: value }",
        id="entry is a word",
    ),
    pytest.param(
        "listen: { public: 127.0.0.1 }\n",
        "tocsin.yaml:1:19: listen.public: '127.0.0.1' is no address with a port; "
        "write it like 127.0.0.1:8080, [::1]:8080, or :8080 for every address",
        id="no port",
    ),
    pytest.param(
        "listen: { public: 127.0.0.1:99999 }\n",
        "tocsin.yaml:1:19: listen.public: there is no port 99999; write a number up to 65535",
        id="impossible port",
    ),
    pytest.param(
        "listen: 8080\n",
        "tocsin.yaml:1:9: listen: is no block of keys; write `listen: { key: value }`",
        id="block is a number",
    ),
    pytest.param(
        "page: { time_zone: europe/berlin }\n",
        "tocsin.yaml:1:20: page.time_zone: 'europe/berlin' is no time zone; write `Europe/Berlin`",
        id="time zone",
    ),
    pytest.param(
        "page: { time_zone: CEST }\n",
        "tocsin.yaml:1:20: page.time_zone: 'CEST' is no time zone; write UTC or a name such as Europe/Berlin",
        id="time zone like no other",
    ),
    pytest.param(
        "page: { url: status.example.com }\n",
        "tocsin.yaml:1:14: page.url: 'status.example.com' is no page address; "
        "write one like https://status.example.com",
        id="page address",
    ),
    pytest.param(
        "page: { url: https://example.com/status/ }\n",
        "tocsin.yaml:1:14: page.url: 'https://example.com/status/' has a path; "
        "give the page a host name, such as https://status.example.com",
        id="page address with a path",
    ),
    pytest.param(
        "database: mysql://x\n",
        "tocsin.yaml:1:11: database: is no database address; write sqlite:///path/of/file.db"
        " or postgresql://user@host:5432/database",
        id="database",
    ),
    pytest.param(
        "database: postgresql://tocsin@db:5432/\n",
        "tocsin.yaml:1:11: database: names no database; write postgresql://user@host:5432/database",
        id="database without a name",
    ),
    pytest.param(
        "database: postgresql://tocsin:pass@db:five/x\n",
        "tocsin.yaml:1:11: database: has a port that is no number;"
        " write postgresql://user@host:5432/database",
        id="database with a bad port",
    ),
    pytest.param(
        "log: { level: loud }\n",
        "tocsin.yaml:1:15: log.level: cannot be 'loud'; write one of `debug`, `info`, `warning`, `error`",
        id="word of a list",
    ),
    pytest.param(
        "limits: { shutdown_grace: 5s }\nrules: [ pack:startr ]\n",
        "tocsin.yaml:2:10: rules[0]: there is no file 'pack:startr'; "
        "did you mean `pack:starter`? write `pack:starter`",
        id="unknown pack",
    ),
    pytest.param(
        "limits: { shutdown_grace: 5 sec }\n",
        "tocsin.yaml:1:27: limits.shutdown_grace: '5 sec' is not a duration; write 5s",
        id="duration",
    ),
    pytest.param(
        "rules: []\n",
        "tocsin.yaml:1:8: rules: is empty; write at least one entry, or remove the key",
        id="no rules",
    ),
    pytest.param(
        "_env_file: x\n",
        "tocsin.yaml:1:1: _env_file: is no key of the file; write one of `listen`, `database`, `page`, "
        "`rules`, `sources`, `channels`, `api`, `log`, `limits`",
        id="a library's own word",
    ),
    pytest.param(
        "page: { name: a, name: b }\n",
        "tocsin.yaml:1:18: page.name: the key 'name' is there twice, first in line 1; keep one of them",
        id="key twice",
    ),
    pytest.param("- a\n", "tocsin.yaml:1:1: is no block of keys; write `page: { name: ... }`", id="a list"),
    pytest.param(
        "sources:\n  - { name: a }\n  - { name: A }\n",
        "tocsin.yaml:3:13: sources[1].name: is the name of sources[0] already; choose another name",
        id="name twice",
    ),
    pytest.param(
        "sources:\n  - { name: a, username: u }\n",
        "tocsin.yaml:2:26: sources[0].username: has no password; write `password_file: /path/of/a/file`",
        id="half a login",
    ),
    pytest.param(
        "sources:\n  - { name: a, client_certs: [ am.example.com ] }\n",
        "tocsin.yaml:2:30: sources[0].client_certs: cannot be checked without a certificate authority; "
        "write listen.tls.client_ca_file",
        id="certificates without authority",
    ),
    pytest.param(
        "sources:\n  - { name: a, client_certs: [ 'sha256:12' ] }\n",
        "tocsin.yaml:2:32: sources[0].client_certs[0]: is no certificate; "
        "write its common name, or sha256: and 64 hexadecimal digits",
        id="fingerprint",
    ),
    pytest.param(
        "listen: { private: 127.0.0.1:8080 }\n",
        "tocsin.yaml:1:20: listen.private: is port 8080, which listen.public has; "
        "write another port, such as 127.0.0.1:8081",
        id="one port for both",
    ),
    pytest.param(
        "listen: { tls: { cert_file: /nowhere/cert.pem } }\n",
        "tocsin.yaml:1:29: listen.tls.cert_file: there is no file /nowhere/cert.pem; "
        "write the path of a PEM file",
        id="certificate file",
    ),
]


@pytest.mark.parametrize(("text", "complaint"), COMPLAINTS)
def test_complaints_name_place_key_and_remedy(tmp_path: Path, text: str, complaint: str) -> None:
    """Every mistake is named with line and column, the key, and what to write instead."""
    assert complaints(tmp_path, text) == [complaint]


def test_all_mistakes_come_at_once(tmp_path: Path) -> None:
    """One run names everything, in the order of the file."""
    found = complaints(tmp_path, "log: { level: loud }\nrules: [ gone.yaml ]\npage: { nmae: x }\n")
    assert [line.split(": ")[1] for line in found] == ["log.level", "rules[0]", "page.nmae"]


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    """A file that was asked for and is not there is an error that says how to name one."""
    with pytest.raises(BadConfig, match=r"gone\.yaml: cannot be read .*; name an existing file with -c FILE"):
        load(tmp_path / "gone.yaml", {})


def test_finds_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line wins over TOCSIN_CONFIG, which wins over ./tocsin.yaml."""
    monkeypatch.chdir(tmp_path)
    assert find(None, {}) is None
    write(tmp_path, "")
    assert find(None, {}) == Path("tocsin.yaml")
    assert find(None, {"TOCSIN_CONFIG": "/etc/t.yaml"}) == Path("/etc/t.yaml")
    assert find("mine.yaml", {"TOCSIN_CONFIG": "/etc/t.yaml"}) == Path("mine.yaml")


def test_rule_files_start_at_the_file(tmp_path: Path) -> None:
    """Rule files are relative to the configuration, patterns are sorted, none is there twice."""
    for name in ("b.yaml", "a.yaml"):
        write(tmp_path, "", f"rules.d/{name}")
    text = 'rules: [ rules.d/b.yaml, "rules.d/*.yaml", "pack:starter" ]\n'
    names = [one.name for one in loaded(tmp_path, text).rule_files]
    assert names == ["b.yaml", "a.yaml", "starter.yaml"]


def test_a_pack_is_no_path(tmp_path: Path) -> None:
    """`pack:` cannot reach out of the shipped folder."""
    [line] = complaints(tmp_path, 'rules: [ "pack:../model" ]\n')
    assert "there is no file 'pack:../model'" in line
