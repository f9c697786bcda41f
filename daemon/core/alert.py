"""An alert as a monitor reports it, after intake has cleaned it."""

from __future__ import annotations

from dataclasses import dataclass, field

from daemon.core.clock import Instant


@dataclass(slots=True)
class Alert:
    """One report about one problem; source + fingerprint + starts_at name its episode.

    ``annotations`` stays raw JSON bytes: nothing on the hot path reads it.
    ``flags`` says what intake had to do (``cut``, ``cleaned``).
    """

    source: str
    fingerprint: str
    starts_at: Instant
    firing: bool
    labels: dict[str, str]
    annotations: bytes = b"{}"
    ends_at: Instant | None = None
    link: str = ""
    flags: tuple[str, ...] = ()


@dataclass(slots=True)
class Report:
    """One parsed webhook body."""

    alerts: list[Alert]
    truncated: int = 0
    hint: str = ""
    notes: list[str] = field(default_factory=list)
