"""Figures beside their targets: printed as they come, and the whole as a Markdown table."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

HEAD = ("measure", "Tocsin", "Alertmanager", "ratio", "target", "met")
REACHED, MISSED, NO_TARGET = "yes", "**misses**", ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    measure: str
    tocsin: str
    target: str = ""
    misses: tuple[str, ...] = ()  # what of the target was missed
    alertmanager: str = ""
    ratio: str = ""

    @property
    def met(self) -> str:
        if not self.target:
            return NO_TARGET
        return f"{MISSED}: {', '.join(self.misses)}" if self.misses else REACHED

    def cells(self) -> tuple[str, ...]:
        return (self.measure, self.tocsin, self.alertmanager, self.ratio, self.target, self.met)


@dataclass
class Report:
    """All rows, in the order in which they were measured."""

    rows: list[Row] = field(default_factory=list)
    load_before: float = field(default_factory=lambda: os.getloadavg()[0])

    def add(self, row: Row) -> None:
        self.rows.append(row)
        print(" | ".join(cell for cell in row.cells() if cell), flush=True)

    def markdown(self) -> str:
        """The table, with the load that the machine had when it began and when it ended."""
        lines = [_line(HEAD), _line(tuple("---" for _ in HEAD)), *(_line(row.cells()) for row in self.rows)]
        load = f"Load of the machine: {self.load_before:.1f} before, {os.getloadavg()[0]:.1f} after."
        return "\n".join([*lines, "", load, ""])

    def misses(self) -> list[str]:
        return [row.measure for row in self.rows if row.misses]


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.1f} ms" if seconds < 0.01 else f"{seconds * 1000:,.0f} ms"


def judge(*checks: tuple[str, bool]) -> tuple[str, ...]:
    """The names of the checks that failed."""
    return tuple(name for name, good in checks if not good)
