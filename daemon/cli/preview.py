"""`tocsin preview`: what every channel would show of a text or of an incident's last update."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli import screen
from daemon.cli.client import in_path
from daemon.cli.incident import Components, ImpactWord, StatusWord
from daemon.cli.options import Config, Json, chosen_config, connect, incident_name
from daemon.cli.preview_post import Poster, of_incident, of_text
from daemon.cli.writing import words
from daemon.core.clock import SystemClock
from daemon.core.errors import BadInput
from daemon.core.words import Audience
from rules.errors import LoadError

if TYPE_CHECKING:
    from channels.base import ChannelSettings
    from config.load import Configuration
    from config.settings import Settings
    from daemon.preview import Preview

app = typer.Typer(add_completion=False)

EXAMPLE_TITLE = "Title of the incident"
EXAMPLES = "The incident's number, title and address are examples; nothing was sent."
NOTHING_SENT = "Nothing was sent."
_INCIDENT = re.compile(r"(?:INC-)?[0-9]{1,9}", re.IGNORECASE)


What = Annotated[
    str,
    typer.Argument(
        metavar="TEXT|INC-42",
        help="Words, - to read them from standard input, or an incident: its last update.",
    ),
]
Title = Annotated[str, typer.Option("--title", metavar="TITLE", show_default=False, help="Its title.")]
Stands = Annotated[
    StatusWord | None, typer.Option("--status", show_default="investigating", help="Where it stands.")
]
Felt = Annotated[ImpactWord | None, typer.Option("--impact", show_default="minor", help="How bad it is.")]
Internal = Annotated[bool, typer.Option("--internal", help="The words are for people inside.")]
Later = Annotated[bool, typer.Option("--later", help="Not an incident's first post, but a later one.")]
To = Annotated[
    list[str] | None,
    typer.Option("--to", metavar="CHANNEL", show_default=False, help="Only this one. Repeatable."),
]


@app.command()
def preview(
    ctx: typer.Context,
    what: What,
    title: Title = "",
    status: Stands = None,
    impact: Felt = None,
    component: Components = None,
    internal: Internal = False,
    later: Later = False,
    to: To = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show what each channel would say, how long that is, what is cut, and what it costs; sends nothing."""
    configuration = _configuration(chosen_config(ctx, config))
    page, names = configuration.settings.page, _component_names(configuration)
    of_one = _INCIDENT.fullmatch(what) is not None
    if of_one:
        _goes_with_a_text(
            title=title, status=status, impact=impact, component=component, internal=internal, later=later
        )
        found = connect(ctx, config).get(f"/incidents/{in_path(incident_name(what))}")
        poster = of_incident(found, page.name, names)
    else:
        poster = of_text(
            _said(what), page=(page.name, page.url), at=SystemClock().now(),
            title=title or EXAMPLE_TITLE, status=status or "investigating", impact=impact or "minor",
            components=tuple(names.get(one, one) for one in component or ()),
            audience=Audience.internal if internal else Audience.public, first=not later,
        )  # fmt: skip
    previews = asyncio.run(_previews(_chosen(configuration.settings, to), poster))
    if as_json:
        screen.print_json(_data(previews))
        return
    from daemon.cli.preview_cards import print_previews  # noqa: PLC0415 - rich takes its time, too

    print_previews(previews, NOTHING_SENT if of_one else EXAMPLES)


def _configuration(named: Path | None) -> Configuration:
    from config.environment import environment  # noqa: PLC0415 - the settings load every channel's library
    from config.load import find, load  # noqa: PLC0415 - see above

    environ = environment()
    return load(find(named, environ), environ)


def _said(what: str) -> str:
    text = words(what, "", needed=True).strip()
    if not text:
        raise BadInput("there are no words to show: give a text, - to read it, or an incident such as INC-42")
    return text


def _goes_with_a_text(**given: object) -> None:
    """Refuse options that an incident answers itself."""
    for name, value in given.items():
        if value:
            raise BadInput(f"--{name} goes with a text; a number means an incident, which is shown as it is")


def _component_names(configuration: Configuration) -> dict[str, str]:
    """What the rules call the components; nothing if they cannot be loaded: `tocsin check` says why."""
    from daemon.rule_files import load_current  # noqa: PLC0415 - see above

    try:
        rules = load_current(configuration.settings, configuration.rule_files)
    except LoadError:
        return {}
    return {name: one.name for name, one in rules.components.items()}


def _chosen(settings: Settings, to: list[str] | None) -> list[ChannelSettings]:
    known = {one.name: one for one in settings.channels}
    for name in to or ():
        if name not in known:
            raise BadInput(f"there is no channel {name!r}; there are {', '.join(known)}")
    return [one for one in known.values() if not to or one.name in to]


async def _previews(channels: list[ChannelSettings], poster: Poster) -> list[Preview]:
    from channels.http import open_session  # noqa: PLC0415 - see above
    from channels.registry import STATUS_PAGE, build, kind_of  # noqa: PLC0415 - see above
    from daemon.preview import Preview, page_preview, preview  # noqa: PLC0415 - see above

    found = []
    async with open_session() as session:
        for one in channels:
            wanted = poster(one.name, one.audience)
            if wanted is None:
                why = "this update did not go here, and has no public words"
                found.append(Preview(one.name, kind_of(one), one.audience, None, refused=why))
            elif kind_of(one) == STATUS_PAGE:
                found.append(replace(page_preview(one.name, wanted.post), note=wanted.note))
            else:
                channel = build(one, session, SystemClock())
                found.append(replace(preview(channel, wanted.post), note=wanted.note))
                await channel.close()
    return found


def _data(previews: list[Preview]) -> dict[str, Any]:
    return {
        "channels": [
            {
                "name": one.name,
                "kind": one.kind,
                "audience": one.audience.value,
                "refused": one.refused or None,
                "note": one.note or None,
                "title": one.shown.title if one.shown else None,
                "text": one.shown.text if one.shown else None,
                "length": one.shown.length if one.shown else None,
                "limit": one.limit,
                "counter": one.counter,
                "markup": one.markup,
                "cut": one.left_out or None,
                "recipients": one.recipients,
                "cost": str(one.cost),
                "cost_first": str(one.costs[0]),
                "cost_later": str(one.costs[1]),
            }
            for one in previews
        ]
    }
