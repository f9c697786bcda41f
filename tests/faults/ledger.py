"""What a database says after the storm, beside what monitors and channels remember."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.faults.tables import Row, SqliteFile, Tables

UNSETTLED = ("queued", "claimed", "attempted", "unknown")


class Ledger:
    """Reads the tables itself: a mistake of the daemon's own reading would go unseen otherwise.

    A path is that of a SQLite file.
    """

    def __init__(self, database: Path | Tables) -> None:
        self._tables: Tables = SqliteFile(database) if isinstance(database, Path) else database

    def rows(self, question: str, *values: object) -> list[Row]:
        return self._tables.rows(question, *values)

    def alerts(self) -> dict[str, bool]:
        """Fingerprint -> whether it fires."""
        found = self.rows("SELECT fingerprint, firing FROM episodes ORDER BY id")
        return {row["fingerprint"]: bool(row["firing"]) for row in found}

    def incidents(self) -> Counter[str]:
        """How many incidents there were of each service; people's own have none."""
        found = self.rows("SELECT key FROM groups WHERE number IS NOT NULL AND route <> ''")
        return Counter(json.dumps(json.loads(row["key"])) for row in found)

    def unsettled(self) -> int:
        """Deliveries that will still move; what waits behind a held post waits for a person."""
        marks = ",".join("?" * len(UNSETTLED))
        question = (
            f"SELECT count(*) AS found FROM deliveries d WHERE d.state IN ({marks}) AND NOT EXISTS"  # noqa: S608 - question marks alone
            " (SELECT 1 FROM deliveries w WHERE w.id IN (d.waits_for, d.edits) AND w.state = 'held')"
        )
        return int(self.rows(question, *UNSETTLED)[0]["found"])

    def states(self) -> dict[str, int]:
        """How many deliveries are in each state, by channel."""
        found = self.rows(
            "SELECT channel, state, count(*) AS found FROM deliveries GROUP BY channel, state ORDER BY 1, 2"
        )
        return {f"{row['channel']} {row['state']}": row["found"] for row in found}

    def deliveries(self, channel: str) -> list[Row]:
        return self.rows("SELECT * FROM deliveries WHERE channel = ? ORDER BY id", channel)

    def groups(self) -> list[int]:
        return [row["id"] for row in self.rows("SELECT id FROM groups ORDER BY id")]

    def check(self) -> str:
        """The database's own verdict on itself."""
        return self._tables.check()


def repeated(counts: Counter[Any]) -> dict[Any, int]:
    """What was counted more than once."""
    return {name: count for name, count in counts.items() if count > 1}


def in_order(sequences: Iterable[int]) -> bool:
    found = list(sequences)
    return found == sorted(found)
