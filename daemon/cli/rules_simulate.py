"""`tocsin rules simulate`: a scenario in virtual time, told line by line or drawn as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from daemon.cli import screen
from daemon.cli.lazy import NO
from daemon.cli.options import Config, Json
from daemon.cli.rules_sources import played, shelf_of
from daemon.core.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from daemon.core.clock import Span
    from daemon.lab.scenario import Scenario
    from daemon.lab.scenario_file import ScenarioFile
    from daemon.lab.simulating import Simulation


def simulate(
    ctx: typer.Context,
    scenario: Annotated[Path, typer.Argument(metavar="SCENARIO", help="A scenario, or a test file.")],
    span: Annotated[str, typer.Option("--for", metavar="SPAN", help="How long, such as 6h.")] = "6h",
    test: Annotated[
        str | None,
        typer.Option("--test", metavar="NAME", show_default=False, help="The test of a test file."),
    ] = None,
    rules: Annotated[
        list[Path] | None,
        typer.Option("--rules", metavar="FILE", show_default=False,
                     help="Rule files in the place of those that the scenario names. Repeatable."),
    ] = None,
    texts: Annotated[bool, typer.Option("--texts", help="Print the words, too.")] = False,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", show_default=False, help="Draw it as one page."),
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Play a scenario in virtual time: what is said, asked, waited for and not done, and why."""
    from daemon.lab.scenario_file import read_file  # noqa: PLC0415 - the rule engine is slow to load

    file = read_file(scenario)
    chosen = _chosen(file, test)
    done = played(_play(ctx, config, file, chosen, rules or [], _span(span)))
    if html is not None:
        _write(html, done)
    if as_json:
        _print_json(done)
    elif html is None or texts:
        for line in _lines(done, texts=texts):
            print(screen.plain(line))
    for line in _troubles(file, done):
        print(screen.plain(line))
    if done.troubles:
        raise typer.Exit(NO)


def _span(text: str) -> Span:
    from rules import durations  # noqa: PLC0415 - see above

    try:
        return durations.parse(text)
    except durations.DurationError as error:
        raise BadInput(f"--for: {error}") from error


def _chosen(file: ScenarioFile, name: str | None) -> Scenario:
    """The scenario of a file, or one test of it."""
    from rules.schema_fields import did_you_mean  # noqa: PLC0415 - see above

    names = [one.name for one in file.scenarios]
    if name is None and len(names) == 1:
        return file.scenarios[0]
    if name is None:
        raise BadInput(f"{file.document.file} has {len(names)} tests: name one with --test")
    if name not in names:
        raise BadInput(f"{file.document.file} has no test {name!r}; {did_you_mean(name, names)}")
    return file.scenarios[names.index(name)]


async def _play(
    ctx: typer.Context,
    config: Path | None,
    file: ScenarioFile,
    scenario: Scenario,
    rules: list[Path],
    span: Span,
) -> Simulation:
    from daemon.lab.simulating import simulate as play  # noqa: PLC0415 - see above
    from daemon.lab.testing import Suite  # noqa: PLC0415 - see above

    named = bool(rules) or bool(scenario.rule_files)
    shelf, configured = shelf_of(ctx, config, needed=not named)
    suite = Suite([file], shelf, tuple(rules or configured), replaced=bool(rules))
    suite.check()
    return await play(scenario, lambda names: suite.load(file, names), span)


def _write(file: Path, done: Simulation) -> None:
    from daemon.lab.picture import page_of  # noqa: PLC0415 - see above

    try:
        file.write_text(page_of(done), encoding="utf-8")
    except OSError as error:
        raise Unavailable(f"{file} cannot be written: {error.strerror}") from error


def _print_json(done: Simulation) -> None:
    from daemon.core.clock import to_iso  # noqa: PLC0415 - see above
    from daemon.lab.timeline import data_of  # noqa: PLC0415 - see above

    start = done.scenario.start
    screen.print_json(
        {
            "name": done.scenario.name,
            "start": to_iso(start),
            "seconds": done.span / 1000,
            "timeline": data_of(done.rows, done.timeline, start),
            "coming": [
                {"incident": incident, "step": step, "at": (at - start) / 1000}
                for incident, step, at in done.coming
            ],
        }
    )


def _lines(done: Simulation, *, texts: bool) -> Iterator[str]:
    """The timeline as text: span, time of day, incident, what, and the rule behind it."""
    from daemon.core.clock import to_datetime  # noqa: PLC0415 - see above
    from rules import durations  # noqa: PLC0415 - see above

    start, zone = done.scenario.start, done.world.rules.site.time_zone
    yield f"{done.scenario.name}: from {to_datetime(start):%Y-%m-%d %H:%M} UTC, {durations.show(done.span)}"
    cells = [
        [
            durations.show(row.at - start),
            _clock(row.at, zone),
            done.timeline.incident(row.group),
            row.what,
            row.rule,
        ]
        for row in done.rows
    ]
    widths = [max((len(cell[column]) for cell in cells), default=0) for column in range(3)]
    widths.append(min(max((len(cell[3]) for cell in cells), default=0), 76))
    for row, cell in zip(done.rows, cells, strict=True):
        yield "  ".join(part.ljust(width) for part, width in zip(cell, [*widths, 0], strict=True)).rstrip()
        yield from _words(row.texts or {}, sum(widths[:3]) + 6) if texts else ()
    for incident, step, at in done.coming:
        yield f"next, if nothing comes in: {incident} {step} at {durations.show(at - start)}"


def _clock(at: int, zone: str) -> str:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - see above

    from daemon.core.clock import to_datetime  # noqa: PLC0415 - see above

    return f"{to_datetime(at).astimezone(ZoneInfo(zone)):%H:%M:%S}"


def _words(texts: object, indent: int) -> Iterator[str]:
    """Each text once, with the channels that have it."""
    import textwrap  # noqa: PLC0415 - see above

    channels: dict[str, list[str]] = {}
    for channel, text in dict(texts).items():  # type: ignore[call-overload]
        channels.setdefault(text, []).append(channel)
    for text, names in channels.items():
        shown = f"[{', '.join(names)}] {text}"
        yield textwrap.indent(textwrap.fill(shown, 76), " " * indent)


def _troubles(file: ScenarioFile, done: Simulation) -> Sequence[str]:
    from rules import durations  # noqa: PLC0415 - see above

    return [
        f"{file.document.file}:{line}:{column}: at {durations.show(one.at)}: {one.message}"
        for one in done.troubles
        for line, column in [file.where(one.place)]
    ]
