"""Findings about texts: too long for a channel, or made of facts that are empty there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from daemon.core.clock import HOUR, MINUTE
from daemon.core.words import Audience, Impact, Status
from rules.declared import Gathered
from rules.errors import Problem
from rules.model import ChannelRule, RuleSet, Step, TextError
from rules.names import TOLD
from rules.templates import facts_in
from rules.text_facts import FACTS
from rules.yaml_source import Document, Path

TOO_LONG, EMPTY_THERE = "R060", "R061"

NOW = 1_799_056_800_000  # any instant: texts are as long at others
MOST_COMPONENTS = 3  # an incident about more is rare, and its texts then are cut


@dataclass(frozen=True, slots=True)
class Room:
    """How much a kind of channel takes, and how it counts."""

    limit: int
    count: Callable[[str], int]


Rooms = Mapping[str, Room]
"""By kind of channel; one that is missing takes any text."""


def findings(gathered: Gathered, rules: RuleSet, rooms: Rooms) -> Iterator[Problem]:
    """Each text once for each channel on which some step says it."""
    seen: set[tuple[str, str]] = set()
    for key in gathered.plans:
        for step in rules.plans[key].steps:
            for channel in _channels(rules, step):
                if step.say and (step.say, channel.id) not in seen:
                    seen.add((step.say, channel.id))
                    yield from _too_long(gathered, rules, key, step, channel, rooms)
                    yield from _empty(gathered, step, channel)


def _channels(rules: RuleSet, step: Step) -> Iterator[ChannelRule]:
    for channel in rules.channels.values():
        told = TOLD in step.to and channel.audience is Audience.public
        if channel.configured and (told or channel.id in step.to):
            yield channel


def _too_long(
    gathered: Gathered, rules: RuleSet, plan: str, step: Step, channel: ChannelRule, rooms: Rooms
) -> Iterator[Problem]:
    room = rooms.get(channel.kind)
    if room is None:
        return
    length = max(_lengths(rules, step, channel, room), default=0)
    if length > room.limit:
        document, path = _place(gathered, plan, step, channel)
        message = (
            f"the text {step.say} has up to {length} of {room.limit} on {channel.id} ({channel.kind})"
            " and is cut there"
        )
        yield document.problem(
            path, message, f"shorten it, or write a variant {channel.id}: ... for that channel",
            code=TOO_LONG, severity="warning", subject=step.say,
        )  # fmt: skip


def _lengths(rules: RuleSet, step: Step, channel: ChannelRule, room: Room) -> Iterator[int]:
    """The text's lengths in the situations that differ most."""
    names = sorted(rules.components, key=lambda name: -len(str(rules.components[name])))
    statuses = Status if step.when != "on" else [one for one in Status if one.name in step.on] or Status
    for status in statuses:
        for components in ((), tuple(names[:1]), tuple(names[:MOST_COMPONENTS])):
            facts: dict[str, Any] = {
                "impact": Impact.major, "status": status, "components": components, "labels": {},
                "title": "An incident with a title of common length", "now": NOW, "public_id": "k3v9x2m4p7qa",
                "started_at": NOW - 2 * HOUR - 10 * MINUTE, "opened_at": NOW - 2 * HOUR,
                "last_update_at": NOW - 30 * MINUTE, "next_update_at": NOW + 30 * MINUTE,
                "incident": "INC-1042", "step": step.id, "alerts_firing": 12, "alerts_total": 40,
            }  # fmt: skip
            try:
                yield room.count(rules.texts.render(step.say, channel, facts))
            except TextError:
                continue  # it needs a label that not every incident has


def _place(gathered: Gathered, plan: str, step: Step, channel: ChannelRule) -> tuple[Document, Path]:
    """The variant that the channel gets; the step where the words are built in."""
    one = gathered.texts.get(step.say)
    if one is None:
        declared = next(each for each in gathered.steps[plan] if each.id == step.id)
        return declared.at("say")
    if isinstance(one.block.value, dict):
        key = _variant(one.block.value, channel)
        return one.at(*([key] if key else []))
    return one.at()


def _variant(variants: Mapping[str, Any], channel: ChannelRule) -> str:
    wanted = (channel.id, channel.kind, channel.audience.value, "default")
    return next((key for key in wanted if key in variants), "")


def _empty(gathered: Gathered, step: Step, channel: ChannelRule) -> Iterator[Problem]:
    """Facts for colleagues in a text for customers: they are empty there."""
    one = gathered.texts.get(step.say)
    if one is None or channel.audience is not Audience.public:
        return
    text = one.block.value
    key = _variant(text, channel) if isinstance(text, dict) else ""
    if isinstance(text, dict) and not key:
        return  # the built-in text speaks there
    chosen = text[key] if isinstance(text, dict) else text
    for source in chosen.values() if isinstance(chosen, dict) else (chosen,):
        for name in sorted(facts_in(source)):
            if name in FACTS and FACTS[name].internal:
                document, path = one.at(*([key] if key else []))
                yield document.problem(
                    path, f"{name} is for colleagues: it is empty on the public channel {channel.id}",
                    "remove it, or write a variant `internal: ...` beside this one",
                    code=EMPTY_THERE, severity="warning", subject=step.say,
                )  # fmt: skip
                return
