"""Alembic, run from the program itself: no ini file, scripts found beside this module."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from daemon.storage.versions import SCRIPTS


def upgrade(connection: Connection, target: str) -> None:
    """Run the migrations up to a revision (``head``: all) in the connection's own transaction."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, target)
