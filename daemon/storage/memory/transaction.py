"""``Tx`` over a ledger."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from daemon.core.clock import Instant
from daemon.core.delivery import DOUBTS, Delivery, DeliveryState, may_move
from daemon.core.errors import Conflict, Refused
from daemon.core.journal import Recorded
from daemon.core.store import Counted, EpisodeRow, GroupRow, Quarantined, RulesVersion, Tx
from daemon.core.suppression import Bounce, Suppression
from daemon.storage.memory.ledger import Ledger, delivery_copy, episode_copy


class Transaction:
    """One work's hand on the ledger; useless once the work has ended."""

    __slots__ = ("_ledger", "batch", "now", "touched")

    def __init__(self, ledger: Ledger, now: Instant) -> None:
        self._ledger = ledger
        self.batch = ledger.committed + 1
        self.now = now
        self.touched: set[int] = set()

    def end(self) -> None:
        """Make any later use fail loudly."""
        del self._ledger

    def make_groups(self) -> None:
        """Turn what was promised by ``group_later`` into rows."""
        ledger = self._ledger
        while ledger.promised:
            group, make = ledger.promised.popitem()
            self.touched.add(group)
            ledger.put_group(make(self))

    def _next(self, counter: str) -> int:
        ledger = self._ledger
        value = ledger.counters.get(counter, 0) + 1
        ledger.set(ledger.counters, counter, value)
        return value

    def next_id(self, table: Counted) -> int:
        return self._next(table)

    def next_number(self) -> int:
        return self._next("number")

    def touch(self, group: int) -> None:
        self.touched.add(group)

    def journal(self, group: int, recorded: Recorded) -> None:
        self.touched.add(group)
        entries = self._ledger.journals.setdefault(group, [])
        if recorded.sequence != len(entries) + 1:
            raise Conflict(
                f"group {group}: entry {recorded.sequence} does not follow {len(entries)};"
                " read the journal again"
            )
        self._ledger.append(entries, recorded)

    def group(self, row: GroupRow) -> None:
        self.touched.add(row.id)
        self._ledger.promised.pop(row.id, None)
        self._ledger.put_group(row)

    def group_later(self, group: int, make: Callable[[Tx], GroupRow]) -> None:
        self.touched.add(group)
        self._ledger.promised[group] = make

    def episode(self, row: EpisodeRow) -> None:
        self.touched.add(row.group)
        self._ledger.set(self._ledger.episodes, row.id, episode_copy(row))

    def episode_changed(
        self,
        episode: int,
        *,
        firing: bool,
        seen_at: Instant,
        ends_at: Instant | None,
        annotations: bytes,
        link: str,
    ) -> None:
        row = episode_copy(self._ledger.episodes[episode])
        row.firing, row.seen_at, row.ends_at = firing, seen_at, ends_at
        row.annotations, row.link = annotations, link
        self._ledger.set(self._ledger.episodes, episode, row)

    def delivery(self, row: Delivery) -> None:
        self.touched.add(row.group)
        if row.key not in self._ledger.keys:
            self._ledger.put_delivery(row)

    def delivery_changed(self, row: Delivery, expected_state: DeliveryState, expected_token: int) -> bool:
        if row.state != expected_state and not may_move(expected_state, row.state):
            raise Refused(f"a delivery that is {expected_state} cannot become {row.state}")
        if row.token < expected_token:
            raise Refused("the token of a delivery only grows")
        self.touched.add(row.group)
        stored = self._ledger.deliveries.get(row.id)
        if stored is None or (stored.state, stored.token) != (expected_state, expected_token):
            return False
        self._ledger.put_delivery(row)
        return True

    def quarantine(self, source: str, reason: str, body: bytes) -> None:
        number = self._next("quarantine")
        self._ledger.set(self._ledger.quarantine, number, Quarantined(number, self.now, source, reason, body))

    def trim_quarantine(self, keep: int) -> None:
        for number in sorted(self._ledger.quarantine)[:-keep]:
            self._ledger.remove(self._ledger.quarantine, number)

    def bounce(self, row: Bounce) -> None:
        self._ledger.set(self._ledger.bounces, row.delivery, row)

    def suppression(self, row: Suppression) -> None:
        place = (row.channel, row.recipient)
        known = self._ledger.suppressions.get(place)
        number = known.id if known is not None else self._next("suppression")
        self._ledger.set(self._ledger.suppressions, place, replace(row, id=number))

    def read_bounces(self, channel: str, recipient: str) -> list[Bounce]:
        place = (channel, recipient)
        return [one for one in self._ledger.bounces.values() if (one.channel, one.recipient) == place]

    def read_suppressions(self, channel: str) -> dict[str, Suppression]:
        rows = self._ledger.suppressions.values()
        return {row.recipient: row for row in rows if row.channel == channel}

    def read_delivery_by_key(self, key: str) -> Delivery | None:
        known = self._ledger.keys.get(key)
        return self.read_delivery(known) if known is not None else None

    def note(self, name: str, value: bytes) -> None:
        self._ledger.set(self._ledger.notes, name, value)

    def rules_version(
        self, version: str, loaded_at: Instant, who: str, sources: Sequence[tuple[str, str]]
    ) -> None:
        if version not in self._ledger.rules:
            kept = RulesVersion(version, loaded_at, who, tuple(sources))
            self._ledger.set(self._ledger.rules, version, kept)

    def prepare(self, groups: Iterable[int], deliveries: Iterable[int] = ()) -> None:
        """Everything is at hand."""

    def read_group(self, group: int) -> GroupRow | None:
        return self._ledger.group(group)

    def read_group_journal(self, group: int) -> list[Recorded]:
        self.touched.add(group)
        return list(self._ledger.journals.get(group, ()))

    def read_delivery(self, delivery: int) -> Delivery | None:
        row = self._ledger.deliveries.get(delivery)
        return delivery_copy(row) if row is not None else None

    def in_doubt(self, group: int, channel: str, update: str = "") -> bool:
        rows = self._ledger.moving.values()
        return any(
            (row.group, row.channel, row.edits) == (group, channel, None)
            and update in ("", row.update)
            and row.state in DOUBTS
            for row in rows
        )

    def read_deliveries(
        self, group: int, states: Collection[DeliveryState] = (), *, channel: str = "", edits: bool = False
    ) -> list[Delivery]:
        rows = map(self._ledger.deliveries.__getitem__, self._ledger.of_group.get(group, ()))
        return [
            delivery_copy(row)
            for row in rows
            if (row.edits is not None) is edits
            and channel in ("", row.channel)
            and (not states or row.state in states)
        ]
