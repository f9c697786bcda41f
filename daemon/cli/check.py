"""`tocsin check`: configuration, rules, safety and database; with --channels the channels' own word, too."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from daemon.cli import problems, screen
from daemon.cli.lazy import NO
from daemon.cli.options import Config, Json, chosen_config
from daemon.core.errors import TocsinError
from rules.errors import LoadError, Problem
from rules.words.embedding import missing as second_layer_missing

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from channels.base import ChannelSettings
    from config.load import Configuration

app = typer.Typer(add_completion=False)

DEADLINE = 15.0
"""Seconds that a channel's check may take."""

ROOMY = 100
"""Columns of a terminal from which on what is wrong fits into the table."""

_UNREACHED = ("no connection", "no answer", "SMTPConnect", "TimeoutError")


@dataclass(slots=True)
class Report:
    """What was found; ``channels`` has name, kind, audience and what is wrong ("" when nothing is).

    ``database`` is why a start could not use it.
    """

    file: str = ""
    database: str = ""
    problems: list[Problem] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    channels: list[tuple[str, str, str, str]] = field(default_factory=list)

    @property
    def good(self) -> bool:
        wrong = [self.database, *(wrong for *_, wrong in self.channels)]
        return not problems.has_errors(self.problems) and not any(wrong)


@app.command()
def check(
    ctx: typer.Context,
    channels: Annotated[
        bool,
        typer.Option("--channels", help="Ask every channel whether it would work; posts nothing."),
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Leave the database alone.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say everything that is wrong with configuration, rules and database; exit 1 if anything is."""
    report = _look(chosen_config(ctx, config), channels=channels, database=not offline)
    if as_json:
        screen.print_json(_data(report))
    else:
        _print(report)
    if not report.good:
        raise typer.Exit(NO)


def _look(named: Path | None, *, channels: bool, database: bool) -> Report:
    from config.environment import environment  # noqa: PLC0415 - the settings load every channel's library
    from config.load import find, load  # noqa: PLC0415 - see above

    environ = environment()
    file = find(named, environ)
    report = Report(file=str(file or "the defaults"))
    try:
        configuration = load(file, environ)
    except LoadError as error:
        report.problems += error.problems
        return report
    report.notices += configuration.notices
    report.notices += [notice for notice in (second_layer_missing(),) if notice]
    report.problems += _rules(configuration)
    if database:
        _open_database(configuration, report)
    if channels:
        report.channels += asyncio.run(_ask_channels(configuration))
    return report


def _open_database(configuration: Configuration, report: Report) -> None:
    """What a start would meet, without changing anything."""
    from config import database  # noqa: PLC0415 - see above
    from daemon.storage.opening import upkeep_of  # noqa: PLC0415 - see above

    address = configuration.settings.database.get_secret_value()
    try:
        report.notices += upkeep_of(database.file_of(address), address).look().notices
    except TocsinError as error:
        report.database = str(error)


def _rules(configuration: Configuration) -> list[Problem]:
    from channels.room import rooms  # noqa: PLC0415 - see above
    from daemon.core.clock import SystemClock, to_datetime  # noqa: PLC0415 - see above
    from daemon.rule_files import configured_channels, site_of  # noqa: PLC0415 - see above
    from rules.check import check as check_rules  # noqa: PLC0415 - see above
    from rules.check_texts import Room  # noqa: PLC0415 - see above

    settings = configuration.settings
    return check_rules(
        configuration.rule_files,
        site=site_of(settings),
        configured=configured_channels(settings),
        today=to_datetime(SystemClock().now()).date(),
        rooms={kind: Room(*room) for kind, room in rooms().items()},
    )


async def _ask_channels(configuration: Configuration) -> list[tuple[str, str, str, str]]:
    """All at once: a silent one costs its own deadline and nobody else's."""
    from channels.http import open_session  # noqa: PLC0415 - see above
    from channels.registry import kind_of  # noqa: PLC0415 - see above

    channels = configuration.settings.channels
    async with open_session() as session:
        found = await asyncio.gather(*(_ask(one, session) for one in channels))
    return [
        (one.name, kind_of(one), one.audience.value, wrong)
        for one, wrong in zip(channels, found, strict=True)
    ]


async def _ask(settings: ChannelSettings, session: ClientSession) -> str:
    """What is wrong with one channel; empty when nothing is."""
    from channels.registry import STATUS_PAGE, build, kind_of  # noqa: PLC0415 - see above
    from daemon.core.clock import SystemClock  # noqa: PLC0415 - see above

    if kind_of(settings) == STATUS_PAGE:
        return ""
    channel = build(settings, session, SystemClock())
    try:
        async with asyncio.timeout(DEADLINE):
            return await channel.check() or ""
    except TimeoutError:
        return f"no answer within {DEADLINE:g} s"
    except Exception as error:  # noqa: BLE001 - a fault in one kind must not hide what the others answer
        return f"this is a fault of tocsin ({type(error).__name__}); leave it out and report it"
    finally:
        await channel.close()


def _data(report: Report) -> dict[str, object]:
    return {
        "good": report.good,
        "file": report.file,
        "problems": problems.as_data(report.problems),
        "notices": report.notices,
        "database": report.database or None,
        "channels": [
            {
                "name": name,
                "kind": kind,
                "audience": audience,
                "wrong": wrong,
                "remedy": _remedy(kind, wrong) if wrong else "",
            }
            for name, kind, audience, wrong in report.channels
        ],
    }


def _print_channels(channels: list[tuple[str, str, str, str]]) -> None:
    """What is wrong stands in the table, or below it where the terminal has no room."""
    out = screen.console()
    roomy = not out.is_terminal or out.width >= ROOMY
    said = {name: f"{wrong}; {_remedy(kind, wrong)}" for name, kind, _, wrong in channels if wrong}
    rows = [
        (name, kind, audience, (said[name] if roomy else "wrong") if wrong else "good")
        for name, kind, audience, wrong in channels
    ]
    screen.print_table(("!channel", "!kind", "!audience", "result"), rows, empty="")
    for name, what in () if roomy else said.items():
        screen.paragraph(f"{name}: {what}", indent=1)
        screen.paragraph("")


def _remedy(kind: str, wrong: str) -> str:
    reach = "is its address right, and may this machine reach it? " if wrong.startswith(_UNREACHED) else ""
    return f"{reach}see docs/channels/{kind}.md"


def _print(report: Report) -> None:
    problems.print_problems(report.problems)
    for notice in report.notices:
        screen.line(f"notice: {notice}")
    screen.line(report.database)
    if report.channels:
        _print_channels(report.channels)
    screen.line(f"{report.file}: {'good' if report.good else 'not good'}")
