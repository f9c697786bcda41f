"""The tables: the only source of names, types and indexes, for SQLite and PostgreSQL alike.

JSON that must keep its very bytes (hashes, frozen payloads) is stored as bytes.
Instants are integers: milliseconds since the epoch.
"""

from __future__ import annotations

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)

metadata = MetaData()
shared = MetaData()  # what only a database of several processes has

# SQLite makes a column its rowid (an append, no second tree) only when it is called INTEGER.
Id = BigInteger().with_variant(Integer, "sqlite")

# Spelt out, because a planner uses a partial index only for a condition that it recognises.
NOT_ENDED = text("phase <> 'ended'")
SECRET = "id_secret"  # noqa: S105 - the name of a row, not a secret: what public ids are made with
NOTE = "note."  # before the names of notes, so that none hides a fact of the store's own
IS_FIRING = text("firing")
HAS_CLEARED = text("NOT firing")
IS_QUEUED = text("state = 'queued'")
IS_QUEUED_EDIT = text("state = 'queued' AND edits IS NOT NULL")
NOT_FINAL = text("state NOT IN ('sent', 'dead', 'superseded', 'expired')")

meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

journal = Table(
    "journal",
    metadata,
    Column("id", Id, primary_key=True),
    Column("group_id", BigInteger, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Index("journal_place", "group_id", "sequence", unique=True),
)

groups = Table(
    "groups",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("public_id", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("rules", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("number", BigInteger),
    Column("title", Text, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("impact", SmallInteger, nullable=False),
    Column("opened_at", BigInteger),
    Column("resolved_at", BigInteger),
    Column("ended", Text, nullable=False),
    Column("next_due", BigInteger),
    Column("view", LargeBinary, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("head", LargeBinary, nullable=False),
    Index("groups_public_id", "public_id", unique=True),
    Index(
        "groups_number",
        "number",
        unique=True,
        sqlite_where=text("number IS NOT NULL"),
        postgresql_where=text("number IS NOT NULL"),
    ),
    Index("groups_live", "id", sqlite_where=NOT_ENDED, postgresql_where=NOT_ENDED),
    Index(
        "groups_due",
        "next_due",
        sqlite_where=text("next_due IS NOT NULL"),
        postgresql_where=text("next_due IS NOT NULL"),
    ),
)

episodes = Table(
    "episodes",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("group_id", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("starts_at", BigInteger, nullable=False),
    Column("firing", Boolean, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("labels", LargeBinary, nullable=False),
    Column("annotations", LargeBinary, nullable=False),
    Column("link", Text, nullable=False),
    Column("ends_at", BigInteger),
    Column("flags", Text, nullable=False),  # comma-separated words
    # No index on fingerprints: a random key costs ten times the write (the writer's memory holds them).
    Index("episodes_firing", "id", sqlite_where=IS_FIRING, postgresql_where=IS_FIRING),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("key", Text, nullable=False),
    Column("group_id", BigInteger, nullable=False),
    Column("update_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("lease_until", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("resends", Integer, nullable=False),
    Column("reads", Integer, nullable=False),
    Column("attempted_at", BigInteger),
    Column("ref", LargeBinary),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("waits_for", BigInteger),
    Column("sequence", Integer, nullable=False),
    Column("edits", BigInteger),
    Index("deliveries_key", "key", unique=True),
    Index("deliveries_group", "group_id", "id"),
    Index("deliveries_queued", "not_before", "id", sqlite_where=IS_QUEUED, postgresql_where=IS_QUEUED),
    Index(
        "deliveries_open",
        *("channel", "group_id", "recipient", "sequence", "state", "created_at", "edits"),
        sqlite_where=NOT_FINAL,
        postgresql_where=NOT_FINAL,
    ),
    Index(
        "deliveries_edits",
        "channel",
        "not_before",
        sqlite_where=IS_QUEUED_EDIT,
        postgresql_where=IS_QUEUED_EDIT,
    ),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

bounces = Table(
    "bounces",
    metadata,
    Column("id", Id, primary_key=True),
    Column("delivery_id", BigInteger, nullable=False),
    Column("channel", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index("bounces_delivery", "delivery_id", unique=True),
    Index("bounces_recipient", "recipient", "at"),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("bounces", Integer, nullable=False),
    Column("detail", Text, nullable=False),
    Column("lifted_at", BigInteger),
    Column("lifted_by", Text, nullable=False),
    Index("suppressions_place", "channel", "recipient", unique=True),
)

rule_versions = Table(
    "rule_versions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("version", Text, nullable=False),
    Column("loaded_at", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("sources", LargeBinary, nullable=False),
    Index("rule_versions_version", "version", unique=True),
)

batches = Table(
    "batches",
    shared,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("node", Text, nullable=False),  # the life of the process that committed it
    Column("at", BigInteger, nullable=False),  # the newest instant in it
    Column("body", LargeBinary, nullable=False),  # daemon/storage/postgres/news.py
    Column("made", TIMESTAMP(timezone=True), server_default=func.now(), nullable=False),
)
"""Every commit, in order: how a process learns what the others wrote.  Trimmed after a while."""
