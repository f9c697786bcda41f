"""Previews on a terminal: a card for each channel, as many side by side as the width has room for."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from daemon.cli import screen
from daemon.core.words import Audience
from daemon.preview import Preview

NARROWEST = 44
"""Columns that a card needs to read well."""

LONGEST_REST = 60
_JOINER = "\u200d"
_UNITS = {"characters": "characters", "units": "UTF-16 units", "weighted": "by X's weights", "bytes": "bytes",
          "graphemes": "characters", "segments": "segments"}  # fmt: skip
_BORDERS = {Audience.public: "green", Audience.internal: "blue"}


def print_previews(previews: Sequence[Preview], footnote: str) -> None:
    """Cards on a terminal, plain lines in a pipe."""
    out = screen.console()
    if out.is_terminal:
        for row in rows(previews, out):
            out.print(row)
        out.print(Text(footnote, style="dim"))
        return
    for one in previews:
        print(f"{one.name} ({one.kind}, {one.audience.value})")
        for line in [*_lines(one), *(str(fact) for fact in facts(one))]:
            print(f"    {line}".rstrip())
        print()
    print(footnote)


def rows(previews: Sequence[Preview], out: Console) -> Iterator[Table]:
    """Rows of cards of one width; those of a row are equally high."""
    beside = max(1, min((out.width + 1) // (NARROWEST + 1), len(previews)))
    width = (out.width - beside + 1) // beside
    for start in range(0, len(previews), beside):
        row = previews[start : start + beside]
        high = max(len(out.render_lines(_card(one), out.options.update(width=width))) for one in row)
        table = Table.grid(padding=(0, 1, 0, 0), collapse_padding=True, pad_edge=False)
        for _ in row:
            table.add_column(width=width)
        table.add_row(*(_card(one, high) for one in row))
        yield table


def _card(one: Preview, height: int | None = None) -> Panel:
    """The words above, what is to be known of them below."""
    border = _BORDERS[one.audience] if one.shown is not None else "dim"
    head = Text.assemble((_clean(one.name), "bold"), f" · {one.kind} · {one.audience.value}")
    below: list[RenderableType] = [Rule(style="dim"), *facts(one)] if one.shown is not None else [*facts(one)]
    return Panel(
        Group(*_words(one), *below), title=head, title_align="left", border_style=border,
        box=box.ROUNDED, height=height, padding=(0, 1),
    )  # fmt: skip


def _words(one: Preview) -> Iterator[Text]:
    if one.shown is None:
        return
    if one.shown.title:
        yield Text(_clean(one.shown.title), style="bold")
    yield Text(_clean(one.shown.text), overflow="fold")


def _lines(one: Preview) -> list[str]:
    if one.shown is None:
        return []
    return _clean("\n".join(part for part in (one.shown.title, one.shown.text) if part)).splitlines()


def facts(one: Preview) -> Iterator[Text]:
    """What stands under the words: length, cut, cost, recipients; or why there are no words."""
    if one.refused:
        yield Text(f"Not shown: {_clean(one.refused)}.", style="red")
        return
    if one.note:
        yield Text(_clean(one.note[:1].upper() + one.note[1:]), style="yellow")
    if one.shown is None:
        return
    yield Text(f"{_length(one)} · {'plain text' if one.markup == 'plain' else one.markup}")
    if one.left_out:
        rest = _clean(one.left_out).replace("\n", " ")
        shown = f"{rest[:LONGEST_REST].rstrip()}…" if len(rest) > LONGEST_REST else rest
        yield Text(f"cut: {len(one.left_out):,} characters, from “{shown}”", style="yellow")
    yield Text(_reach(one), style="bold yellow" if one.cost or one.recipients == 0 else "")


def _length(one: Preview) -> str:
    if one.limit is None:
        return "no limit of length"
    length = one.shown.length if one.shown is not None else None
    counted = f"{length:,} of" if length is not None else "at most"
    return f"{counted} {one.limit:,} {_UNITS.get(one.counter, one.counter)}"


def _reach(one: Preview) -> str:
    first, later = one.costs
    if not first and not later:
        cost = "free"
    elif first == later:
        cost = f"costs {first}"
    else:
        cost = f"costs {first} as an incident's first post, {later} as a later one"
    if one.recipients is None:
        return cost
    people = "1 recipient" if one.recipients == 1 else f"{one.recipients:,} recipients"
    return f"{people} · {cost}" + (f" each, {one.cost} in all" if one.cost and one.recipients != 1 else "")


def _clean(text: str) -> str:
    """Without what a terminal would obey or could not show; emoji of many parts stay whole."""
    return "".join(
        sign
        for sign in text
        if sign in ("\n", _JOINER) or unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
    )
