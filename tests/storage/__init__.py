"""Tests of daemon/storage: one contract suite over every store, and what SQLite does in trouble."""
