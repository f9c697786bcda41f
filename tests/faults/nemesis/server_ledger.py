"""What a database on a server says after the storm; the questions are those of ``Ledger``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.faults.ledger import UNSETTLED, Ledger
from tests.processes.postgres import Cluster


class Row(dict[str, Any]):
    """By name, or by number as sqlite3.Row is."""

    def __getitem__(self, key: str | int) -> Any:
        return list(self.values())[key] if isinstance(key, int) else super().__getitem__(key)


class ServerLedger(Ledger):
    """Reads with psql: a mistake of the daemon's own reading would go unseen otherwise."""

    def __init__(self, cluster: Cluster, address: str) -> None:
        super().__init__(Path(address))
        self._cluster = cluster
        self._name = address.rpartition("/")[2]

    def rows(self, question: str, *values: object) -> list[Any]:
        for value in values:
            text = str(value).replace("'", "''")
            question = question.replace("?", f"'{text}'", 1)
        wrapped = f"SET search_path = tocsin; SELECT row_to_json(r) FROM ({question}) AS r"  # noqa: S608 - a test's own
        answer = self._cluster.sql(wrapped, self._name)
        return [
            Row({name: _bytes(value) for name, value in json.loads(line).items()})
            for line in answer.splitlines()
        ]

    def unsettled(self) -> int:
        states = ",".join(f"'{state}'" for state in UNSETTLED)
        question = (
            f"SELECT count(*) FROM deliveries WHERE state IN ({states}) AND NOT coalesce("  # noqa: S608 - constants
            " waits_for IN (SELECT id FROM deliveries WHERE state = 'held'), false)"
        )
        return int(self.rows(question)[0][0])

    def check(self) -> str:
        """Every episode and delivery has its group, and every group its journal."""
        strays = self.rows(
            "SELECT 'episode' AS what, id FROM episodes WHERE group_id NOT IN (SELECT id FROM groups)"
            " UNION ALL SELECT 'delivery', id FROM deliveries WHERE group_id NOT IN (SELECT id FROM groups)"
            " UNION ALL SELECT 'group', id FROM groups WHERE id NOT IN (SELECT group_id FROM journal)"
        )
        return "ok" if not strays else str(strays)


def _bytes(value: Any) -> Any:
    """Psql writes bytes in hexadecimal."""
    if isinstance(value, str) and value.startswith("\\x"):
        return bytes.fromhex(value[2:])
    return value
