"""What is wrong with a configuration: path, words, remedy; and where that stands.

A finding knows the key; ``Origin`` knows in which line of the file, or in which
environment variable, that key was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from config.shape import Path
from rules.errors import Problem
from rules.yaml_source import Document, show_path

CODE = "C001"


class Finding(NamedTuple):
    """One thing that is wrong; ``remedy`` says what to write."""

    path: Path
    message: str
    remedy: str
    at_key: bool = False


@dataclass(frozen=True, slots=True)
class VariableProblem(Problem):
    """A problem whose value came from the environment: ``file`` is the variable."""

    def __str__(self) -> str:
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{self.file}: {self.key}: {self.message}{remedy}"


@dataclass(slots=True)
class Origin:
    """Where each value came from."""

    document: Document
    variables: Mapping[Path, str] = field(default_factory=dict)

    def problem(self, finding: Finding) -> Problem:
        """The finding with file, line and column, or with its environment variable."""
        path = finding.path
        for length in range(len(path), 0, -1):
            variable = self.variables.get(path[:length]) or self.variables.get(_as_file(path[:length]))
            if variable:
                return VariableProblem(
                    variable, 0, 0, show_path(path), finding.message, finding.remedy, CODE
                )  # fmt: skip
        placed = path if path in self.document.places else _as_file(path)
        if placed not in self.document.places:
            placed = path
        problem = self.document.problem(
            placed, finding.message, finding.remedy, code=CODE, at_key=finding.at_key
        )  # fmt: skip
        return Problem(
            problem.file, problem.line, problem.column, show_path(path), finding.message, finding.remedy, CODE
        )  # fmt: skip


def _as_file(path: Path) -> Path:
    return (*path[:-1], f"{path[-1]}_file") if path else path
