"""SQLAlchemy Core tables and statements, the SQLite writer, Alembic migrations."""
