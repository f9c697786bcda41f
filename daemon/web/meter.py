"""What the servers count; ``daemon.metrics.Metrics`` is one of these."""

from __future__ import annotations

from typing import Protocol


class Meter(Protocol):
    """Counts and nothing else; never raises."""

    def alerts_received(self, source: str, *, firing: int = 0, resolved: int = 0) -> None: ...

    def webhook_answered(self, source: str, code: int, seconds: float) -> None: ...

    def unexpected_error(self, where: str) -> None: ...
