"""What a database's address says, without opening it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

SQLITE = "sqlite:///"
SERVERS = ("postgresql://", "postgres://")
TOKEN_FILE = "tocsin.token"  # noqa: S105 - a file name
STATE = Path("var")  # where the daemon was started, as with the default database


def problem(address: str) -> str:
    """What is wrong with an address, as a sentence without its password; empty when nothing is."""
    example = "sqlite:///path/of/file.db or postgresql://user@host:5432/database"
    if address.startswith(SQLITE):
        return "" if address.removeprefix(SQLITE) else f"names no file; write {example}"
    if not address.startswith(SERVERS):
        return f"is no database address; write {example}"
    try:
        parts = urlsplit(address)
        for host in parts.netloc.rpartition("@")[2].split(","):  # a server may have standbys
            _ = urlsplit(f"//{host}").port  # raises for what is no number
    except ValueError:
        return "has a port that is no number; write postgresql://user@host:5432/database"
    if not parts.path.strip("/"):
        return "names no database; write postgresql://user@host:5432/database"
    return ""


def is_server(address: str) -> bool:
    """Whether several daemons may share it."""
    return address.startswith(SERVERS)


def has_password(address: str) -> bool:
    """Whether whoever reads the address can use it."""
    parts = urlsplit(address)
    return ":" in parts.netloc.rpartition("@")[0] or "password=" in parts.query


def file_of(address: str) -> Path | None:
    """The SQLite file; None for a server."""
    return None if is_server(address) else Path(address.removeprefix(SQLITE))


def token_file(address: str) -> Path:
    """Where the token stands that the daemon writes (0600) and the command line reads: with its data."""
    file = file_of(address)
    return STATE / TOKEN_FILE if file is None else file.with_name(TOKEN_FILE)
