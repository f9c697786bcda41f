"""What an address says, without its server."""

from __future__ import annotations

import pytest

from config.database import has_password, problem


@pytest.mark.parametrize(
    "address",
    [
        "sqlite:///a.db",
        "postgresql://tocsin@db/tocsin",
        "postgres://tocsin@[::1]:5432/tocsin",
        "postgresql://tocsin@one:5432,two:5433,[::1]/tocsin?target_session_attrs=read-write",
        "postgresql:///tocsin?host=/run/postgresql",
    ],
)
def test_good_addresses(address: str) -> None:
    """Several hosts, IPv6 and sockets, too."""
    assert problem(address) == ""
    assert not has_password(address)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("tocsin.db", "is no database address"),
        ("sqlite:///", "names no file"),
        ("postgresql://tocsin@db", "names no database"),
        ("postgresql://tocsin:geheim@one:5432,two:x/tocsin", "has a port that is no number"),
    ],
)
def test_bad_addresses(address: str, words: str) -> None:
    """A sentence without the password."""
    assert words in problem(address)
    assert "geheim" not in problem(address)


@pytest.mark.parametrize("address", ["postgresql://a:b@db/c", "postgresql://a@db/c?password=b"])
def test_passwords_are_seen(address: str) -> None:
    """Wherever they are written."""
    assert has_password(address)
