"""All rows of a store in memory, with an undo list for the work that is under way.

A ledger outlives the store over it, as a file outlives the process that wrote it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any

from daemon.core.clock import Instant
from daemon.core.delivery import FINAL, Delivery
from daemon.core.journal import GENESIS, Recorded, chain
from daemon.core.store import EpisodeRow, GroupRow, Quarantined, RulesVersion, Tx
from daemon.core.suppression import Bounce, Suppression
from daemon.storage.codec import encode_entry

SECRET = bytes(range(32))
"""Public ids follow from it: the same history has the same ids in every run."""

Make = Callable[[Tx], GroupRow]

_ABSENT: Any = object()
_delivery = attrgetter(*(item.name for item in fields(Delivery)))
_group = attrgetter(*(item.name for item in fields(GroupRow)))
_episode = attrgetter(*(item.name for item in fields(EpisodeRow)))


def delivery_copy(row: Delivery) -> Delivery:
    """A row of the caller's own (dataclasses.replace takes three times as long)."""
    return Delivery(*_delivery(row))


def episode_copy(row: EpisodeRow) -> EpisodeRow:
    """A row of the caller's own."""
    return EpisodeRow(*_episode(row))


@dataclass
class Ledger:
    """Tables by primary key; ``set`` and ``append`` can be taken back until ``settled``."""

    secret: bytes = SECRET
    committed: int = 0
    counters: dict[str, int] = field(default_factory=dict)
    journals: dict[int, list[Recorded]] = field(default_factory=dict)
    groups: dict[int, GroupRow] = field(default_factory=dict)
    due: dict[int, Instant] = field(default_factory=dict)
    episodes: dict[int, EpisodeRow] = field(default_factory=dict)
    deliveries: dict[int, Delivery] = field(default_factory=dict)
    moving: dict[int, Delivery] = field(default_factory=dict)  # those that are not final
    of_group: dict[int, list[int]] = field(default_factory=dict)  # group -> its deliveries
    keys: dict[str, int] = field(default_factory=dict)  # client key -> delivery
    quarantine: dict[int, Quarantined] = field(default_factory=dict)
    rules: dict[str, RulesVersion] = field(default_factory=dict)
    bounces: dict[int, Bounce] = field(default_factory=dict)  # by delivery
    suppressions: dict[tuple[str, str], Suppression] = field(default_factory=dict)
    notes: dict[str, bytes] = field(default_factory=dict)
    promised: dict[int, Make] = field(default_factory=dict)  # rows that this work's end makes
    _undo: list[tuple[Any, Any, Any]] = field(default_factory=list)
    _seals: dict[int, list[bytes]] = field(default_factory=dict)

    def set(self, where: dict[Any, Any], key: Any, value: Any) -> None:
        """``where[key] = value``, to be taken back by ``undo``."""
        self._undo.append((where, key, where.get(key, _ABSENT)))
        where[key] = value

    def remove(self, where: dict[Any, Any], key: Any) -> None:
        """Take a key out, if it is there."""
        if key in where:
            self._undo.append((where, key, where.pop(key)))

    def append(self, where: list[Any], value: Any) -> None:
        """``where.append(value)``, to be taken back by ``undo``."""
        self._undo.append((where, len(where), _ABSENT))
        where.append(value)

    def undo(self) -> None:
        """Take back what was done since the last ``settled``."""
        while self._undo:
            where, key, old = self._undo.pop()
            if old is _ABSENT:
                del where[key]
            else:
                where[key] = old
        self.promised.clear()

    def settled(self) -> bool:
        """It is durable; says whether anything had changed."""
        changed = bool(self._undo)
        self._undo.clear()
        return changed

    def put_delivery(self, row: Delivery) -> None:
        """Insert or replace a delivery, in every index."""
        kept = delivery_copy(row)
        if row.id not in self.deliveries:
            self.set(self.keys, row.key, row.id)
            self.append(self.of_group.setdefault(row.group, []), row.id)
        self.set(self.deliveries, row.id, kept)
        if kept.state in FINAL:
            self.remove(self.moving, row.id)
        else:
            self.set(self.moving, row.id, kept)

    def put_group(self, row: GroupRow) -> None:
        """Insert or replace a projection."""
        self.set(self.groups, row.id, row)
        if row.next_due is None:
            self.remove(self.due, row.id)
        else:
            self.set(self.due, row.id, row.next_due)

    def group(self, group: int) -> GroupRow | None:
        """The projection with the newest sequence and hash of its journal."""
        row = self.groups.get(group)
        if row is None:
            return None
        found = GroupRow(*_group(row))
        seals = self.seals(group)
        found.sequence, found.head = len(seals), seals[-1] if seals else GENESIS
        return found

    def seals(self, group: int) -> list[bytes]:
        """The hashes of a journal's entries, made when somebody first wants to see them.

        Nothing ever takes a sealed entry back: seals are looked at between works alone.
        """
        known = self._seals.setdefault(group, [])
        for recorded in self.journals.get(group, ())[len(known) :]:
            known.append(self._seal(group, recorded, known[-1] if known else GENESIS))
        return known

    def sealed(self, group: int) -> Iterator[tuple[int, int, str, bytes, bytes]]:
        """A journal as it would stand in a database."""
        for recorded, seal in zip(self.journals.get(group, ()), self.seals(group), strict=True):
            entry = recorded.entry
            yield recorded.sequence, recorded.at, entry.kind, encode_entry(entry), seal

    @staticmethod
    def _seal(group: int, recorded: Recorded, before: bytes) -> bytes:
        entry = recorded.entry
        return chain(before, group, recorded.sequence, recorded.at, entry.kind, encode_entry(entry))
