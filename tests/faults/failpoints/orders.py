"""What is to happen at which failpoint of one life, and what the life told about it: two small files."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Act = Literal["kill", "raise", "stop", "spin"]
"""SIGKILL to itself; an exception; SIGSTOP to itself; hold the event loop for ever."""


@dataclass(frozen=True, slots=True)
class Order:
    """From the ``first`` to the ``last`` time that a life passes the point."""

    point: str
    act: Act = "kill"
    first: int = 1
    last: int = 1


class Orders:
    """``file`` is for the child's option ``--failpoints``."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "failpoints.json"
        self._told = folder / "failpoints.told"

    def give(self, *orders: Order) -> None:
        """To the next life."""
        self._told.write_text("", "utf-8")
        fields = {"told": str(self._told), "orders": [asdict(order) for order in orders]}
        self.file.write_text(json.dumps(fields), "utf-8")

    def reached(self) -> set[str]:
        """Every failpoint that the life has passed so far."""
        return {name for act, name in self._lines() if act == "reached"}

    def obeyed(self) -> list[tuple[str, str]]:
        """(act, failpoint) of the orders that were carried out, oldest first."""
        return [(act, name) for act, name in self._lines() if act != "reached"]

    def _lines(self) -> list[tuple[str, str]]:
        if not self._told.exists():
            return []
        lines = (line.partition(" ") for line in self._told.read_text("utf-8").splitlines())
        return [(act, name) for act, _, name in lines]
