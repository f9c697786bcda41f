"""What is wrong with a file of the operator, and where.

BadConfig (daemon.core.errors)
└── LoadError     files that cannot be used; carries every Problem that was found
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from daemon.core.errors import BadConfig

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; lines and columns count from 1."""

    file: str
    line: int
    column: int
    key: str  # routes[2].open.plan
    message: str
    remedy: str = ""
    code: str = "R007"
    severity: Severity = "error"
    subject: str = ""  # what the finding is about (plan/step, route), so that it can be waived

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}: "
        key = f"{self.key}: " if self.key else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{where}{key}{self.message}{remedy}"


class LoadError(BadConfig):
    """Files that cannot be used; ``problems`` has all that was found, in file order, sorted by place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def brief(text: str, longest: int = 60) -> str:
    """The text, cut where it is too long to repeat in a message."""
    return text if len(text) <= longest else f"{text[:longest]}…"


def by_place(problems: Iterable[Problem], files: Iterable[str]) -> list[Problem]:
    """Sort: files in the order given, then line and column; an exact repeat is dropped."""
    order = {name: number for number, name in reversed(list(enumerate(files)))}
    unique = dict.fromkeys(problems)
    return sorted(unique, key=lambda one: (order.get(one.file, len(order)), one.line, one.column))
