"""From a journal to a scenario: what came in at an incident, so that it can be played again under any rules.

All instants are those at which the daemon learnt of a thing, for these are what
it decided by.  What rules decided is left out: playing it brings that back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from daemon.core import journal as j
from daemon.core.clock import Instant, to_iso
from daemon.core.delivery import DeliveryState
from daemon.core.store import EpisodeRow
from rules import durations

MOODS = {DeliveryState.unknown: "unknown", DeliveryState.dead: "rejected"}


@dataclass
class Recording:
    """The blocks of a scenario, filled entry by entry."""

    start: Instant
    episodes: Mapping[int, EpisodeRow]
    blocks: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _runs: dict[int, dict[str, Any]] = field(default_factory=dict)  # episode -> its run
    _said: dict[str, Instant] = field(default_factory=dict)  # update -> when it was said
    _steps: dict[str, str] = field(default_factory=dict)  # occasion -> the step that waits
    _marked: set[tuple[str, str, str]] = field(default_factory=set)

    def add(self, at: Instant, entry: j.Entry) -> None:
        """Take one entry in."""
        take = _TAKES.get(type(entry))
        if take is not None:
            take(self, at, entry)

    def span(self, at: Instant) -> str:
        return durations.show(max(at - self.start, 0))

    def note(self, block: str, at: Instant, **what: Any) -> None:
        """One thing at an instant; keys without a value are left out."""
        given = {name: value for name, value in what.items() if value not in (None, "", [], {}, ())}
        self.blocks.setdefault(block, []).append({"at": self.span(at), **given})

    def created(self, at: Instant, entry: j.Created) -> None:
        if not entry.who:
            return
        components = {"add": list(entry.components)} if entry.components else {}
        self.note(
            "people", at, who=entry.who, open=entry.title, impact=entry.impact.name, plan=entry.plan,
            components=components,
        )  # fmt: skip

    def alerts(self, at: Instant, entry: j.Alerts) -> None:
        for fired in entry.fired:
            row = self.episodes.get(fired.episode)
            run: dict[str, Any] = {"labels": dict(row.labels) if row is not None else dict(entry.common)}
            annotations = _annotations(row)
            if annotations:
                run["annotations"] = annotations
            run["fires"] = self.span(at)
            self._runs[fired.episode] = run
            self.blocks.setdefault("alerts", []).append(run)
        for episode in entry.cleared:
            run = self._runs.get(episode, {})
            if run and run["fires"] != self.span(at):
                run["resolves"] = self.span(at)

    def acted(self, at: Instant, entry: j.Acted) -> None:
        if entry.act == "update":
            components = {
                name: list(value) for name, value in (("add", entry.add), ("remove", entry.remove)) if value
            }
            promise = durations.show(entry.promise - at) if entry.promise is not None else ""
            self.note(
                "people", at, who=entry.who, update=entry.text, title=entry.title,
                status=entry.status.name if entry.status is not None else "",
                impact=entry.impact.name if entry.impact is not None else "",
                components=components, to=list(entry.to), promise=promise, plan=entry.plan,
            )  # fmt: skip
        elif entry.act in {"approve", "veto"}:
            step = self._steps.get(
                entry.occasion, entry.occasion.split("/")[1] if "/" in entry.occasion else ""
            )
            self.note("people", at, who=entry.who, **{entry.act: step})
        elif entry.act == "retract":
            self.note("people", at, who=entry.who, retract=entry.reason or True)
        elif entry.act in {"ack", "take_over", "hand_back"}:
            self.note("people", at, who=entry.who, **{entry.act: True})

    def gap(self, at: Instant, entry: j.Gap) -> None:
        if entry.since < at:
            since = max(entry.since, self.start)
            self.blocks.setdefault("daemon", []).append({"down": self.span(since), "up": self.span(at)})

    def paused(self, at: Instant, entry: j.Paused) -> None:
        until = self.span(entry.until) if entry.until is not None else ""
        self.note("pause", at, until=until)

    def resumed(self, at: Instant, _entry: j.Resumed) -> None:
        pauses = self.blocks.get("pause")
        if pauses:
            pauses[-1]["until"] = self.span(at)

    def turned(self, at: Instant, entry: j.ChannelTurned) -> None:
        if not entry.tried:
            self.note("channels", at, **{entry.channel: "down" if entry.down else "up"})

    def said(self, at: Instant, entry: j.Said | j.Asked) -> None:
        self._said[entry.update] = at

    def waits(self, _at: Instant, entry: j.Waiting) -> None:
        self._steps[entry.occasion] = entry.step

    def moved(self, at: Instant, entry: j.DeliveryMoved) -> None:
        mood = MOODS.get(DeliveryState(entry.state))
        mark = (entry.channel, entry.update, mood or "")
        if mood is not None and mark not in self._marked:
            self._marked.add(mark)
            self.note("channels", self._said.get(entry.update, at), **{entry.channel: mood})


_TAKES: dict[type[j.Entry], Callable[[Recording, Instant, Any], None]] = {
    j.Created: Recording.created,
    j.Alerts: Recording.alerts,
    j.Acted: Recording.acted,
    j.Gap: Recording.gap,
    j.Paused: Recording.paused,
    j.Resumed: Recording.resumed,
    j.ChannelTurned: Recording.turned,
    j.Said: Recording.said,
    j.Asked: Recording.said,
    j.Waiting: Recording.waits,
    j.DeliveryMoved: Recording.moved,
}


def recorded(
    name: str, rule_files: Iterable[str], journal: Sequence[j.Recorded], episodes: Iterable[EpisodeRow]
) -> dict[str, Any]:
    """The scenario of one journal, ready to be written as YAML or JSON."""
    start = journal[0].at if journal else 0
    recording = Recording(start, {row.id: row for row in episodes})
    for one in journal:
        recording.add(one.at, one.entry)
    return {
        "name": name,
        "start_timestamp": to_iso(start),
        "rule_files": list(rule_files),
        **recording.blocks,
    }


def episodes_of(journal: Iterable[j.Recorded]) -> list[int]:
    """The episodes that a journal speaks of."""
    entries = (one.entry for one in journal)
    return [fired.episode for entry in entries if isinstance(entry, j.Alerts) for fired in entry.fired]


def _annotations(row: EpisodeRow | None) -> dict[str, str]:
    if row is None:
        return {}
    try:
        return msgspec.json.decode(row.annotations, type=dict[str, str])
    except msgspec.DecodeError:
        return {}
