"""Which schemas this program knows."""

from __future__ import annotations

from pathlib import Path

SCRIPTS = Path(__file__).parent / "migrations"
HEAD = "0003"  # the newest file in migrations/versions; a test compares


def known() -> set[str]:
    """The versions that this program can read: file names begin with ``v`` and the number."""
    return {file.name[1:5] for file in (SCRIPTS / "versions").glob("v[0-9]*.py")}


def is_newer(place: str, version: str) -> str:
    """The sentence for a database that a newer program has written."""
    return (
        f"database: {place} was written by a newer tocsin (schema {version}; this one knows {HEAD});"
        " install that version, or restore the backup from before the upgrade"
    )


def must_be_current(place: str, version: str) -> str:
    """The sentence for a database that cannot be copied from as it is."""
    if not version:
        return f"database: {place} holds no data of tocsin"
    return f"database: {place} has schema {version}, not {HEAD}; run `tocsin db migrate` on it first"
