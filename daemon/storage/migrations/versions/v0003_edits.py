"""Deliveries that change a post instead of adding one: which one, and an index to find them by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("edits", sa.BigInteger))
    op.drop_index("deliveries_open", "deliveries")
    _index(
        "deliveries_open",
        ["channel", "group_id", "recipient", "sequence", "state", "created_at", "edits"],
        "state NOT IN ('sent', 'dead', 'superseded', 'expired')",
    )
    _index("deliveries_edits", ["channel", "not_before"], "state = 'queued' AND edits IS NOT NULL")


def _index(name: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, "deliveries", columns, sqlite_where=condition, postgresql_where=condition)
