"""A simulation as one page of HTML: lanes on a line of time, and every line with its words below.

Nothing is loaded from anywhere and no script runs: the file can be attached to a review.
"""

from __future__ import annotations

from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from daemon.core.clock import Instant, to_datetime
from daemon.lab.lanes import WIDTH, Drawing
from daemon.lab.simulating import Simulation
from daemon.lab.timeline import Row
from rules import durations

LANE = 52  # height of a lane in the drawing's units, the same as in the sheet
TOP = 28  # of the time scale


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("daemon.lab"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("simulation.html")


def page_of(done: Simulation) -> str:
    """The whole document."""
    drawing = Drawing(done)
    lanes = drawing.lanes()
    zone = ZoneInfo(done.world.rules.site.time_zone)
    start = done.scenario.start
    return _template().render(
        name=done.scenario.name,
        start=f"{to_datetime(start).astimezone(zone):%A, %d %B %Y, %H:%M %Z}",
        span=durations.show(done.span),
        lanes=lanes,
        ticks=drawing.ticks(),
        width=WIDTH,
        lane=LANE,
        top=TOP,
        height=TOP + LANE * len(lanes),
        rows=[_row(done, row, zone) for row in done.rows],
        coming=[(incident, step, durations.show(at - start)) for incident, step, at in done.coming],
        counts=_counts(done),
    )


def _row(done: Simulation, row: Row, zone: ZoneInfo) -> dict[str, Any]:
    texts: dict[str, list[str]] = {}
    for channel, text in (row.texts or {}).items():
        texts.setdefault(text, []).append(channel)
    return {
        "at": durations.show(row.at - done.scenario.start),
        "clock": _clock(row.at, zone),
        "incident": done.timeline.incident(row.group),
        "kind": row.kind,
        "what": row.what,
        "rule": row.rule,
        "texts": [(", ".join(channels), text) for text, channels in texts.items()],
    }


def _clock(at: Instant, zone: ZoneInfo) -> str:
    return f"{to_datetime(at).astimezone(zone):%H:%M:%S}"


def _counts(done: Simulation) -> list[tuple[str, int]]:
    """The figures above the picture."""
    posts = sum(len(posts) for posts in done.world.story.posts.values())
    kinds = {"questions": "asked", "not done": "not done"}
    counted = [(label, sum(row.kind == kind for row in done.rows)) for label, kind in kinds.items()]
    states = done.world.states()
    return [
        ("incidents", len(states)),
        ("posts", posts),
        *counted,
        ("promises kept", sum(state.promises_kept for state in states)),
        ("promises broken", sum(state.promises_broken for state in states)),
    ]
