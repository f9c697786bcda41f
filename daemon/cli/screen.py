"""What commands print: tables for people on a terminal, plain lines in a pipe, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from daemon.core.clock import SystemClock, from_datetime, to_datetime
from rules import durations

NO_WRAP = 100_000
"""Columns of a pipe: one row is one line there, so that grep and awk work."""

_STYLES = {
    "investigating": "bold red", "identified": "yellow", "monitoring": "cyan", "resolved": "green",
    "critical": "bold red", "major": "red", "minor": "yellow", "none": "dim",
    "firing": "red", "sent": "green", "held": "bold yellow", "unknown": "yellow", "dead": "red",
    "superseded": "dim", "expired": "dim", "error": "red", "warning": "yellow",
    "good": "green", "wrong": "red",
}  # fmt: skip


def console() -> Console:
    """Standard output; markup and emoji in what others wrote are left as they are."""
    out = sys.stdout
    width = None if out.isatty() else NO_WRAP
    return Console(file=out, width=width, markup=False, emoji=False, highlight=False)


def print_json(data: Any) -> None:
    """JSON whose texts hold nothing that a terminal would obey: such signs are escaped."""
    text = json.dumps(data, indent=2, ensure_ascii=False)
    print("".join(sign if sign.isprintable() or sign == "\n" else _escaped(sign) for sign in text))


def _escaped(sign: str) -> str:
    return json.dumps(sign)[1:-1]


def plain(text: Any) -> str:
    """A text without anything that a terminal would obey."""
    shown = "" if text is None else str(text)
    return "".join(sign if sign.isprintable() or sign == "\n" else "\ufffd" for sign in shown)


def word(text: Any) -> Text:
    """A text in the colour that it means."""
    shown = plain(text)
    return Text(shown, style=_STYLES.get(shown, ""))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """A table, or the sentence ``empty``.  A column named with ``!`` before it is never broken."""
    out = console()
    found = [list(row) for row in rows]
    if not found:
        print(empty)
        return
    table = Table(
        box=box.SIMPLE_HEAD if out.is_terminal else None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        header_style="bold",
    )
    for name in columns:
        table.add_column(name.removeprefix("!"), no_wrap=name.startswith("!"), overflow="fold")
    for row in found:
        # A title with a line break must not look like another row.
        table.add_row(*(word(plain(cell).replace("\n", " ")) for cell in row))
    if out.is_terminal:
        out.print(table)
        return
    with out.capture() as captured:
        out.print(table)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def line(*parts: Any) -> None:
    """Words that go together, without those that are empty."""
    shown = [word(part) for part in parts if part not in (None, "")]
    if shown:
        console().print(Text(" · ").join(shown), soft_wrap=True)


def heading(text: str) -> None:
    console().print(Text(f"\n{text}", style="bold"))


def paragraph(text: Any, indent: int = 2) -> None:
    """A text of several lines, set in."""
    out = console()
    for one in plain(text).splitlines() or [""]:
        if out.is_terminal:
            out.print(Padding(Text(one), (0, 0, 0, indent)))
        else:
            print(f"{' ' * indent}{one}")


def short_time(text: str | None) -> str:
    """``01-04 10:02`` on the clock of this machine's wall."""
    return f"{_local(text):%m-%d %H:%M}" if text else ""


def long_time(text: str | None) -> str:
    """``2027-01-04 10:02 CET``."""
    return f"{_local(text):%Y-%m-%d %H:%M %Z}" if text else ""


def age(text: str | None, until: str | None = None) -> str:
    """How long ago that was, or how long it lasted: ``12m``, ``2h5m``, ``3d4h``."""
    if not text:
        return ""
    end = from_datetime(_local(until)) if until else SystemClock().now()
    minutes = max(end - from_datetime(_local(text)), 0) // 60_000
    rough = minutes // 60 * 60 if minutes >= 24 * 60 else minutes
    return durations.show(rough * 60_000) if rough else "<1m"


def _local(text: str) -> datetime:
    return to_datetime(from_datetime(datetime.fromisoformat(text))).astimezone()
