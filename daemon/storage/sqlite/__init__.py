"""The store on one SQLite file, and what looks after that file."""
