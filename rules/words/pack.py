"""All public texts of a rule set, rendered with sample facts and put before the gate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from daemon.core.clock import MINUTE
from daemon.core.words import Audience, Impact, Status
from rules.built_in import BUILT_IN
from rules.model import ChannelRule, RuleSet, TextError
from rules.words.finding import Finding
from rules.words.gate import check
from rules.words.settings import Phase, Settings

PHASE_OF: dict[str, Phase] = {
    "investigating": "initial",
    "relapse": "initial",
    "short": "initial",
    "identified": "progress",
    "holding": "progress",
    "monitoring": "progress",
    "resolved": "resolution",
    "false_alarm": "resolution",
}
"""Which phase a shipped text belongs to; those that are no update of their own have none."""

STATUS_OF: dict[str, Status] = {
    "investigating": Status.investigating,
    "identified": Status.identified,
    "monitoring": Status.monitoring,
    "resolved": Status.resolved,
    "false_alarm": Status.resolved,
}
NOW = 1_800_000_000_000  # any instant will do: 15 January 2027, 08:00 UTC
SHORT_KINDS = ("x", "sms", "bluesky", "mastodon")


@dataclass(frozen=True, slots=True)
class Sample:
    """One text as some customers would read it."""

    name: str
    channel: ChannelRule
    text: str
    phase: Phase | None


def sample_facts(name: str, components: tuple[str, ...], impact: Impact, status: Status) -> dict[str, Any]:
    """Facts of an incident in its 50th minute."""
    resolved = status is Status.resolved
    return {
        "now": NOW,
        "opened_at": NOW - 50 * MINUTE,
        "next_update_at": None if resolved else NOW + 30 * MINUTE,
        "last_update_at": NOW - 30 * MINUTE,
        "components": components,
        "impact": impact,
        "status": STATUS_OF.get(name, status),
        "public_id": "k3v9abcdefgh",
        "told": ("page",),
        "alerts_firing": 0 if resolved else 2,
        "alerts_total": 3,
        "title": "",
    }


def samples(ruleset: RuleSet, names: Iterator[str] | tuple[str, ...]) -> Iterator[Sample]:
    """The texts of these names on each public channel, for one and for all components."""
    public = [one for one in ruleset.channels.values() if one.audience is Audience.public]
    everything = tuple(ruleset.components)
    for name in names:
        for channel in public or [ChannelRule("page", "status_page", Audience.public)]:
            for components in dict.fromkeys((everything[:1], everything)):
                facts = sample_facts(name, components, Impact.major, Status.investigating)
                try:
                    text = ruleset.texts.render(name, channel, facts)
                except TextError:
                    continue  # it needs facts that the sample lacks, such as a label
                yield Sample(name, channel, text, PHASE_OF.get(name))


def public_names(ruleset: RuleSet, own: tuple[str, ...]) -> tuple[str, ...]:
    """Texts that some public channel can get: those that public steps say, and shipped ones replaced."""
    said = {
        step.say
        for plan in ruleset.plans.values()
        for step in plan.steps
        if step.say and any(_is_public(ruleset, name) for name in step.to)
    }
    return tuple(
        sorted(name for name in {*own, *PHASE_OF} if name in said or (name in PHASE_OF and name in own))
    )


def _is_public(ruleset: RuleSet, name: str) -> bool:
    channel = ruleset.channels.get(name)
    return name == "told" or (channel is not None and channel.audience is Audience.public)


def findings(ruleset: RuleSet, own: tuple[str, ...]) -> Iterator[tuple[Sample, Finding]]:
    """What the gate says of a rule set's public texts, each finding once."""
    seen: set[tuple[str, str, str]] = set()
    for sample in samples(ruleset, public_names(ruleset, own)):
        for one in check(sample.text, settings_for(ruleset.words, sample)):
            key = (sample.name, one.check, one.text or one.why)
            if key not in seen:
                seen.add(key)
                yield sample, one


def settings_for(words: Settings, sample: Sample) -> Settings:
    """How an automatic text is checked: in its phase, with what automation may leave out."""
    return replace(words, phase=sample.phase, automatic=True)


def shipped() -> tuple[str, ...]:
    """The built-in texts that customers read."""
    return tuple(name for name in BUILT_IN if name in PHASE_OF)
