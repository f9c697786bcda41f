"""When the write-ahead log is copied into the database file.

SQLite's own automatic checkpoint swallows errors: an fsync that failed there
would be tried again later and "succeed" without the pages that the kernel had
dropped.  So it is switched off, and this runs after a COMMIT, in its thread,
when the callers already have their answers.
"""

from __future__ import annotations

import sqlite3

_PAGES = 1_000  # SQLite's own default: 4 MB
_BATCH_PAGES = 12  # root and leaf pages that even a batch of one row writes
_ROWS_PER_PAGE = 6


class Checkpointer:
    """Guesses the length of the log and learns from each checkpoint what it really was."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._guess = 0.0
        self._scale = 1.0
        self.runs = 0
        self.log_pages = 0

    def wrote(self, rows: int) -> None:
        self._guess += _BATCH_PAGES + rows / _ROWS_PER_PAGE

    @property
    def is_due(self) -> bool:
        return self._guess * self._scale >= _PAGES

    def run(self) -> None:
        """Copy what no reader pins.  Raises sqlite3.Error; an error of fsync must end the process."""
        guess, self._guess = self._guess, 0.0
        _, pages, copied = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        self.runs += 1
        self.log_pages = pages
        if pages > 0 and pages == copied:
            # A log that a reader has pinned says nothing about the guess.
            self._scale = min(max(pages / guess, 0.1), 10.0)
