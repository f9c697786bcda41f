"""The live view: one terminal screen that shows the story while it happens."""

from __future__ import annotations

from rich.align import Align
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.layout import Layout
from rich.padding import Padding
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from daemon.core.clock import HOUR, MINUTE, Instant, Span, to_datetime
from daemon.core.promise import shown
from daemon.core.words import Status
from daemon.demo.stage import LEAD, Stage
from daemon.demo.story import Event, Kind

COLOURS = {
    Kind.alert: "bold red",
    Kind.incident: "bold white",
    Kind.page: "bold green",
    Kind.mail: "bold blue",
    Kind.slack: "bold magenta",
    Kind.nag: "bold yellow",
    Kind.veto: "bold yellow",
    Kind.x: "bold cyan",
    Kind.person: "bold white",
    Kind.trouble: "bold white on red",
}
FAINT = "grey62"
INSIDE = (Kind.slack, Kind.nag)
WIDE, TALL = 110, 30
"""From this size on there is room for what customers see beside the timeline."""

_STATUS = {
    Status.investigating: "red",
    Status.identified: "yellow",
    Status.monitoring: "cyan",
    Status.resolved: "green",
}


class View:
    """Draws the stage as it is now."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, options.height or console.height
        log = Layout(self._log(), name="log")
        large = width >= WIDE and height >= TALL
        middle = Layout(name="middle") if large else log
        if large:
            middle.split_row(Layout(log, ratio=5), Layout(self._customers(), ratio=3))
        layout = Layout()
        foot = Layout(self._foot(join=large), size=4 if large else 3)
        layout.split_column(Layout(self._head(), size=3), middle, foot)
        yield layout

    # -- the parts ---------------------------------------------------------

    def _head(self) -> RenderableType:
        stage = self.stage
        now, length = stage.clock.now(), stage.ends - stage.story.began
        row = Table.grid(expand=True)
        row.add_column()
        row.add_column(justify="right")
        title = Text.assemble(
            (" TOCSIN ", "bold black on yellow"),
            "  a recorded outage, ",
            (f"{stage.speed:g}x", "bold"),
            " as fast",
        )
        row.add_row(title, Text.assemble((f"{to_datetime(now):%H:%M:%S}", "bold"), " UTC "))
        passed = min(now - stage.story.began, length)
        bar = ProgressBar(length, passed, complete_style=self._colour(), finished_style="green")
        line = Table.grid(expand=True, padding=(0, 1))
        line.add_column(ratio=1)
        line.add_column(justify="right", no_wrap=True)
        line.add_row(bar, self._standing())
        return Group(row, line, Text())

    def _standing(self) -> Text:
        group = self.stage.story.group
        if group is None or group.opened_at is None:
            firing = self.stage.story.first_alert is not None
            return Text("alert pending", "yellow") if firing else Text("all is well", "green")
        if group.phase != "open":
            return Text("resolved", "bold green")
        age = span(self.stage.clock.now() - group.opened_at)
        return Text.assemble((group.status.name, f"bold {self._colour()}"), f", open for {age}")

    def _colour(self) -> str:
        group = self.stage.story.group
        if group is None or group.opened_at is None:
            return "green" if self.stage.story.first_alert is None else "yellow"
        return _STATUS[group.status]

    def _log(self) -> RenderableType:
        return Panel(
            Tail([entry_lines(event, self.stage.story.began) for event in self.stage.story.events]),
            title="what happens", title_align="left", border_style=FAINT, padding=(0, 1),
        )  # fmt: skip

    def _customers(self) -> RenderableType:
        story = self.stage.story
        layout = Layout()
        newest = {kind: _newest(story.events, kind) for kind in (Kind.page, Kind.x)}
        asked = next(
            (event for event in reversed(story.events) if event.kind in INSIDE and event.words), None
        )
        layout.split_column(
            Layout(_card("status page", newest[Kind.page], "All systems operational.", "green"), ratio=4),
            Layout(_card("X", newest[Kind.x], "Nothing: only a long outage goes there.", "cyan"), ratio=3),
            Layout(_card("Slack #ops", asked, "Quiet.", "magenta"), ratio=3),
        )
        return layout

    def _foot(self, *, join: bool) -> RenderableType:
        ledgers, story = self.stage.ledgers, self.stage.story
        page = sum(event.kind is Kind.page for event in story.events)
        counts = Text("  ").join(
            Text.assemble((f" {count} ", f"bold black on {colour}"), f" {name}")
            for count, name, colour in (
                (page, "on the page", "green"),
                (len(ledgers["subscribers"].receipts), "mails", "blue"),
                (len(ledgers["ops"].receipts), "in Slack", "magenta"),
                (len(ledgers["x"].receipts), "on X", "cyan"),
            )
        )
        last = Table.grid(expand=True)
        last.add_column()
        last.add_column(justify="right", style=FAINT)
        last.add_row(
            Text.assemble("Page: ", (self.stage.workspace.page_url, "bold underline")), "Ctrl-C ends"
        )
        lines: list[RenderableType] = [counts, self._next()]
        if join:
            command = f"tocsin -c {self.stage.workspace.file} incident update INC-1"
            lines.append(Text(f"Join in from another terminal: {command}", FAINT))
        return Padding(Group(*lines, last), (0, 1))

    def _next(self) -> Text:
        group, now = self.stage.story.group, self.stage.clock.now()
        if group is None or group.opened_at is None:
            return Text("Waiting for the outage to be confirmed: two minutes, by the rules.", FAINT)
        if group.phase != "open":
            return Text("It is over. Customers were told, and every promise is settled.", "green")
        for pending in group.waiting.values():
            left = span(pending.until - now)
            return Text(
                f"The post on {', '.join(pending.posts).upper()} leaves in {left} unless somebody vetoes it.",
                "yellow",
            )
        if group.promise is not None:
            due = shown(group.promise)
            return Text.assemble(
                "Promised: next update by ", (f"{to_datetime(due):%H:%M}", "bold"), f", in {span(due - now)}"
            )
        if group.status is Status.monitoring:
            return Text("Watching whether it stays well before saying so.", "cyan")
        return Text("A person has spoken; the rules ask again in time.", "cyan")


class Tail:
    """The newest entries that fit, the newest at the bottom."""

    def __init__(self, entries: list[RenderableType]) -> None:
        self.entries = entries

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = options.height or options.max_height
        shown: list[RenderableType] = []
        inner = options.update(height=None)
        for entry in reversed(self.entries):
            lines = console.render_lines(entry, inner, pad=False)
            if len(lines) > room:
                break
            room -= len(lines)
            shown.append(entry)
        yield Group(*reversed(shown))


def entry_lines(event: Event, began: Instant) -> RenderableType:
    """One event: when, what about, what, and the words in grey below."""
    grid = Table.grid(expand=True, padding=(0, 1, 0, 0))
    grid.add_column(width=5, style=FAINT)
    grid.add_column(width=5, justify="right", style=FAINT)
    grid.add_column(width=8)
    grid.add_column(ratio=1)
    text = Text(event.title)
    if event.words:
        public = event.kind in (Kind.page, Kind.x)
        # What customers read is shown whole; of a question inside, the first sentence.
        words = event.words if public else event.words.partition(". ")[0].removesuffix(".")
        text.append(f"\n{words}", "italic" if public else FAINT)
    label = Text(event.kind.value, COLOURS[event.kind])
    grid.add_row(f"{to_datetime(event.at):%H:%M}", offset(event.at - began - LEAD), label, text)
    return grid


def _newest(events: list[Event], kind: Kind) -> Event | None:
    return next((event for event in reversed(events) if event.kind is kind), None)


def _card(title: str, event: Event | None, empty: str, colour: str) -> RenderableType:
    if event is None:
        body: RenderableType = Align.center(Text(empty, FAINT), vertical="middle")
    else:
        body = Text.assemble(
            (event.title, f"bold {colour}"), f"  {to_datetime(event.at):%H:%M}\n\n", event.words
        )
    return Panel(
        body, title=title, title_align="left", border_style=colour if event else FAINT, padding=(0, 1)
    )


def offset(length: Span) -> str:
    """How far into the outage.

    >>> offset(125 * 60_000)
    '+2:05'
    """
    return f"+{max(length, 0) // HOUR}:{max(length, 0) // MINUTE % 60:02d}"


def span(length: Span) -> str:
    """A span for a glance.

    >>> span(125 * 60_000), span(59_000)
    ('2 h 5 min', '59 s')
    """
    if length < MINUTE:
        return f"{max(length, 0) // 1000} s"
    hours, minutes = divmod(length // MINUTE, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
