"""Bringing a file to a revision of the schema."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from daemon.storage.revisions import upgrade
from daemon.storage.sqlite import connection as connections


def migrate(path: Path, target: str = "head") -> None:
    """Run the migrations in one transaction on a connection of their own."""

    def connect() -> sqlite3.Connection:
        own = connections.open_writer(path)
        connections.make_durable(own)
        return own

    engine = create_engine("sqlite://", creator=connect, poolclass=StaticPool)

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine, "begin", begin)
    try:
        with engine.begin() as connection:
            upgrade(connection, target)
    except DBAPIError as error:
        raise error.orig or error from error
    finally:
        engine.dispose()
