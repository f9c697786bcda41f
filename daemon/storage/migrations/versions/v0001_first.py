"""The first schema: journal, groups, episodes, deliveries, quarantine, rule versions, meta."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("PRAGMA application_id = 1891965457")  # 0x70C51A11, daemon/storage/sqlite/schema.py
    _small_tables()
    _journal()
    _groups()
    _episodes()
    _deliveries()
    if op.get_bind().dialect.name == "postgresql":
        _batches()


def _batches() -> None:
    op.create_table(
        "batches",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("node", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("made", sa.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
    )


def _index(name: str, table: str, columns: list[str], where: str = "", *, unique: bool = False) -> None:
    condition = sa.text(where) if where else None
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def _small_tables() -> None:
    op.create_table(
        "meta",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", _Id, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "rule_versions",
        sa.Column("id", _Id, primary_key=True),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("loaded_at", sa.BigInteger, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("sources", sa.LargeBinary, nullable=False),
    )
    _index("rule_versions_version", "rule_versions", ["version"], unique=True)


def _journal() -> None:
    op.create_table(
        "journal",
        sa.Column("id", _Id, primary_key=True),
        sa.Column("group_id", sa.BigInteger, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    _index("journal_place", "journal", ["group_id", "sequence"], unique=True)


def _groups() -> None:
    op.create_table(
        "groups",
        sa.Column("id", _Id, primary_key=True, autoincrement=False),
        sa.Column("public_id", sa.Text, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("rules", sa.Text, nullable=False),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("number", sa.BigInteger),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("impact", sa.SmallInteger, nullable=False),
        sa.Column("opened_at", sa.BigInteger),
        sa.Column("resolved_at", sa.BigInteger),
        sa.Column("ended", sa.Text, nullable=False),
        sa.Column("next_due", sa.BigInteger),
        sa.Column("view", sa.LargeBinary, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("head", sa.LargeBinary, nullable=False),
    )
    _index("groups_public_id", "groups", ["public_id"], unique=True)
    _index("groups_number", "groups", ["number"], "number IS NOT NULL", unique=True)
    _index("groups_live", "groups", ["id"], "phase <> 'ended'")
    _index("groups_due", "groups", ["next_due"], "next_due IS NOT NULL")


def _episodes() -> None:
    op.create_table(
        "episodes",
        sa.Column("id", _Id, primary_key=True, autoincrement=False),
        sa.Column("group_id", sa.BigInteger, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("starts_at", sa.BigInteger, nullable=False),
        sa.Column("firing", sa.Boolean, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("labels", sa.LargeBinary, nullable=False),
        sa.Column("annotations", sa.LargeBinary, nullable=False),
        sa.Column("link", sa.Text, nullable=False),
        sa.Column("ends_at", sa.BigInteger),
        sa.Column("flags", sa.Text, nullable=False),
    )
    _index("episodes_firing", "episodes", ["id"], "firing")


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", _Id, primary_key=True, autoincrement=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("group_id", sa.BigInteger, nullable=False),
        sa.Column("update_id", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("audience", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("not_before", sa.BigInteger, nullable=False),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.BigInteger),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("resends", sa.Integer, nullable=False),
        sa.Column("reads", sa.Integer, nullable=False),
        sa.Column("attempted_at", sa.BigInteger),
        sa.Column("ref", sa.LargeBinary),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("waits_for", sa.BigInteger),
        sa.Column("sequence", sa.Integer, nullable=False),
    )
    _index("deliveries_key", "deliveries", ["key"], unique=True)
    _index("deliveries_group", "deliveries", ["group_id", "id"])
    _index("deliveries_queued", "deliveries", ["not_before", "id"], "state = 'queued'")
    _index(
        "deliveries_open",
        "deliveries",
        ["channel", "group_id", "recipient", "sequence", "state", "created_at"],
        "state NOT IN ('sent', 'dead', 'superseded', 'expired')",
    )
