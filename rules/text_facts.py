"""What a text may say: the table of facts, and how raw facts become the words of a template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Self

from daemon.core.clock import DAY, Instant
from daemon.core.promise import shown
from daemon.core.words import Audience, Impact, Status
from rules import text_filters, text_times
from rules.model import ChannelRule, Component, Site

MAX_LIST = 100  # longer lists are cut: with loops two deep this bounds what a template can do
MAX_LABELS = 64
MAX_LABEL = 1_000  # characters of one label's value
SHORT_KINDS = frozenset({"x", "sms", "bluesky", "mastodon"})  # kinds whose texts have little room
ODDLY_OLD = 366 * DAY  # a sender's start further back than this is a broken clock, not an outage


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of ``tocsin rules vars``."""

    type: str
    example: str
    meaning: str
    internal: bool = False  # empty in texts for a public channel


FACTS: Mapping[str, Fact] = {
    "acked": Fact("true/false", "true", "somebody has acknowledged the incident"),
    "age": Fact("text", "2 hours 10 minutes", "how long it has lasted"),
    "age_minutes": Fact("number", "130", "the same in minutes"),
    "alerts_firing": Fact("number", "3", "alerts that fire now"),
    "alerts_total": Fact("number", "4", "alerts that ever belonged to it"),
    "channels_down": Fact("list of texts", "x", "channels that do not work now"),
    "components": Fact("list of components", "Checkout", "each has .id .name .group .description"),
    "effect": Fact(
        "text", "customers may be unable to pay for their orders", "what customers notice, by impact"
    ),
    "effect_still": Fact(
        "text", "customers may still be unable to pay for their orders", "the same, later on"
    ),
    "heading": Fact("text", "INC-42 (Checkout: partial outage)", "number and title", internal=True),
    "impact": Fact("word", "major", "none, minor, major, critical; ordered: impact >= major"),
    "incident": Fact("text", "INC-42", "the incident's number", internal=True),
    "incident_url": Fact("text", "https://status.example.com/incidents/k3v9", "the same as page_url"),
    "label": Fact("function", 'label("region")', "the value that all alerts share, else empty"),
    "labels": Fact("map of texts", "labels.region", "labels that all alerts share; a missing one fails"),
    "last_update_age": Fact("text", "25 minutes", "since the last update that counts; empty before it"),
    "minutes_left": Fact("number", "10", "until what was announced happens", internal=True),
    "need": Fact("text", "veto", "veto, one or two: who must agree", internal=True),
    "next_update": Fact("text", "14:30 UTC", "what was promised; empty without a promise"),
    "note": Fact("text", "Error rate above 5 %", "the alerts' summary annotation", internal=True),
    "otherwise": Fact("text", "skip", "skip or post: what happens without an answer", internal=True),
    "page_name": Fact("text", "Example Status", "the page's name"),
    "page_url": Fact("text", "https://status.example.com/incidents/k3v9", "the incident's public page"),
    "person_text": Fact("text", "We have found the cause.", "a person's own words, carried on"),
    "postmortem_scheduled": Fact("true/false", "false", "the post-mortem has a date"),
    "ready": Fact("text", "We are aware that ...", "the text that could go out as it is", internal=True),
    "reason": Fact("text", "the limit of 3 is reached", "why somebody is asked", internal=True),
    "recovery": Fact("text", "customers can pay for their orders again", "what works again, as a clause"),
    "since": Fact("text", "12:20 UTC", "when it began, with the date where it is not today's"),
    "started": Fact("text", "4 January 2027, 12:20 UTC", "when it began, always with the date"),
    "status": Fact("word", "identified", "investigating, identified, monitoring, resolved; ordered"),
    "step": Fact("text", "social", "the step that speaks or asks", internal=True),
    "taken_over": Fact("true/false", "false", "a person speaks; automatic texts are questions"),
    "time": Fact("text", "14:05 UTC", "now"),
    "title": Fact("text", "Checkout: partial outage", "the incident's title"),
    "told": Fact("list of texts", "page, subscribers", "public channels that were told"),
    "unattended": Fact("number", "4", "updates that count since a person's last"),
    "until": Fact("text", "14:10 UTC", "when a veto window or an approval ends", internal=True),
}
"""Every fact of a text; the words of impact and status (``major``, ``monitoring``) are constants too."""


class Word(str):
    """A word of an ordered vocabulary: equal to its text, compared by rank and not by letters."""

    __slots__ = ("rank",)
    rank: int

    def __new__(cls, text: str, rank: int) -> Self:
        self = super().__new__(cls, text)
        self.rank = rank
        return self

    def __lt__(self, other: str) -> bool:
        return self.rank < _rank(self, other)

    def __le__(self, other: str) -> bool:
        return self.rank <= _rank(self, other)

    def __gt__(self, other: str) -> bool:
        return self.rank > _rank(self, other)

    def __ge__(self, other: str) -> bool:
        return self.rank >= _rank(self, other)


IMPACTS = {word.name: Word(word.name, word.value) for word in Impact}
STATUSES = {word.name: Word(word.name, word.value) for word in Status}
CONSTANTS: Mapping[str, Word] = {name: word for name, word in (IMPACTS | STATUSES).items() if name != "none"}
"""The bare words; ``none`` is Jinja's own constant, so that one is written with quotes."""


def _rank(word: Word, other: str) -> int:
    vocabulary = IMPACTS if word in IMPACTS else STATUSES
    if other not in vocabulary:
        raise TypeError(f"{word} cannot be compared with {other!r}; it is one of {', '.join(vocabulary)}")
    return vocabulary[other].rank


def context(
    facts: Mapping[str, Any],
    *,
    channel: ChannelRule,
    site: Site,
    zone: tzinfo,
    components: Mapping[str, Component],
    windows: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """The names a template sees, from what the decision passes (any key may be missing).

    Raw instants (``now``, ``started_at``, ``opened_at``, ``next_update_at``,
    ``last_update_at``, ``until``) are milliseconds or None; ``components``
    are ids; ``impact`` and ``status`` the enums.  Facts marked internal are
    empty for a public channel, so that a template shared by both cannot leak.
    """
    affected = [
        components.get(one) or Component(one, one.replace("_", " ")) for one in facts.get("components") or ()
    ][:MAX_LIST]
    impact, status = Impact(facts.get("impact") or 0), Status(facts.get("status") or 0)
    limit = 2 if channel.kind in SHORT_KINDS else 4
    words: dict[str, Any] = {
        **CONSTANTS,
        **{window: bool(facts.get(window)) for window in windows},
        **_times(facts, zone),
        **_state(facts),
        **_page(facts, site),
        "components": affected,
        "effect": effect(affected, impact, limit),
        "effect_still": effect(affected, impact, limit, still=True),
        "impact": IMPACTS[impact.name],
        "recovery": recovery(affected, impact, limit),
        "status": STATUSES[status.name],
    }
    return words | _internal(facts, words, channel)


def _state(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that an ``if`` can see too, each of the type that templates rely on."""
    labels = _labels(facts.get("labels") or {})
    return {
        **{name: bool(facts.get(name)) for name in ("acked", "postmortem_scheduled", "taken_over")},
        **{name: int(facts.get(name) or 0) for name in ("alerts_firing", "alerts_total", "unattended")},
        **{name: list(facts.get(name) or ())[:MAX_LIST] for name in ("channels_down", "told")},
        **{name: str(facts.get(name) or "") for name in ("person_text", "title")},
        "label": lambda name: labels.get(str(name), ""),
        "labels": labels,
    }


def _page(facts: Mapping[str, Any], site: Site) -> dict[str, str]:
    public_id, base = str(facts.get("public_id") or ""), site.url.rstrip("/")
    url = f"{base}/incidents/{public_id}" if public_id else base
    return {"incident_url": url, "page_name": site.name, "page_url": url}


def effect(components: list[Component], impact: Impact, limit: int = 0, *, still: bool = False) -> str:
    """What customers notice, as a clause; never stronger or weaker than the impact says."""
    what, yet = text_filters.customers_cannot(components, limit), " still" if still else ""
    if impact is Impact.critical:
        return f"customers{yet} cannot {what}"
    if impact is Impact.major:
        return f"customers may{yet} be unable to {what}"
    return f"customers may{yet} have trouble when they try to {what}"


def recovery(components: list[Component], impact: Impact, limit: int = 0) -> str:
    """What works again, as a clause."""
    if not components:
        return "the affected services are working normally again"
    how = "again" if impact >= Impact.major else "as usual"
    return f"customers can {text_filters.customers_can(components, limit)} {how}"


def _times(facts: Mapping[str, Any], zone: tzinfo) -> dict[str, Any]:
    now: Instant = facts.get("now") or 0
    start = _start(facts, now)
    promised, last = facts.get("next_update_at"), facts.get("last_update_at")
    lasted = max(now - start, 0)
    return {
        "age": text_times.age(lasted),
        "age_minutes": lasted // 60_000,
        "last_update_age": "" if last is None else text_times.age(max(now - last, 0)),
        "next_update": "" if promised is None else text_times.clock_time(shown(promised), now, zone),
        "since": text_times.clock_time(start, now, zone),
        "started": text_times.full_time(start, zone),
        "time": text_times.clock_time(now, now, zone),
        "until": _clock_or_empty(facts.get("until"), now, zone),
    }


def _start(facts: Mapping[str, Any], now: Instant) -> Instant:
    """The sender's start where it can be true, else when the incident opened."""
    opened: Instant = facts.get("opened_at") or now
    started: Instant | None = facts.get("started_at")
    if started is None or not opened - ODDLY_OLD < started <= opened:
        return opened
    return started


def _clock_or_empty(instant: Instant | None, now: Instant, zone: tzinfo) -> str:
    return "" if instant is None else text_times.clock_time(instant, now, zone)


def _internal(facts: Mapping[str, Any], words: Mapping[str, Any], channel: ChannelRule) -> dict[str, Any]:
    names = [name for name, fact in FACTS.items() if fact.internal]
    if channel.audience is Audience.public:
        return dict.fromkeys(names, "") | {"minutes_left": 0}
    number = str(facts.get("incident") or "")
    title = words["title"]
    minutes = facts.get("minutes_left")
    if minutes is None and facts.get("until") is not None:
        minutes = -(((facts.get("now") or 0) - facts["until"]) // 60_000)  # rounded up
    return {name: str(facts.get(name) or "") for name in names} | {
        "heading": f"{number} ({title})" if number and title else number or title or "This incident",
        "minutes_left": int(minutes or 0),
        "until": words["until"],
    }


def _labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Label values on one line each; a hostile one can neither start a paragraph nor fill a page."""
    chosen = sorted(labels.items())[:MAX_LABELS]
    return {str(name): " ".join(str(value)[:MAX_LABEL].split()) for name, value in chosen}
