"""Changes of an incident's state in a few words: what moved, and which rule moved it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemon.core import journal as j
from daemon.core.clock import Instant

ENDS = {
    "never_opened": "cleared before `for` had passed: nobody hears of it",
    "resolved": "over: alerts that come now begin another incident",
    "retracted": "over: it was a false alarm",
}

Span = Callable[[Instant], str]
Words = Callable[[Any, str, Span], tuple[str, str] | None]


def in_words_of(entry: j.Entry, incident: str, span: Span) -> tuple[str, str] | None:
    """What moved, and why; None for what nobody wants to read.  ``span`` shows an instant."""
    make = _CHANGES.get(type(entry))
    return make(entry, incident, span) if make is not None else None


def _created(entry: j.Created, _incident: str, _span: Span) -> tuple[str, str] | None:
    if not entry.route:
        return None
    labels = " ".join(f"{name}={value}" for name, value in entry.labels.items() if value)
    return f"a group is pending{f': {labels}' if labels else ''}", f"route {entry.route}"


def _opened(entry: j.Opened, incident: str, _span: Span) -> tuple[str, str]:
    about = f", about {', '.join(entry.components)}" if entry.components else ""
    return f"opens as {incident}: impact {entry.impact.name}, plan {entry.plan}{about}", ""


def _status(entry: j.StatusChanged, _incident: str, _span: Span) -> tuple[str, str]:
    event = f" ({entry.event})" if entry.event not in {"", entry.status.name} else ""
    return f"status {entry.status.name}{event}", ""


def _components(entry: j.ComponentsChanged, _incident: str, _span: Span) -> tuple[str, str]:
    return f"components: {', '.join(entry.components) or 'none'}", ""


def _channel(entry: j.ChannelTurned, _incident: str, _span: Span) -> tuple[str, str] | None:
    if entry.tried:
        return None
    return f"{entry.channel} counts as {'down' if entry.down else 'back'}", ""


_CHANGES: dict[type[j.Entry], Words] = {
    j.Created: _created,
    j.Opened: _opened,
    j.StatusChanged: _status,
    j.ComponentsChanged: _components,
    j.ChannelTurned: _channel,
    j.ImpactRaised: lambda entry, _i, _s: (f"impact rises to {entry.impact.name}", entry.cause),
    j.PlanChanged: lambda entry, _i, _s: (f"moves to plan {entry.plan}", entry.cause),
    j.PromiseBroken: lambda entry, _i, span: (f"the promise for {span(entry.due)} is broken", ""),
    j.TakeOverEnded: lambda entry, _i, _s: (f"the take over by {entry.who} ends: {entry.reason}", ""),
    j.Gap: lambda entry, _i, span: (f"nothing could be decided since {span(entry.since)}", ""),
    j.Ended: lambda entry, _i, _s: (ENDS.get(entry.how, f"over: {entry.how}"), ""),
}
