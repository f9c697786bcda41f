"""Taking alerts in: which episodes are new, which groups they belong to, one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from daemon.core import journal as j
from daemon.core.alert import Alert, Report
from daemon.core.clock import MINUTE, Instant
from daemon.core.group import Group
from daemon.core.store import EpisodeRow
from daemon.service.desk import Desk, Work
from daemon.service.flapping import earlier_openings
from daemon.service.memory import KnownEpisode
from daemon.service.views import public_name
from rules.model import Taken

SLICE = 1_000
"""Alerts per transaction of a large body (performance figures: docs/performance.md)."""

LATE = 5 * MINUTE
"""A firing report with the start of an episode that cleared within this time is a late delivery.

Later than that the monitor means it: Prometheus fires on with the old start
after it was away (docs/decisions/0006-late-reports.md).
"""

UNDATED = "undated"  # intake's flag: the report had no start
HEARD_PARTS = 5  # `heard` is written this many times per stale_after at the most
MOST_LABELS = 40
LONGEST_LABEL = 200
LONGEST_NOTE = 300


@dataclass(slots=True)
class TakenIn:
    """What became of one report."""

    new: int = 0
    cleared: int = 0
    changed: int = 0
    unchanged: int = 0
    ignored: int = 0

    def add(self, other: TakenIn) -> None:
        """Count another part of the report, too."""
        self.new += other.new
        self.cleared += other.cleared
        self.changed += other.changed
        self.unchanged += other.unchanged
        self.ignored += other.ignored


@dataclass(slots=True)
class _Inputs:
    """What a slice changes in one group."""

    fired: list[j.Fired] = field(default_factory=list)
    cleared: list[int] = field(default_factory=list)
    common: dict[str, str] | None = None
    note: str = ""
    link: str = ""


class AlertDesk:
    """The use case behind every webhook."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def take_in(self, report: Report) -> TakenIn:
        """Store what a report changes; returns once it is durable.

        Raises Unavailable when it cannot be stored: nothing is then acknowledged,
        and what earlier slices stored is harmless, because a repeat changes nothing.
        """
        now = self.desk.clock.now()
        news, answer, waits = self._news(report, now, caught_up=False)
        while waits:  # what is in hand may be undone, and others may have written: look again after it
            await self.desk.store.write(lambda _: None, now, 0)
            news, answer, waits = self._news(report, now, caught_up=True)
        source = report.alerts[0].source if report.alerts else ""
        for start in range(0, len(news), SLICE):
            part = news[start : start + SLICE]
            last = start + SLICE >= len(news)
            everything = news if last and len(news) > SLICE else part
            answer.add(
                await self.desk.work(
                    lambda work, part=part, last=last, everything=everything: _Slice(  # type: ignore[misc]
                        self.desk, work, source
                    ).take(part, last=last, everything=everything),
                    weight=len(part),
                )
            )
        return answer

    def knows(self, report: Report) -> bool:
        """Whether every alert is known as it stands there and durable: ``take_in`` would do nothing."""
        episodes, committed = self.desk.memory.episodes, self.desk.store.committed
        silent_since = self.silent_since()
        for alert in report.alerts:
            known = episodes.get((alert.source, alert.fingerprint))
            if (
                known is None
                or not self.believes(alert.firing)
                or known.starts_at != alert.starts_at
                or known.firing is not alert.firing
                or known.batch > committed
                or (alert.firing and known.annotations != alert.annotations)
                or (alert.firing and known.heard_at <= silent_since)
            ):
                return False
        return True

    def believes(self, firing: bool) -> bool:
        """Whether memory alone may say that an alert changes nothing.

        Not that it has cleared, where another process may have heard a moment ago that
        it fires: nobody would clear it again.
        """
        store = self.desk.store
        return store.exclusive or (firing and store.is_current)

    def silent_since(self) -> Instant:
        """A firing alert that was heard no later than this is news even if it is unchanged."""
        return self.desk.clock.now() - self.heard_every

    def _news(self, report: Report, now: Instant, *, caught_up: bool) -> tuple[list[Alert], TakenIn, bool]:
        """The alerts that change something, a count of the others, and whether one of those is not certain.

        ``caught_up``: memory knows what everybody had committed when this report was here already.
        """
        answer = TakenIn()
        episodes, committed = self.desk.memory.episodes, self.desk.store.committed
        news: list[Alert] = []
        waits = False
        silent_since = now - self.heard_every
        for alert in report.alerts:
            known = episodes.get((alert.source, alert.fingerprint))
            if known is not None and UNDATED in alert.flags:
                alert.starts_at = known.starts_at  # its start is our guess: it belongs to the episode we know
            if known is None:
                news.append(alert)
            elif alert.firing and known.firing and known.starts_at == alert.starts_at:
                if known.annotations != alert.annotations or known.heard_at <= silent_since:
                    news.append(alert)
                else:
                    answer.unchanged += 1
                    waits = waits or known.batch > committed or not (caught_up or self.believes(True))
            elif not alert.firing and not known.firing and known.starts_at >= alert.starts_at:
                answer.unchanged += 1
                waits = waits or known.batch > committed or not (caught_up or self.believes(False))
            elif not alert.firing and report.truncated:
                answer.ignored += 1  # a cut payload resolves nothing: interfaces of Alertmanager, max_alerts
            else:
                news.append(alert)
        if report.truncated:
            cut = [alert for alert in news if not alert.firing]
            answer.ignored += len(cut)
            news = [alert for alert in news if alert.firing]
        return news, answer, waits

    @property
    def heard_every(self) -> int:
        """Milliseconds between two `heard` entries of one episode."""
        spans = [route.stale_after for route in self.desk.book.current.routes if route.stale_after]
        return min(spans, default=60 * MINUTE) // HEARD_PARTS


class _Slice:
    """One transaction's share of a report."""

    def __init__(self, desk: Desk, work: Work, source: str) -> None:
        self.desk, self.work, self.tx = desk, work, work.tx
        self.memory = desk.memory
        self.source = source
        self.answer = TakenIn()  # its own: a work may run twice
        self.inputs: dict[int, _Inputs] = {}
        self.heard: set[int] = set()

    def take(self, alerts: list[Alert], *, last: bool, everything: list[Alert]) -> TakenIn:
        for alert in alerts:
            known = self.memory.episodes.get((alert.source, alert.fingerprint))
            if known is not None and UNDATED in alert.flags:
                alert.starts_at = known.starts_at  # others may have taken in a newer one meanwhile
            if alert.firing:
                self._firing(alert)
            else:
                self._resolved(alert)
        self.memory.prepare(self.tx, self.inputs.keys() | self.heard)
        for group, inputs in self.inputs.items():
            self._settle(group, inputs, look=last)
        for group in self.heard - self.inputs.keys():
            self.work.settle(self.work.state(group), [j.Heard()])
        if everything is not alerts:
            self._look_at_all(everything)
        return self.answer

    def _look_at_all(self, alerts: list[Alert]) -> None:
        """After the last slice: decide for the groups that earlier slices only filled."""
        groups: set[int] = set()
        for alert in alerts:
            known = self.memory.episodes.get((alert.source, alert.fingerprint))
            if known is not None:
                groups.update(group for _, group in known.seats)
        left = sorted(groups - self.inputs.keys())
        self.memory.prepare(self.tx, left)
        for group in left:
            self.work.settle(self.work.state(group), [])

    def _firing(self, alert: Alert) -> None:
        known = self.memory.episodes.get((alert.source, alert.fingerprint))
        now = self.tx.now
        if known is not None and known.starts_at == alert.starts_at and known.firing:
            self._still_firing(alert, known)
            return
        if known is not None and alert.starts_at < known.starts_at:
            self.answer.ignored += 1
            return
        if known is not None and known.starts_at == alert.starts_at and now - known.cleared_at < LATE:
            self.answer.ignored += 1
            return
        if known is not None and known.firing:
            self._clear(alert, known)  # its end was never told: the newer start says it
        self._new(alert)

    def _still_firing(self, alert: Alert, known: KnownEpisode) -> None:
        now = self.tx.now
        self.answer.changed += 1
        for episode, group in known.seats:
            self.tx.touch(group)
            self.tx.episode_changed(
                episode,
                firing=True,
                seen_at=now,
                ends_at=None,
                annotations=alert.annotations,
                link=alert.link,
            )
            self.heard.add(group)
        self._know(alert, known.seats, firing=True)

    def _new(self, alert: Alert) -> None:
        now = self.tx.now
        seats: list[tuple[int, int]] = []
        for taken in self.desk.book.current.router(alert.labels):
            group = self._group_for(taken)
            episode = self.tx.next_id("episode")
            seats.append((episode, group))
            self.tx.episode(
                EpisodeRow(
                    episode, group, alert.source, alert.fingerprint, alert.starts_at, True, now, alert.labels,
                    alert.annotations, alert.link, None, alert.flags,
                )
            )  # fmt: skip
            inputs = self.inputs.setdefault(group, _Inputs())
            inputs.fired.append(j.Fired(episode, alert.starts_at, taken.component, taken.impact))
            inputs.link = inputs.link or alert.link
            inputs.note = inputs.note or note_of(alert.annotations)
            if inputs.common is None:
                inputs.common = _shortened(alert.labels)
            elif not inputs.common.items() <= alert.labels.items():
                inputs.common = {
                    name: value for name, value in inputs.common.items() if alert.labels.get(name) == value
                }
        self.answer.new += 1
        self._know(alert, tuple(seats), firing=True)

    def _resolved(self, alert: Alert) -> None:
        known = self.memory.episodes.get((alert.source, alert.fingerprint))
        if known is None:
            self.answer.ignored += 1
            self._know(alert, (), firing=False)  # so that its late "firing" opens nothing
            return
        if not known.firing or alert.starts_at < known.starts_at:
            self.answer.ignored += 1
            return
        self._clear(alert, known)
        self.answer.cleared += 1
        self._know(alert, known.seats, firing=False)

    def _clear(self, alert: Alert, known: KnownEpisode) -> None:
        for episode, group in known.seats:
            self.tx.touch(group)
            self.tx.episode_changed(
                episode, firing=False, seen_at=self.tx.now, ends_at=alert.ends_at or self.tx.now,
                annotations=known.annotations, link=alert.link,
            )  # fmt: skip
            self.inputs.setdefault(group, _Inputs()).cleared.append(episode)

    def _know(self, alert: Alert, seats: tuple[tuple[int, int], ...], *, firing: bool) -> None:
        now = self.tx.now
        self.memory.know(
            alert.source,
            alert.fingerprint,
            KnownEpisode(
                alert.starts_at, firing, alert.annotations, seats, self.tx.batch, now, 0 if firing else now
            ),
        )

    def _group_for(self, taken: Taken) -> int:
        key = (taken.route.id, taken.key)
        group = self.memory.live.get(key)
        if group is None:
            group = self._joined_by_person(taken)
        if group is not None and self._may_join(group):
            return group
        return self._create(taken)

    def _may_join(self, group: int) -> bool:
        """Whether alerts still join: its last chance to end comes first when that is overdue."""
        due = self.memory.due.get(group)
        if due is not None and due < self.tx.now and group not in self.inputs:
            self.work.settle(self.work.state(group), [])
        state = self.memory.states.get(group)
        return state is None or state.is_live

    def _joined_by_person(self, taken: Taken) -> int | None:
        """An incident that a person opened takes in groups that are about its components alone."""
        if not taken.component:
            return None
        for group in self.memory.opened_by_people:
            state = self.work.state(group)
            if state.phase == "open" and taken.component in state.components:
                return group
        return None

    def _create(self, taken: Taken) -> int:
        group = self.tx.next_id("group")
        created = j.Created(
            public_id=public_name(self.desk.store.secret.hex(), str(group)),
            rules=self.desk.book.current.version,
            route=taken.route.id,
            labels=dict(taken.key),
        )
        self.begin(group, created, earlier_openings(self.work, (taken.route.id, taken.key)))
        return group

    def begin(self, group: int, created: j.Created, more: Sequence[j.Entry] = ()) -> None:
        """A group's first entries; the decision comes with its first alert."""
        begin(self.desk, self.work, group, created, more)
        self.inputs.setdefault(group, _Inputs())

    def _settle(self, group: int, inputs: _Inputs, *, look: bool) -> None:
        if not inputs.fired and not inputs.cleared:
            return
        entry = j.Alerts(
            source=self.source,
            fired=tuple(inputs.fired),
            cleared=tuple(inputs.cleared),
            common=inputs.common or {},
            note=inputs.note,
            link=inputs.link[:LONGEST_NOTE],
        )
        self.work.settle(self.work.state(group), [entry], look=look)


def begin(desk: Desk, work: Work, group: int, created: j.Created, more: Sequence[j.Entry] = ()) -> None:
    """Write a new group's first entries: its creation, what else is known, and a pause that is in force."""
    state = Group(id=group)
    first: list[j.Entry] = [created, *more]
    if desk.paused is not None:
        first.append(desk.paused)
    work.settle(state, first, look=False)


def note_of(annotations: bytes) -> str:
    """The alert's summary (or description) for internal texts; empty when there is none."""
    try:
        decoded = msgspec.json.decode(annotations, type=dict[str, str])
    except msgspec.DecodeError:
        return ""
    return (decoded.get("summary") or decoded.get("description") or "")[:LONGEST_NOTE]


def _shortened(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels fit for a journal entry: at most 40, none longer than 200 characters."""
    fit = {name: value for name, value in labels.items() if len(value) <= LONGEST_LABEL}
    return dict(sorted(fit.items())[:MOST_LABELS])
