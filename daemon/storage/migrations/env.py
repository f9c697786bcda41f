"""Alembic runs this file; the connection comes from daemon/storage/sqlite/schema.py.

The whole upgrade is one transaction (SQLite's DDL is transactional although
Alembic does not count on it), so a kill leaves the old schema or the new one.
"""

from __future__ import annotations

from alembic import context

from daemon.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
