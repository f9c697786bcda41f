"""The monitor of a scenario: its alerts, and the reports that it sends, as Alertmanager would."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from daemon.core.alert import Alert, Report
from daemon.core.clock import Instant
from daemon.lab.scenario import Run

SOURCE = "monitor"


@dataclass(slots=True)
class _Seen:
    """One alert as it is, and whether the daemon has heard that it fires."""

    run: Run
    starts_at: Instant
    firing: bool
    ends_at: Instant | None = None
    told: bool = False


@dataclass
class Monitor:
    """``changes`` is what a report about some runs has in it; while nobody listens, it is kept."""

    alerts: dict[str, _Seen] = field(default_factory=dict)

    def fire(self, run: Run, now: Instant) -> None:
        """An episode begins; one of the same labels that is under way goes on as it is."""
        known = self.alerts.get(fingerprint(run))
        if known is None or not known.firing:
            self.alerts[fingerprint(run)] = _Seen(run, now, True)

    def resolve(self, run: Run, now: Instant) -> None:
        """The episode ends."""
        known = self.alerts.get(fingerprint(run))
        if known is not None and known.firing:
            known.firing, known.ends_at = False, now

    def report(self, runs: Iterable[Run] | None = None) -> Report:
        """One body about these runs; None: all that fire, and ends that were not told yet.

        An alert that came and went while nobody listened is never told, as with Alertmanager.
        """
        names = dict.fromkeys(fingerprint(run) for run in runs) if runs is not None else self.alerts
        alerts = []
        for name in names:
            seen = self.alerts[name]
            if seen.firing or seen.told:
                alerts.append(_alert(name, seen))
            seen.told = seen.firing
        return Report(alerts)

    @property
    def fires(self) -> bool:
        return any(seen.firing for seen in self.alerts.values())


def fingerprint(run: Run) -> str:
    """The same labels are the same alert."""
    return ",".join(f"{name}={value}" for name, value in sorted(run.labels.items()))


def _alert(name: str, seen: _Seen) -> Alert:
    return Alert(
        source=SOURCE,
        fingerprint=name,
        starts_at=seen.starts_at,
        firing=seen.firing,
        labels=dict(seen.run.labels),
        annotations=msgspec.json.encode(dict(seen.run.annotations), order="deterministic"),
        ends_at=seen.ends_at,
    )
