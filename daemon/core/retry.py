"""When to try again: a pure function of the number of attempts and what the other side asked."""

from __future__ import annotations

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
