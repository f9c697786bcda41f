"""The promise "next update by T": when it was shown, when it is due, when it is broken."""

from __future__ import annotations

from daemon.core.clock import MINUTE, Instant, ceil_minute


def shown(due: Instant) -> Instant:
    """The minute that customers were shown for a promise due at ``due``."""
    return ceil_minute(due)


def broken_at(due: Instant) -> Instant:
    """From here on the promise is broken: the minute shown has passed entirely.

    A reader who was told "by 14:30" and reads the update at 14:30:20 was not
    let down; docs/decisions/0005-promises.md.
    """
    return shown(due) + MINUTE
