"""Memory and start: idle, with a thousand incidents, and with a long journal."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from bench.bodies import SERVICES, Bodies, Place
from bench.fill import fill
from bench.reach import Talk, open_incident
from bench.report import Row, judge
from bench.sink import Sink
from bench.systems import CLOCK, Tocsin

INCIDENTS, ALERTS_EACH = 1_000, 10
MEGA = 1_000_000


async def memory(folder: Path, sink: Sink) -> tuple[list[Row], Tocsin]:
    """Resident memory; the (stopped) daemon keeps its database for ``start``."""
    system = Tocsin(folder / "size", sink.port)
    async with system:
        await CLOCK.sleep(2.0)
        idle = system.rss()
        posts = len(sink.posts) + INCIDENTS
        talk, bodies = Talk(system.port), Bodies(75)
        await talk.open()
        for number in range(INCIDENTS):
            place = Place(f"service_{number % SERVICES}", f"cluster-{number // SERVICES}")
            await open_incident(talk, bodies, place, ALERTS_EACH)
        talk.close()
        await sink.post_after(posts - 1, 60.0)
        await CLOCK.sleep(1.0)
        full = system.rss()
    return [
        Row("memory, idle", _mega(idle), "100 MB", judge(("size", idle <= 100 * MEGA))),
        Row(
            f"memory, {INCIDENTS:,} open incidents, {INCIDENTS * ALERTS_EACH:,} firing alerts",
            _mega(full), "300 MB", judge(("size", full <= 300 * MEGA)),
        ),
    ], system  # fmt: skip


async def start(folder: Path, sink: Sink, full: Tocsin, entries: int, times: int) -> list[Row]:
    """Seconds from the command to the first 200 of ``/-/ready``."""
    empty = [await _start(Tocsin(folder / f"empty-{number}", sink.port)) for number in range(times)]
    await fill(full.database, entries)
    long = [await _start(full) for _ in range(times)]
    return [
        _row("start, empty", median(empty), 1.5),
        _row(
            f"start, {entries:,} journal entries, {INCIDENTS:,} open incidents,"
            f" {INCIDENTS * ALERTS_EACH:,} firing alerts",
            median(long), 3.0,
        ),
    ]  # fmt: skip


async def _start(system: Tocsin) -> float:
    seconds = await system.start()
    await system.stop()
    return seconds


def _row(measure: str, seconds: float, target: float) -> Row:
    return Row(measure, f"{seconds:.2f} s", f"{target} s", judge(("time", seconds <= target)))


def _mega(size: int) -> str:
    return f"{size / MEGA:.0f} MB"
