"""Webhooks that came before, byte for byte, and still change nothing.

A monitor repeats what fires until it stops, so most bodies are known.  Reading
one costs ten times what its digest costs.  A body is noted with the episodes
that its alerts belong to; as long as memory holds these very objects, nothing
about them has changed (memory replaces an episode, it never alters one) and all
of it is durable (only then is a body noted, and what is not is another object).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from operator import is_

from daemon.core.alert import Report
from daemon.core.clock import Instant
from daemon.service.memory import KnownEpisode, Memory

MOST = 50_000
"""Alerts and bodies that are noted, together; each takes some 150 bytes."""


@dataclass(frozen=True, slots=True)
class Noted:
    """One body: the keys of its alerts in memory, and what stood there."""

    keys: tuple[tuple[str, str], ...]
    episodes: tuple[KnownEpisode, ...]
    firing: int
    heard_at: Instant | None  # of the firing alert that was silent longest

    @property
    def size(self) -> int:
        return 1 + len(self.keys)


class Repeats:
    """The bodies noted last; the ones not seen for the longest time make room."""

    def __init__(self, memory: Memory, most: int = MOST) -> None:
        self._memory = memory
        self._most = most
        self._size = 0
        self._bodies: dict[tuple[str, bytes], Noted] = {}

    def find(self, source: str, body: bytes, silent_since: Instant) -> Noted | None:
        """What the body was noted as; None when it was not, or when it may change something now."""
        name = (source, hashlib.sha256(body).digest())
        noted = self._bodies.pop(name, None)
        if noted is None:
            return None
        same = all(map(is_, map(self._memory.episodes.get, noted.keys), noted.episodes))
        if not same or (noted.heard_at is not None and noted.heard_at <= silent_since):
            self._size -= noted.size
            return None
        self._bodies[name] = noted  # at the end: it is the newest again
        return noted

    def note(self, source: str, body: bytes, report: Report) -> None:
        """Take note of a body whose alerts are all known, unchanged and durable."""
        keys = tuple((alert.source, alert.fingerprint) for alert in report.alerts)
        episodes = tuple(self._memory.episodes[key] for key in keys)
        heard = [known.heard_at for known in episodes if known.firing]
        name = (source, hashlib.sha256(body).digest())
        self._drop(name)
        noted = self._bodies[name] = Noted(keys, episodes, len(heard), min(heard, default=None))
        self._size += noted.size
        while self._size > self._most:
            self._drop(next(iter(self._bodies)))

    def _drop(self, name: tuple[str, bytes]) -> None:
        noted = self._bodies.pop(name, None)
        if noted is not None:
            self._size -= noted.size
