"""The house's own wording: ``words:`` blocks of rule files, and its components, as settings of the gate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from rules.declared import Gathered
from rules.model import Component, Site
from rules.schema_fields import did_you_mean
from rules.words.finding import CHECKS
from rules.words.settings import RESOLUTION_PARTS, Settings, Waiver

UNKNOWN = "R010"


def settings(gathered: Gathered, components: Mapping[str, Component], site: Site) -> Settings:
    """What all files say together; a waiver of a check that does not exist is noted.

    A part of a resolution may be left out where no file objects: each file's
    ``automatic_may_omit`` must have it.
    """
    add: dict[str, None] = {}
    replace: dict[str, str] = {}
    waivers: list[Waiver] = []
    may_omit = set(RESOLUTION_PARTS)
    for one in gathered.words:
        add |= dict.fromkeys(one.block.jargon.add)
        replace |= one.block.jargon.replace
        may_omit &= set(one.block.automatic_may_omit)
        for number, waiver in enumerate(one.block.waive):
            if waiver.check in CHECKS:
                waivers.append(Waiver(waiver.check, waiver.text, waiver.until, waiver.why))
            else:
                place = one.at("waive", number, "check")
                message = f"there is no check {waiver.check!r}"
                gathered.add(place, message, did_you_mean(waiver.check, CHECKS), code=UNKNOWN)
    if not gathered.words:
        may_omit = set(Settings().automatic_may_omit)
    return Settings(
        components=tuple(public_words(components.values())),
        domains=(urlsplit(site.url).hostname or "",) if site.url else (),
        automatic_may_omit=tuple(part for part in RESOLUTION_PARTS if part in may_omit),
        jargon_add=tuple(add),
        jargon_replace=replace,
        waivers=tuple(waivers),
    )


def public_words(components: Iterable[Component]) -> Iterable[str]:
    """What the page itself says of its components: readers know these words."""
    for one in components:
        yield from (text for text in (one.name, one.group, one.description, one.customers_cannot) if text)
