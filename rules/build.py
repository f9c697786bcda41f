"""From checked blocks to the objects of rules.model: channels, components, people, windows, limits.

Every builder returns what is right and notes what is not; nothing is raised.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from daemon.core.words import Audience
from rules.declared import Declared, Gathered
from rules.model import ChannelRule, Component, Flapping, Limits, Person, Site
from rules.schema import ChannelBlock
from rules.schema_fields import did_you_mean
from rules.texts import BUILT_IN, TextBook, check_template
from rules.windows import IntervalWindow
from rules.yaml_source import Document, Path

UNKNOWN, BAD_TEXT, BAD_CHANNEL, CYCLE, PUBLIC_QUESTION = "R010", "R014", "R016", "R019", "R020"
NOT_POSSIBLE, NOT_BUILT, LEFT_OUT = "R007", "R022", "R030"


class ConfiguredChannel(NamedTuple):
    """What the daemon's configuration says of one channel."""

    kind: str
    audience: Audience = Audience.public


Configured = Mapping[str, tuple[str, Audience]]  # by channel id; the values are ConfiguredChannel or as good


def refer(
    gathered: Gathered, place: tuple[Document, Path], name: str, known: Iterable[str], what: str
) -> bool:
    """Whether the name is declared; notes an unknown one."""
    known = list(known)
    if name in known:
        return True
    otherwise = f"there is {', '.join(known)}" if known else f"declare it under {what}s"
    gathered.add(place, f"there is no {what} {name!r}", did_you_mean(name, known, otherwise), code=UNKNOWN)
    return False


def channels(gathered: Gathered, configured: Configured | None) -> dict[str, ChannelRule]:
    """The declared channels, bound to the configuration (None: no configuration at hand, all count)."""
    made: dict[str, ChannelRule] = {}
    for key, one in gathered.channels.items():
        block = one.block
        bound = None if configured is None else configured.get(key)
        if configured is not None and bound is None:
            _not_configured(gathered, one, configured)
        if bound is not None:
            _must_agree(gathered, one, bound)
        made[key] = ChannelRule(
            key, block.kind, Audience(block.audience), block.optional, configured is None or bound is not None
        )
    return made


def _not_configured(gathered: Gathered, one: Declared[ChannelBlock], configured: Configured) -> None:
    if one.block.optional:
        asked = " and nobody can be asked there" if one.block.audience == Audience.internal else ""
        message = f"the optional channel {one.id} is not configured: its steps are left out{asked}"
        gathered.add(one.at(), message, code=LEFT_OUT, severity="warning", at_key=True, subject=one.id)
        return
    remedy = did_you_mean(one.id, configured, "add it there, or write optional: true here")
    message = "is not in the daemon's configuration"
    gathered.add(one.at(), message, remedy, code=BAD_CHANNEL, at_key=True)


def _must_agree(gathered: Gathered, one: Declared[ChannelBlock], bound: tuple[str, Audience]) -> None:
    kind, audience = bound
    for key, written, real in (("kind", one.block.kind, kind), ("audience", one.block.audience, audience)):
        if written != real:
            message = f"is {written} here and {real} in the daemon's configuration"
            gathered.add(one.at(key), message, f"write {key}: {real}, or change it there", code=BAD_CHANNEL)


def components(gathered: Gathered) -> dict[str, Component]:
    made: dict[str, Component] = {}
    for key, one in gathered.components.items():
        block = one.block
        for number, upstream in enumerate(block.depends_on):
            refer(gathered, one.at("depends_on", number), upstream, gathered.known("components"), "component")
        made[key] = Component(
            key,
            block.name,
            block.group,
            tuple(block.matchers),
            block.customers_cannot,
            block.description,
            tuple(block.depends_on),
        )
    _refuse_cycles(gathered, made)
    return made


def _refuse_cycles(gathered: Gathered, made: Mapping[str, Component]) -> None:
    """A component that depends on itself, directly or not, would suppress itself."""
    for key, component in made.items():
        seen: set[str] = set()
        upstream = list(component.depends_on)
        while upstream:
            name = upstream.pop()
            if name not in seen and name in made:
                seen.add(name)
                upstream.extend(made[name].depends_on)
        if key in seen:
            place = gathered.components[key].at("depends_on")
            gathered.add(place, f"{key} depends on itself", "remove one of the links", code=CYCLE)
        elif component.depends_on and all(name in made for name in component.depends_on):
            _not_built(gathered, gathered.components[key].at("depends_on"), "depends_on")


def people(gathered: Gathered, made: Mapping[str, ChannelRule]) -> dict[str, Person]:
    """Everybody who can be asked; somebody on a channel that is left out is left out too."""
    found: dict[str, Person] = {}
    for key, one in gathered.people.items():
        channel = one.block.channel
        place = one.at("channel")
        if not refer(gathered, place, channel, gathered.known("channels"), "channel"):
            continue
        if channel not in made:
            continue
        refuse_public(gathered, place, made[channel])
        if made[channel].configured:
            found[key] = Person(key, channel, one.block.mention)
    return found


def refuse_public(gathered: Gathered, place: tuple[Document, Path], channel: ChannelRule) -> None:
    """Questions are for colleagues: customers must not read them."""
    if channel.audience is Audience.public:
        message = f"would ask its questions on the public channel {channel.id}"
        remedy = "name an internal channel (audience: internal)"
        gathered.add(place, message, remedy, code=PUBLIC_QUESTION)


def windows(gathered: Gathered) -> dict[str, IntervalWindow]:
    return {
        key: IntervalWindow([entry.interval() for entry in one.block.value])
        for key, one in gathered.windows.items()
    }


def limits(gathered: Gathered) -> Limits:
    one = gathered.limits
    if one is None:
        return Limits()
    known = gathered.known("plans")
    for name in one.block.posts_per_hour:
        place = one.at("posts_per_hour", name)
        if refer(gathered, place, name, gathered.known("channels"), "channel"):
            _refuse_page(gathered, place, name)
    storm = one.block.storm
    if storm and refer(gathered, one.at("storm", "open", "plan"), storm.open.plan, known, "plan"):
        _not_built(gathered, one.at("storm"), "storm")
    flapping = None
    if (block := one.block.flapping) is not None:
        refer(gathered, one.at("flapping", "plan"), block.plan, known, "plan")
        flapping = Flapping(block.opened, block.within, block.plan)
    return Limits(one.block.take_over, flapping, dict(one.block.posts_per_hour))


def _not_built(gathered: Gathered, place: tuple[Document, Path], what: str) -> None:
    """A key of the language that this version would not act on: silence about it would be a trap."""
    message = f"{what} is part of the language, but this version does not act on it yet"
    gathered.add(place, message, "remove it", code=NOT_BUILT, at_key=True)


def _refuse_page(gathered: Gathered, place: tuple[Document, Path], name: str) -> None:
    """The page has the first word: nothing else could leave while its own text waits."""
    if gathered.channels[name].block.kind == "status_page":
        message = f"{name} is a status page, which has no budget: it has every word first"
        gathered.add(place, message, "remove it, or name another channel", code=NOT_POSSIBLE, at_key=True)


def maintenance(gathered: Gathered) -> None:
    """Only checked for now: what it does comes with maintenance windows."""
    one = gathered.maintenance
    if one is None or one.block.overrun is None:
        return
    plan = one.block.overrun.open.plan
    if refer(gathered, one.at("overrun", "open", "plan"), plan, gathered.known("plans"), "plan"):
        _not_built(gathered, one.at("overrun"), "overrun")


def texts(gathered: Gathered, site: Site, made: Mapping[str, Component]) -> TextBook:
    """The texts of all files; a broken one is noted and left out."""
    good: dict[str, str | Mapping[str, str | Mapping[str, str]]] = {}
    kinds = {one.block.kind for one in gathered.channels.values()}
    variants = [*gathered.known("channels"), *sorted(kinds), "public", "internal", "default"]
    names = gathered.known("windows")
    for key, one in gathered.texts.items():
        before = len(gathered.problems)
        _check_text(gathered, one.at(), one.block.value, variants, names)
        if isinstance(one.block.value, dict) and key not in BUILT_IN and "default" not in one.block.value:
            gathered.add(one.at(), "has no default", "add default: ...", code=BAD_TEXT, at_key=True)
        if len(gathered.problems) == before:
            good[key] = one.block.value
    return TextBook(good, site=site, components=made, windows=names)


def _check_text(
    gathered: Gathered,
    place: tuple[Document, Path],
    text: object,
    variants: list[str] | None,
    windows: list[str],
) -> None:
    """One text, with its variants and their languages."""
    document, path = place
    if isinstance(text, Mapping):
        for key, value in text.items():
            below = (document, (*path, key))
            if variants is not None and key not in variants:
                remedy = did_you_mean(key, variants, "write a channel, a kind, an audience or default")
                gathered.add(below, "is no channel, kind or audience", remedy, code=UNKNOWN, at_key=True)
            _check_text(gathered, below, value, None, windows)
        return
    source = str(text)
    lines = source.split("\n")
    for line, column, message in check_template(source, windows):
        offset = sum(len(one) + 1 for one in lines[:line]) + column
        what, _, remedy = message.partition("; ")
        gathered.add(place, what, remedy, code=BAD_TEXT, offset=offset)
