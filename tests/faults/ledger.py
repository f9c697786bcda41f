"""What a database says after the storm, beside what monitors and channels remember."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

UNSETTLED = ("queued", "claimed", "attempted", "unknown")


class Ledger:
    """Reads the file itself: a mistake of the daemon's own reading would go unseen otherwise."""

    def __init__(self, database: Path) -> None:
        self._database = database

    def rows(self, question: str, *values: object) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=5)) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(question, values).fetchall()

    def alerts(self) -> dict[str, bool]:
        """Fingerprint -> whether it fires."""
        return {row[0]: bool(row[1]) for row in self.rows("SELECT fingerprint, firing FROM episodes")}

    def incidents(self) -> Counter[str]:
        """How many incidents there were of each service."""
        keys = (json.loads(row[0]) for row in self.rows("SELECT key FROM groups WHERE number IS NOT NULL"))
        return Counter(json.dumps(key) for key in keys)

    def unsettled(self) -> int:
        """Deliveries that will still move; a last word behind a held first post waits for a person."""
        marks = ",".join("?" * len(UNSETTLED))
        rests = "waits_for IN (SELECT id FROM deliveries WHERE state = 'held')"
        question = f"SELECT count(*) FROM deliveries WHERE state IN ({marks}) AND NOT coalesce({rests}, 0)"  # noqa: S608 - question marks alone
        return int(self.rows(question, *UNSETTLED)[0][0])

    def states(self) -> dict[str, int]:
        """How many deliveries are in each state, by channel."""
        found = self.rows("SELECT channel, state, count(*) FROM deliveries GROUP BY channel, state")
        return {f"{row[0]} {row[1]}": row[2] for row in found}

    def deliveries(self, channel: str) -> list[sqlite3.Row]:
        return self.rows("SELECT * FROM deliveries WHERE channel = ? ORDER BY id", channel)

    def check(self) -> str:
        """SQLite's own verdict on the file."""
        return str(self.rows("PRAGMA integrity_check")[0][0])


def repeated(counts: Counter[Any]) -> dict[Any, int]:
    """What was counted more than once."""
    return {name: count for name, count in counts.items() if count > 1}


def in_order(sequences: Iterable[int]) -> bool:
    found = list(sequences)
    return found == sorted(found)
