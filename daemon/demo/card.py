"""The score card: how the outage was told, in figures and in words."""

from __future__ import annotations

from collections import Counter

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from daemon.core.clock import to_datetime
from daemon.demo.score import Score, instant
from daemon.demo.verdict import Check, span
from daemon.demo.view import FAINT
from daemon.demo.workspace import RECIPIENTS


def card(score: Score, checks: list[Check]) -> RenderableType:
    """Figures, what customers read, and what should have been otherwise."""
    return Group(Text(), _figures(score), _texts(score), _verdict(score, checks))


def _figures(score: Score) -> RenderableType:
    kept, broken = score.promises
    mails = len(score.received["subscribers"])
    posts = {
        "page": f"{len(score.updates)} updates",
        "mail": f"{mails} to {len(RECIPIENTS)} subscribers",
        "Slack": f"{len(score.received['ops'])}, {_questions(score)} of them questions to people",
        "X": str(len(score.received["x"])),
    }
    rows = {
        "first update": f"{span(score.time_to_first)} after the first alert",
        "longest silence": span(score.longest_silence),
        "promises": f"{kept} kept, {broken} broken",
        "duplicates": str(score.duplicates),
        **{f"posts: {name}": told for name, told in posts.items()},
    }
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold")
    grid.add_column()
    for name, told in rows.items():
        grid.add_row(name, told)
    return Panel(grid, title="score card", title_align="left", border_style="yellow", padding=(0, 1))


def _texts(score: Score) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    for style in (FAINT, "bold green", ""):
        grid.add_column(style=style, vertical="top")
    told = [(instant(one["created_at"]), "page", str(one["body"])) for one in score.updates]
    told += [(one.at, "X", one.text) for one in score.received["x"]]
    for at, where, words in sorted(told):
        grid.add_row(f"{to_datetime(at):%H:%M}", where, Text(" ".join(words.split())))
    return Panel(grid, title="what customers read", title_align="left", border_style="green", padding=(0, 1))


def _questions(score: Score) -> int:
    return Counter("@here" in one.text for one in score.received["ops"])[True]


def _verdict(score: Score, checks: list[Check]) -> RenderableType:
    if score.people_took_part:
        return Text("You took part, so the story went its own way; nothing is judged.", "yellow")
    wrong = [check for check in checks if not check.good]
    if not wrong:
        return Text(f"All {len(checks)} expectations hold, judged by what really arrived.", "bold green")
    lines = [Text(f"{len(wrong)} of {len(checks)} expectations do not hold:", "bold red")]
    lines += [Text(f"  - {one.expected}: {one.seen}") for one in wrong]
    return Group(*lines)
