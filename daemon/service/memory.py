"""What the daemon keeps in memory: states of live groups and the open episodes.

Work of the store changes it before COMMIT.  States that were undone are
forgotten (the next look reads the journal again); the small maps are put back
from an undo list that lives as long as one batch.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from daemon.core.clock import Instant
from daemon.core.fold import fold_all
from daemon.core.group import Group
from daemon.core.store import EpisodeRow, GroupRow, Tx

Key = tuple[str, tuple[tuple[str, str], ...]]
"""Route id and the group_by labels with their values: names a live group."""

MISSING: Any = object()
MOST_CLOSED = 50_000  # cleared episodes remembered, so that a late repeat of one opens nothing
MOST_ENDED = 2_000  # states of ended groups kept for people's later acts


@dataclass(slots=True)
class KnownEpisode:
    """The newest episode of one alert of one source; ``seats`` are its rows, one per group."""

    starts_at: Instant
    firing: bool
    annotations: bytes
    seats: tuple[tuple[int, int], ...]  # (episode id, group id)
    batch: int  # the commit that made it durable
    heard_at: Instant
    cleared_at: Instant = 0


class Memory:
    """States and episodes by their keys."""

    def __init__(self) -> None:
        self.states: dict[int, Group] = {}
        self.due: dict[int, Instant | None] = {}
        self.live: dict[Key, int] = {}
        self.keys: dict[int, Key] = {}
        self.opened_by_people: dict[int, None] = {}  # live groups that a person opened
        self.numbers: dict[int, int] = {}  # incident number -> group
        self.episodes: dict[tuple[str, str], KnownEpisode] = {}
        self._undo: list[tuple[dict[Any, Any], Any, Any]] = []
        self._undo_batch = 0
        self._closed: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._ended: OrderedDict[int, None] = OrderedDict()

    def begin(self, tx: Tx) -> int:
        """Call first in every work; hand the answer to ``undo_to`` if the work fails."""
        if tx.batch != self._undo_batch:  # works run only after the batch before was committed or undone
            self._undo.clear()
            self._undo_batch = tx.batch
        return len(self._undo)

    def undo_to(self, mark: int = 0) -> None:
        """Put the small maps back as they were when ``begin`` answered ``mark``."""
        while len(self._undo) > mark:
            mapping, key, old = self._undo.pop()
            if old is MISSING:
                mapping.pop(key, None)
            else:
                mapping[key] = old

    def undo_batch(self, batch: int) -> None:
        """Put back what a lost batch changed; one that never touched this memory changed nothing.

        A heartbeat's batch, or one that could not even begin, leaves the list of the batch before.
        """
        if batch == self._undo_batch:
            self.undo_to()

    def _put(self, mapping: dict[Any, Any], key: Any, value: Any) -> None:
        old = mapping.get(key, MISSING)
        if old is value:
            return
        self._undo.append((mapping, key, old))
        if value is MISSING:
            mapping.pop(key, None)
        else:
            mapping[key] = value

    def state(self, tx: Tx, group: int) -> Group:
        """The group's state, read from its journal when memory lacks it."""
        tx.touch(group)
        state = self.states.get(group)
        if state is None:
            state = fold_all(group, tx.read_group_journal(group))
            self.states[group] = state
        return state

    def keep(self, state: Group, due: Instant | None) -> None:
        """Take a state over as the newest."""
        group = state.id
        self.states[group] = state
        self._put(self.due, group, due)
        if state.number:
            self._put(self.numbers, state.number, group)
        if state.is_live:
            if state.opened_by and group not in self.opened_by_people:
                self._put(self.opened_by_people, group, None)
            if state.route and group not in self.keys:
                key = (state.route, tuple(state.labels.items()))
                self._put(self.live, key, group)
                self._put(self.keys, group, key)
            return
        if group in self.opened_by_people:
            self._put(self.opened_by_people, group, MISSING)
        key = self.keys.get(group, MISSING)
        if key is not MISSING:
            self._put(self.keys, group, MISSING)
            if self.live.get(key) == group:
                self._put(self.live, key, MISSING)
        self._ended[group] = None
        self._ended.move_to_end(group)
        while len(self._ended) > MOST_ENDED:
            old = self._ended.popitem(last=False)[0]
            self.states.pop(old, None)
            self.due.pop(old, None)

    def put_off(self, group: int) -> None:
        """Nothing of this group is due until it is settled: a gap is told before what fell into it."""
        self._put(self.due, group, None)

    def know(self, source: str, fingerprint: str, known: KnownEpisode) -> None:
        """Take an episode over as the alert's newest."""
        key = (source, fingerprint)
        self._put(self.episodes, key, known)
        if known.firing:
            self._closed.pop(key, None)
            return
        self._closed[key] = None
        self._closed.move_to_end(key)
        while len(self._closed) > MOST_CLOSED:
            old = self._closed.popitem(last=False)[0]
            gone = self.episodes.get(old)
            if gone is not None and not gone.firing:
                del self.episodes[old]

    def load_groups(self, rows: list[GroupRow]) -> None:
        """At start: which groups are live, without reading their journals."""
        for row in rows:
            self.due[row.id] = row.next_due
            if row.number:
                self.numbers[row.number] = row.id
            if row.route:
                key = (row.route, row.key)
                self.live[key] = row.id
                self.keys[row.id] = key
            else:
                self.opened_by_people[row.id] = None

    def load_episodes(self, rows: list[EpisodeRow], batch: int) -> None:
        """At start: episodes, oldest first."""
        for row in rows:
            before = self.episodes.get((row.source, row.fingerprint))
            seats: tuple[tuple[int, int], ...] = ((row.id, row.group),)
            if before is not None and before.starts_at > row.starts_at:
                continue
            if before is not None and before.starts_at == row.starts_at:
                seats = (*before.seats, *seats)
            self.know(
                row.source,
                row.fingerprint,
                KnownEpisode(
                    row.starts_at, row.firing, row.annotations, seats, batch, row.seen_at,
                    0 if row.firing else row.seen_at,
                ),
            )  # fmt: skip

    def drop(self, groups: frozenset[int]) -> None:
        """Forget the states that undone work changed; they come back from their journals."""
        for group in groups:
            self.states.pop(group, None)
