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

if TYPE_CHECKING:
    from config.load import Configuration

app = typer.Typer(add_completion=False)

DEADLINE = 15.0
"""Seconds that a channel's check may take."""


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
        typer.Option("--channels", help="Ask every channel whether it would work."),
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
    from daemon.core.clock import SystemClock, to_datetime  # noqa: PLC0415 - see above
    from daemon.rule_files import configured_channels, site_of  # noqa: PLC0415 - see above
    from rules.check import check as check_rules  # noqa: PLC0415 - see above

    settings = configuration.settings
    return check_rules(
        configuration.rule_files,
        site=site_of(settings),
        configured=configured_channels(settings),
        today=to_datetime(SystemClock().now()).date(),
    )


async def _ask_channels(configuration: Configuration) -> list[tuple[str, str, str, str]]:
    import aiohttp  # noqa: PLC0415 - see above

    from channels.registry import STATUS_PAGE, build, kind_of  # noqa: PLC0415 - see above
    from daemon.core.clock import SystemClock  # noqa: PLC0415 - see above

    found = []
    async with aiohttp.ClientSession(trust_env=False) as session:
        for one in configuration.settings.channels:
            wrong = ""
            if kind_of(one) != STATUS_PAGE:
                channel = build(one, session, SystemClock())
                try:
                    async with asyncio.timeout(DEADLINE):
                        wrong = await channel.check() or ""
                except TimeoutError:
                    wrong = f"no answer within {DEADLINE:.0f} s"
                finally:
                    await channel.close()
            found.append((one.name, kind_of(one), one.audience.value, wrong))
    return found


def _data(report: Report) -> dict[str, object]:
    return {
        "good": report.good,
        "file": report.file,
        "problems": problems.as_data(report.problems),
        "notices": report.notices,
        "database": report.database or None,
        "channels": [
            {"name": name, "kind": kind, "audience": audience, "wrong": wrong}
            for name, kind, audience, wrong in report.channels
        ],
    }


def _print(report: Report) -> None:
    problems.print_problems(report.problems)
    for notice in report.notices:
        screen.line(f"notice: {notice}")
    screen.line(report.database)
    if report.channels:
        rows = [(*known, wrong or "good") for *known, wrong in report.channels]
        screen.print_table(("!channel", "!kind", "!audience", "check"), rows, empty="")
    screen.line(f"{report.file}: {'good' if report.good else 'not good'}")
