"""Runs the demo from the first alert to the score card, on a terminal or as plain lines."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.text import Text

from daemon.core.clock import to_datetime
from daemon.demo.card import card
from daemon.demo.score import Score, collect
from daemon.demo.stage import LEAD, Stage
from daemon.demo.story import Event
from daemon.demo.verdict import Check, judge
from daemon.demo.view import FAINT, View, entry_lines, offset

FRAME = 0.1  # seconds between two pictures


@dataclass(frozen=True, slots=True)
class Options:
    """``refuse`` names channels whose stand-in takes nothing."""

    speed: float = 60.0
    plain: bool = False
    refuse: frozenset[str] = frozenset()


async def show(options: Options, console: Console) -> int:
    """The exit code: 0 when the story went as it should, else 1."""
    stop = asyncio.Event()
    with _signals(stop):
        async with Stage(options.speed, options.refuse) as stage:
            telling = _plainly(stage, console) if options.plain else _live(stage, console)
            async with telling:
                ended = await _unless(stop, stage.play())
            if not ended:
                console.print("Stopped before the end; nothing was judged.")
                return 1 if options.plain else 0
            score = await collect(stage)
            checks = judge(score)
            if options.plain:
                _list(checks, console)
            console.print(card(score, checks))
            if not options.plain:
                await _stay(stage, console, stop)
    return _code(score, checks)


def _code(score: Score, checks: list[Check]) -> int:
    return 0 if score.people_took_part or all(check.good for check in checks) else 1


async def _unless(stop: asyncio.Event, work: Awaitable[None]) -> bool:
    """Whether the work came to its end before somebody stopped it."""
    task, stopped = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    for one in (task, stopped):
        one.cancel()
    results = await asyncio.gather(task, stopped, return_exceptions=True)
    if isinstance(results[0], Exception):
        raise results[0]
    return not isinstance(results[0], BaseException)


@contextlib.asynccontextmanager
async def _plainly(stage: Stage, console: Console) -> AsyncIterator[None]:
    """A line for each event as it comes."""

    def line(event: Event) -> None:
        when = f"{to_datetime(event.at):%H:%M} {offset(event.at - stage.story.began - LEAD):>5}"
        words = f" | {event.words}" if event.words else ""
        console.print(f"{when}  {event.kind.value:<8}  {event.title}{words}", markup=False, soft_wrap=True)

    console.print(f"The page: {stage.workspace.page_url}", soft_wrap=True)
    stage.story.listeners.append(line)
    yield


@contextlib.asynccontextmanager
async def _live(stage: Stage, console: Console) -> AsyncIterator[None]:
    """The whole terminal while it lasts; afterwards the story stands in the scroll-back."""
    view = View(stage)
    with Live(view, console=console, screen=True, auto_refresh=False) as live:

        async def draw() -> None:
            while True:
                live.refresh()
                await stage.machine.sleep(FRAME)

        drawing = asyncio.create_task(draw())
        try:
            yield
        finally:
            drawing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await drawing
    for event in stage.story.events:
        console.print(entry_lines(event, stage.story.began))


def _list(checks: list[Check], console: Console) -> None:
    console.print()
    for check in checks:
        told = f"ok    {check.expected}" if check.good else f"NOT   {check.expected}: {check.seen}"
        console.print(told, markup=False, soft_wrap=True)


async def _stay(stage: Stage, console: Console, stop: asyncio.Event) -> None:
    """The daemon goes on, now at the usual pace, until somebody has seen enough."""
    console.print()
    console.print(Text.assemble("The page is still there: ", (stage.workspace.page_url, "bold underline")))
    console.print(Text(f"Ask the daemon: tocsin -c {stage.workspace.file} incident show INC-1", FAINT))
    console.print("Ctrl-C ends the demo and removes everything.")
    await stop.wait()


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    try:
        yield
    finally:
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(name)
