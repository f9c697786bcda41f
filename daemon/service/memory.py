"""What the daemon keeps in memory: states of live groups and the open episodes.

Work of the store changes it before COMMIT.  States that were undone are
forgotten (the next look reads the journal again); the small maps are put back
from an undo list that lives as long as one batch.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from daemon.core.clock import Instant
from daemon.core.fold import apply, fold_all
from daemon.core.group import Group
from daemon.core.journal import Recorded
from daemon.core.store import EpisodeRow, GroupRow, Learned, Tx

Key = tuple[str, tuple[tuple[str, str], ...]]
"""Route id and the group_by labels with their values: names a live group."""

MISSING: Any = object()
MOST_CLOSED = 50_000  # cleared episodes remembered, so that a late repeat of one opens nothing
MOST_KEYS = 10_000  # keys whose last incident is remembered, so that flapping is seen
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
        self.last_opened: dict[Key, int] = {}  # the newest incident of a key that has ended
        self.posted: dict[str, tuple[Instant, ...]] = {}  # automatic posts of the last hour, by channel
        self.episodes: dict[tuple[str, str], KnownEpisode] = {}
        self._undo: list[tuple[dict[Any, Any], Any, Any]] = []
        self._undo_batch = -1  # no batch yet: what is loaded at start is durable
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

    def set_back(self, now: Instant, since: Instant) -> None:
        """The clock was set back from ``since``: episodes were heard and cleared that much earlier.

        New objects, so that bodies noted with the old ones are read again.
        """
        lost = since - now
        for key, known in self.episodes.items():
            if known.heard_at > now or known.cleared_at > now:
                heard, cleared = (
                    instant - lost if instant > now else instant
                    for instant in (known.heard_at, known.cleared_at)
                )
                self.episodes[key] = replace(known, heard_at=heard, cleared_at=cleared)

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

    def live_states(self) -> Iterator[Group]:
        """The states of live groups, as far as memory has them: of every open incident."""
        for group in {*self.keys, *self.opened_by_people}:
            if (state := self.states.get(group)) is not None:
                yield state

    def prepare(self, tx: Tx, groups: Iterable[int]) -> None:
        """Before a work that looks at several groups: have the journals of unknown ones at hand."""
        unknown = [group for group in groups if group not in self.states]
        if unknown:
            tx.prepare(unknown)

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
        if state.route and state.opened_at is not None:
            self.remember_opened((state.route, tuple(state.labels.items())), group)
        self._leave(group)
        self._ended[group] = None
        self._ended.move_to_end(group)
        while len(self._ended) > MOST_ENDED:
            old = self._ended.popitem(last=False)[0]
            self.states.pop(old, None)
            self.due.pop(old, None)

    def remember_opened(self, key: Key, group: int) -> None:
        """An incident has ended: the next one of its key asks it how often it has opened lately."""
        if group >= self.last_opened.get(key, 0):
            self._put(self.last_opened, key, group)
        if len(self.last_opened) > MOST_KEYS:
            self._put(self.last_opened, next(iter(self.last_opened)), MISSING)

    def count(self, channel: str, posts: tuple[Instant, ...]) -> None:
        """The posts of a channel's last hour, as they are with a new one."""
        self._put(self.posted, channel, posts)

    def put_off(self, group: int) -> None:
        """Nothing is due in the group until it is decided anew."""
        self._put(self.due, group, None)

    def _leave(self, group: int) -> None:
        """The group is not live any more: alerts with its key begin another one."""
        if group in self.opened_by_people:
            self._put(self.opened_by_people, group, MISSING)
        key = self.keys.get(group, MISSING)
        if key is not MISSING:
            self._put(self.keys, group, MISSING)
            if self.live.get(key) == group:
                self._put(self.live, key, MISSING)

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
            anew = row.firing and before is not None and not before.firing  # the rows of before are over
            if before is not None and before.starts_at == row.starts_at and not anew:
                seats = (*before.seats, *seats)
            self.know(row.source, row.fingerprint, _known(row, seats, batch))
        self._undo.clear()  # it is stored: no batch that is lost takes it back

    def learn(self, learned: Learned) -> None:
        """Take over what others have committed.  Doing it twice, or with newer rows, does no harm."""
        for row in learned.groups:
            entries = learned.entries.get(row.id, [])
            state = self._caught_up(row.id, entries)
            if state is not None:
                self.keep(state, row.next_due)
            elif row.phase == "ended":
                self.due.pop(row.id, None)
                if row.route and row.opened_at is not None:
                    self.remember_opened((row.route, row.key), row.id)
                self._leave(row.id)
            else:
                self.load_groups([row])
        self._learn_episodes(learned)
        self._undo.clear()  # it is durable, whatever becomes of the batch that comes now

    def _caught_up(self, group: int, entries: list[Recorded]) -> Group | None:
        """The state with the entries that it lacked; None when memory has none to go on from."""
        state = self.states.get(group)
        if state is None:
            state = Group(id=group)
        for recorded in entries:
            if recorded.sequence == state.sequence + 1:
                apply(state, recorded)
            elif recorded.sequence > state.sequence:
                self.states.pop(group, None)  # something between is not known: read it all when it is needed
                return None
        return state if state.sequence else None

    def _learn_episodes(self, learned: Learned) -> None:
        for row in learned.episodes:
            before = self.episodes.get((row.source, row.fingerprint))
            if before is not None and before.starts_at > row.starts_at:
                continue
            seat = (row.id, row.group)
            seats: tuple[tuple[int, int], ...] = (seat,)
            if before is not None and before.starts_at == row.starts_at:
                if row.firing and not before.firing and seat not in before.seats:
                    pass  # it fires anew with its old start: the rows of before are over
                elif before.seats and row.id < before.seats[0][0]:
                    continue  # of the time before that
                else:
                    seats = tuple(dict.fromkeys((*before.seats, seat)))
            self.know(row.source, row.fingerprint, _known(row, seats, learned.batch))

    def drop(self, groups: frozenset[int]) -> None:
        """Forget the states that undone work changed; they come back from their journals."""
        for group in groups:
            self.states.pop(group, None)


def _known(row: EpisodeRow, seats: tuple[tuple[int, int], ...], batch: int) -> KnownEpisode:
    cleared_at = 0 if row.firing else row.seen_at
    return KnownEpisode(row.starts_at, row.firing, row.annotations, seats, batch, row.seen_at, cleared_at)
