"""The monitor: what it saw, what it told, and what may have become of it (I1).

A report that was not answered may be stored or not, so each alert has a set of
states that are possible; an answer makes one of each.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from daemon.core.alert import Alert, Report
from daemon.core.clock import Instant
from daemon.service.alerts import LATE


@dataclass(frozen=True)
class Known:
    """What the daemon knows of one alert; ``stored`` is the start of its committed episode, if any."""

    starts_at: Instant
    firing: bool
    stored: Instant | None
    cleared_at: Instant = 0


Possible = frozenset[Known | None]


def after(known: Known | None, alert: Alert, now: Instant, *, truncated: bool) -> Known | None:
    """What an accepted report makes of what was known (docs/decisions/0006-late-reports.md)."""
    start = alert.starts_at
    if not alert.firing:
        return known if truncated else cleared(known, start, now)
    if known is None or start > known.starts_at:
        return Known(start, firing=True, stored=start)
    if start < known.starts_at or known.firing:
        return known
    return known if abs(now - known.cleared_at) < LATE else Known(start, firing=True, stored=start)


def cleared(known: Known | None, start: Instant, now: Instant) -> Known | None:
    """What an accepted "resolved" makes of what was known."""
    if known is None:
        return Known(start, firing=False, stored=None, cleared_at=now)
    if known.firing and start >= known.starts_at:
        return Known(start, firing=False, stored=known.stored, cleared_at=now)
    return known


@dataclass
class Monitor:
    """Alerts as the monitor has them, and the reports that it sent."""

    alerts: dict[str, Alert] = field(default_factory=dict)
    bodies: list[Report] = field(default_factory=list)
    unanswered: list[Report] = field(default_factory=list)
    possible: dict[str, Possible] = field(default_factory=dict)
    count: int = 0

    def fire(self, service: str, severity: str, at: Instant) -> Alert:
        """A new episode of an alert; one that fires already goes on as it is."""
        name = f"{service}-{severity}"
        known = self.alerts.get(name)
        if known is not None and known.firing:
            return known
        labels = {"alertname": "Down", "service": service, "severity": severity, "instance": name}
        self.alerts[name] = Alert("am", name, at, True, labels)
        self.count += 1
        return self.alerts[name]

    def clear(self, name: str, at: Instant) -> Alert:
        self.alerts[name] = replace(self.alerts[name], firing=False, ends_at=at)
        return self.alerts[name]

    def firing(self) -> list[Alert]:
        return [alert for alert in self.alerts.values() if alert.firing]

    def fate(self, report: Report, now: Instant, *, answered: bool) -> None:
        """Fold one report into what is possible."""
        for alert in report.alerts:
            before = self.possible.get(alert.fingerprint, frozenset({None}))
            then = frozenset(after(one, alert, now, truncated=bool(report.truncated)) for one in before)
            self.possible[alert.fingerprint] = then if answered else before | then

    def crashed(self) -> None:
        """What was not stored is not known any more."""
        for name, states in self.possible.items():
            self.possible[name] = frozenset(
                None if one is None or one.stored is None else replace(one, starts_at=one.stored)
                for one in states
            )

    def wrong(self, stored: dict[str, tuple[int, bool]]) -> list[str]:
        """Alerts whose committed episode is none of the possible ones."""
        found = []
        for name, states in self.possible.items():
            fit = {None if one is None or one.stored is None else (one.stored, one.firing) for one in states}
            if stored.get(name) not in fit:
                found.append(f"{name}: stored {stored.get(name)}, possible {fit}")
        return found
