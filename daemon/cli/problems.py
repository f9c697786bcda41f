"""What is wrong with files, as text or as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from daemon.cli import screen
from rules.errors import Problem


def as_data(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    return [
        {
            "file": one.file, "line": one.line, "column": one.column, "key": one.key,
            "message": one.message, "remedy": one.remedy, "code": one.code, "severity": one.severity,
        }
        for one in problems
    ]  # fmt: skip


def print_problems(problems: Iterable[Problem]) -> None:
    """A line each: ``file:line:column: key: message; remedy  [code severity]``."""
    for one in problems:
        out = screen.console()
        text = screen.word(one)
        text.append("  ")
        text.append(f"[{one.code} {one.severity}]", style="red" if one.severity == "error" else "yellow")
        out.print(text, soft_wrap=True)


def print_annotations(problems: Iterable[Problem]) -> None:
    """GitHub's workflow commands, one a line: they stand beside the lines of a pull request."""
    for one in problems:
        place = f"file={_property(one.file)},line={one.line},col={one.column},title={one.code}"
        remedy = f"; {one.remedy}" if one.remedy else ""
        key = f"{one.key}: " if one.key else ""
        print(f"::{one.severity} {place}::{_escaped(f'{key}{one.message}{remedy}')}")


def _escaped(text: str) -> str:
    shown = screen.plain(text).replace("%", "%25")
    return shown.replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def has_errors(problems: Iterable[Problem]) -> bool:
    return any(one.severity == "error" for one in problems)
