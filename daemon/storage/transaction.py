"""``Tx`` over a batch: what a piece of work may do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from daemon.core.clock import Instant
from daemon.core.delivery import DOUBTS, Delivery, DeliveryState, may_move
from daemon.core.errors import Conflict, Refused
from daemon.core.journal import GENESIS, Recorded, chain
from daemon.core.store import Counted, EpisodeRow, GroupRow, Tx
from daemon.core.suppression import Bounce, Suppression
from daemon.storage import statements as sql
from daemon.storage.batch import Batch, entries_of
from daemon.storage.codec import decode_entry, encode_entry, encode_json
from daemon.storage.rows import (
    STATE,
    TOKEN,
    bounce_from_row,
    bounce_to_row,
    delivery_from_row,
    delivery_to_row,
    episode_to_row,
    group_from_row,
    group_to_row,
    suppression_from_row,
    suppression_to_row,
)
from daemon.storage.tables import NOTE


class Transaction:
    """One work's hand on the batch; useless once the work has ended."""

    __slots__ = ("_batch", "_memory", "changed", "now", "touched")

    def __init__(self, batch: Batch, now: Instant) -> None:
        self._batch = batch
        self._memory = batch.memory
        self.now = now
        self.touched: set[int] = set()
        self.changed: set[int] = set()  # those among them whose state was moved on for certain

    def end(self) -> None:
        """Make any later use fail loudly instead of writing into a batch that has left."""
        del self._batch, self._memory

    @property
    def batch(self) -> int:
        return self._batch.number

    def _next(self, counter: str) -> int:
        value = self._memory.counters[counter] + 1
        self._batch.set(self._memory.counters, counter, value)
        return value

    def next_id(self, table: Counted) -> int:
        value = self._next(table)
        if table == "group":
            self._batch.set(self._memory.heads, value, (0, GENESIS))  # new: nobody need be asked
        return value

    def next_number(self) -> int:
        return self._next("number")

    def touch(self, group: int) -> None:
        self.touched.add(group)

    def journal(self, group: int, recorded: Recorded) -> None:
        self.touched.add(group)
        self.changed.add(group)
        sequence, head = self._memory.head(group)
        if recorded.sequence != sequence + 1:
            raise Conflict(
                f"group {group}: entry {recorded.sequence} does not follow {sequence}; read the journal again"
            )
        kind = recorded.entry.kind
        body = encode_entry(recorded.entry)
        seal = chain(head, group, recorded.sequence, recorded.at, kind, body)
        self._batch.set(self._memory.heads, group, (recorded.sequence, seal))
        self._batch.journal.append((group, recorded.sequence, recorded.at, kind, body, seal))
        self._batch.recorded.append((group, recorded))

    def group(self, row: GroupRow) -> None:
        self.touched.add(row.id)
        self._batch.set(self._batch.groups, row.id, group_to_row(row))

    def group_later(self, group: int, make: Callable[[Tx], GroupRow]) -> None:
        self.touched.add(group)
        self._batch.set(self._batch.groups, group, make)

    def episode(self, row: EpisodeRow) -> None:
        self.touched.add(row.group)
        self._batch.episodes.append(episode_to_row(row))

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
        self._batch.episode_changes.append((firing, seen_at, annotations, link, ends_at, episode))

    def delivery(self, row: Delivery) -> None:
        self.touched.add(row.group)
        batch = self._batch
        if row.key not in batch.keys:
            batch.set(batch.keys, row.key, row.id)
            batch.set(batch.deliveries, row.id, delivery_to_row(row))

    def delivery_changed(self, row: Delivery, expected_state: DeliveryState, expected_token: int) -> bool:
        if row.state != expected_state and not may_move(expected_state, row.state):
            raise Refused(f"a delivery that is {expected_state} cannot become {row.state}")
        if row.token < expected_token:
            raise Refused("the token of a delivery only grows")
        batch = self._batch
        stored = batch.delivery(row.id)
        if stored is None:
            rows = self._memory.ask(sql.READ_DELIVERY, delivery=row.id)
            stored = rows[0] if rows else None
        self.touched.add(row.group)
        if stored is None or (stored[STATE], stored[TOKEN]) != (expected_state, expected_token):
            return False
        changed = delivery_to_row(row)
        if row.id in batch.deliveries:
            batch.set(batch.deliveries, row.id, changed)
        else:
            _, state, token = batch.moves.get(row.id, (None, expected_state, expected_token))
            batch.set(batch.moves, row.id, (changed, state, token))
        return True

    def quarantine(self, source: str, reason: str, body: bytes) -> None:
        self._batch.quarantine.append((self.now, source, reason, body))

    def trim_quarantine(self, keep: int) -> None:
        self._batch.trims.append((keep,))

    def bounce(self, row: Bounce) -> None:
        self._batch.set(self._batch.bounces, row.delivery, bounce_to_row(row))

    def suppression(self, row: Suppression) -> None:
        self._batch.set(self._batch.suppressions, (row.channel, row.recipient), suppression_to_row(row))

    def note(self, name: str, value: bytes) -> None:
        self._batch.notes.append((NOTE + name, value))

    def rules_version(
        self, version: str, loaded_at: Instant, who: str, sources: Sequence[tuple[str, str]]
    ) -> None:
        self._batch.rules.append((version, loaded_at, who, encode_json(list(sources))))

    def prepare(self, groups: Iterable[int], deliveries: Iterable[int] = ()) -> None:
        self._memory.want(sql.READ_JOURNAL, [{"group": group} for group in groups])
        self._memory.want(sql.READ_DELIVERY, [{"delivery": delivery} for delivery in deliveries])

    def read_group(self, group: int) -> GroupRow | None:
        rows = self._memory.ask(sql.READ_GROUP, group=group)
        return group_from_row(rows[0]) if rows else None

    def read_group_journal(self, group: int) -> list[Recorded]:
        self.touched.add(group)
        stored = [
            Recorded(sequence, at, decode_entry(kind, body))
            for sequence, at, kind, body in self._memory.ask(sql.READ_JOURNAL, group=group)
        ]
        return stored + entries_of(self._batch.recorded, group)

    def read_delivery(self, delivery: int) -> Delivery | None:
        row = self._batch.delivery(delivery)
        if row is None:
            rows = self._memory.ask(sql.READ_DELIVERY, delivery=delivery)
            row = rows[0] if rows else None
        return delivery_from_row(row) if row else None

    def read_delivery_by_key(self, key: str) -> Delivery | None:
        known = self._batch.keys.get(key)
        if known is not None:
            return self.read_delivery(known)
        rows = self._memory.ask(sql.DELIVERY_BY_KEY, key=key)
        return delivery_from_row(self._batch.delivery(rows[0][0]) or rows[0]) if rows else None

    def read_bounces(self, channel: str, recipient: str) -> list[Bounce]:
        found = {row[0]: row for row in self._memory.ask(sql.BOUNCES_OF, recipient=recipient)}
        found |= self._batch.bounces
        all_of_them = map(bounce_from_row, found.values())
        return [one for one in all_of_them if (one.channel, one.recipient) == (channel, recipient)]

    def read_suppressions(self, channel: str) -> dict[str, Suppression]:
        found = {row[1]: row for row in self._memory.ask(sql.SUPPRESSIONS_OF, channel=channel)}
        found |= {row[1]: row for row in self._batch.suppressions.values() if row[0] == channel}
        return {recipient: suppression_from_row(row) for recipient, row in found.items()}

    def in_doubt(self, group: int, channel: str, update: str = "") -> bool:
        found = self._memory.ask(sql.IN_DOUBT, channel=channel, group=group)
        moved = self._batch.moves
        if any(row[0] not in moved and update in ("", row[1]) for row in found):
            return True
        own = (*self._batch.deliveries.values(), *(row for row, _, _ in moved.values()))
        return any(
            (row[2], row[4]) == (group, channel) and update in ("", row[3]) and row[STATE] in DOUBTS
            for row in own
            if row[-1] is None  # no edit
        )

    def read_deliveries(
        self, group: int, states: Collection[DeliveryState] = (), *, channel: str = "", edits: bool = False
    ) -> list[Delivery]:
        if channel:
            rows = self._memory.ask(sql.READ_DELIVERIES_OF_CHANNEL, group=group, channel=channel)
        else:
            rows = self._memory.ask(sql.READ_DELIVERIES, group=group)
        stored = [self._batch.delivery(row[0]) or row for row in rows]
        added = [row for row in self._batch.deliveries.values() if row[2] == group]
        found = [delivery_from_row(row) for row in stored + added]
        found = [item for item in found if (item.edits is not None) is edits]
        found = [item for item in found if channel in ("", item.channel)]
        return [item for item in found if not states or item.state in states]
