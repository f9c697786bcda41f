"""When to try again: a pure function of the number of attempts and what the other side asked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from daemon.core.clock import MINUTE, SECOND, Span

FIRST: Span = 2 * SECOND
LONGEST: Span = 5 * MINUTE
LONGEST_ASKED: Span = 60 * MINUTE  # an absurd Retry-After does not park a post for years


def delay(attempts: int, asked: float | None = None) -> Span:
    """Milliseconds to wait after ``attempts`` failed attempts; what was asked wins, within a cap."""
    own: Span = min(FIRST << min(max(attempts - 1, 0), 20), LONGEST)
    if asked is None:
        return own
    return max(own, min(int(asked * SECOND), LONGEST_ASKED))


def scheduled(schedule: Sequence[float], attempts: int, key: str, asked: float | None = None) -> Span | None:
    """Milliseconds to wait after ``attempts`` failed ones by a schedule in seconds; None: it has ended.

    Up to a tenth is added, the same for the same key and attempt: what failed
    together does not come back together.
    """
    if attempts > len(schedule):
        return None
    own = int(schedule[max(attempts, 1) - 1] * SECOND)
    drawn = int.from_bytes(hashlib.sha256(f"{key}\n{attempts}".encode()).digest()[:4], "big")
    return max(own + own * drawn // (10 << 32), min(int((asked or 0) * SECOND), LONGEST_ASKED))
