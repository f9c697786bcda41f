"""Lanes of a picture: where marks and bars stand on the line of time, in its units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from daemon.core import journal as j
from daemon.core.clock import DAY, HOUR, MINUTE, Instant
from daemon.lab.scenario import Run
from daemon.lab.simulating import Simulation
from daemon.lab.story import Came, Posted
from daemon.lab.timeline import Row
from rules import durations

WIDTH = 1200.0
MARGIN = 16.0  # on both sides, so that marks at the ends are whole
LETTER = 6.4  # of a label, on average
TICKS = (
    5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 6 * HOUR, 12 * HOUR, DAY,
    7 * DAY, 30 * DAY,
)  # fmt: skip
MOST_TICKS = 13
MOST_ALERTS = 5  # with a lane of their own


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing at one instant; ``label`` is empty where there is no room for it."""

    x: float
    label: str
    title: str
    look: str  # said | person | asked | waits | skipped | came
    before: bool = False  # the label stands on the left


@dataclass(frozen=True, slots=True)
class Bar:
    """Something that lasts."""

    x: float
    width: float
    label: str
    title: str
    look: str  # status words, firing, down, waits


@dataclass
class Lane:
    """One line of the picture."""

    name: str
    note: str = ""
    bars: list[Bar] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)


class Drawing:
    """The lanes of one simulation."""

    def __init__(self, done: Simulation) -> None:
        self.done = done
        self.start = done.scenario.start
        self.span = max(done.span, MINUTE)

    def x(self, at: Instant) -> float:
        """Where an instant stands."""
        part = min(max((at - self.start) / self.span, 0.0), 1.0)
        return round(MARGIN + part * (WIDTH - 2 * MARGIN), 1)

    def ticks(self) -> list[tuple[float, str]]:
        """Lines of the time scale."""
        step = next((one for one in TICKS if self.span // one < MOST_TICKS), TICKS[-1])
        return [(self.x(self.start + at), durations.show(at)) for at in range(0, self.span + 1, step)]

    def lanes(self) -> list[Lane]:
        """All of them, from what came in to what was not done."""
        found = [
            *self._alerts(),
            *self._incidents(),
            self._people(),
            *self._channels(),
            self._questions(),
            self._not_done(),
        ]
        return [lane for lane in found if lane.bars or lane.marks or lane.note]

    def _bar(self, since: Instant, until: Instant, label: str, look: str, title: str = "") -> Bar:
        x, end = self.x(since), self.x(until)
        width = max(end - x, 2.0)
        shown = label if len(label) * LETTER + 8 < width else ""
        lasts = f"{self._at(since)} to {self._at(until)}"
        return Bar(x, round(width, 1), shown, f"{title or label}, {lasts}", look)

    def _at(self, at: Instant) -> str:
        return durations.show(max(at - self.start, 0))

    @property
    def end(self) -> Instant:
        return self.start + self.span

    def _alerts(self) -> Iterator[Lane]:
        """A lane for each of a few alerts; of many, one in which they lie over each other."""
        runs: dict[str, list[Run]] = {}
        for run in self.done.scenario.runs:
            if self.start + run.fires <= self.end:
                runs.setdefault(" ".join(f"{name}={value}" for name, value in run.labels.items()), []).append(
                    run
                )
        if len(runs) <= MOST_ALERTS:
            for labels, mine in runs.items():
                yield Lane(
                    mine[0].labels.get("alertname", "alert"),
                    labels,
                    bars=[self._firing(run, labels) for run in mine],
                )
        else:
            bars = [self._firing(run, "") for mine in runs.values() for run in mine]
            yield Lane("alerts", f"{len(runs)} of them", bars=bars)

    def _firing(self, run: Run, labels: str) -> Bar:
        until = self.end if run.resolves is None else min(self.start + run.resolves, self.end)
        return self._bar(self.start + run.fires, until, labels, "firing", labels or "an alert fires")

    def _incidents(self) -> Iterator[Lane]:
        for state in self.done.world.states():
            lane = Lane(f"INC-{state.number}", state.title)
            changes: list[tuple[Instant, str]] = []
            for told in self.done.world.story.entries(
                j.Opened, j.StatusChanged, j.Acted, j.Ended, groups=frozenset({state.id})
            ):
                match told.entry:
                    case j.Opened():
                        changes.append((told.at, "investigating"))
                    case j.StatusChanged(status=status):
                        changes.append((told.at, status.name))
                    case j.Acted(status=status) if status is not None:
                        changes.append((told.at, status.name))
                    case _:
                        pass
            for (since, word), (until, _) in zip(changes, [*changes[1:], (self.end, "")], strict=True):
                if word != "resolved":
                    lane.bars.append(self._bar(since, until, word, word))
                else:
                    lane.marks.append(
                        Mark(self.x(since), "resolved", f"resolved at {self._at(since)}", "said")
                    )
            yield lane

    def _people(self) -> Lane:
        events = self.done.world.story.events
        came = [one for one in events if isinstance(one, Came) and one.kind in {"person", "daemon", "rules"}]
        marks = [(one.at, one.text.split(":")[0], f"{one.what} {one.text}".strip()) for one in came]
        return Lane("people, daemon", marks=self._marks(marks, "person"))

    def _channels(self) -> Iterator[Lane]:
        world = self.done.world
        for name, rule in world.rules.channels.items():
            if not rule.configured:
                continue
            lane = Lane(name, f"{rule.kind}, {rule.audience.value}")
            lane.bars += self._downs(name)
            lane.bars += [
                self._bar(row.at, min(row.until or self.end, self.end), f"{row.step} waits", "waits")
                for row in self.done.rows
                if row.kind == "waits" and name in row.channels
            ]
            posts = world.story.posts.get(name, [])
            lane.marks += self._posted(posts)
            yield lane

    def _posted(self, posts: list[Posted]) -> list[Mark]:
        made = self._marks([(one.at, one.step, one.text) for one in posts], "said")
        return [
            Mark(mark.x, mark.label, mark.title, "person" if post.step == "person" else "said", mark.before)
            for mark, post in zip(made, posts, strict=True)
        ]

    def _downs(self, name: str) -> Iterator[Bar]:
        since: Instant | None = None
        for turn in sorted(self.done.scenario.turns, key=lambda one: one.at):
            at = self.start + turn.at
            if turn.channel != name or at > self.end:
                continue
            if turn.mood == "down" and since is None:
                since = at
            elif turn.mood == "up" and since is not None:
                yield self._bar(since, at, "down", "down")
                since = None
        if since is not None:
            yield self._bar(since, self.end, "down", "down")

    def _questions(self) -> Lane:
        asked = [row for row in self.done.rows if row.kind == "asked"]
        return Lane("questions", "to people", marks=self._marks(_told(asked), "asked"))

    def _not_done(self) -> Lane:
        rows = [row for row in self.done.rows if row.kind == "not done"]
        return Lane("not done", "on purpose", marks=self._marks(_told(rows), "skipped"))

    def _marks(self, items: list[tuple[Instant, str, str]], look: str) -> list[Mark]:
        """Marks in order; a label that would run into the next mark is left out, one over the edge moved."""
        marks: list[Mark] = []
        places = [self.x(at) for at, _, _ in items]
        free = 0.0
        for number, (at, label, title) in enumerate(items):
            x, room = places[number], len(label) * LETTER + 14
            following = next((one for one in places[number + 1 :] if one > x + 1), WIDTH + MARGIN)
            before = x + room > WIDTH and x - room > free
            fits = before or (x + room <= min(following, WIDTH) and x >= free)
            if fits:
                free = x if before else x + room
            marks.append(Mark(x, label if fits else "", f"{self._at(at)} {label}: {title}", look, before))
        return marks


def _told(rows: list[Row]) -> list[tuple[Instant, str, str]]:
    return [(row.at, row.step or row.what, row.what) for row in rows]
