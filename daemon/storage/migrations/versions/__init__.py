"""One file per step of the schema; a released one is never edited."""
