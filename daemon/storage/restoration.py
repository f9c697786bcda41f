"""What a restored database must be told: the world went on after the copy was made.

docs/decisions/0011-restore.md.  A delivery that the copy calls ``queued`` may
have been claimed, attempted and sent in the life that is lost.  So each row that
is not final walks the arrows of the state machine to ``held``, where only a
person moves it on, and the journals hear of it.  Edits alone end: nobody misses them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from daemon.core.clock import Instant
from daemon.core.delivery import FINAL, Delivery, DeliveryState
from daemon.core.journal import DeliveryMoved, Recorded
from daemon.core.store import Store, Tx
from daemon.storage.tables import SECRET

DETAIL = "restored from a backup"
_PAGE = 500

_NEXT = {
    DeliveryState.queued: DeliveryState.claimed,
    DeliveryState.claimed: DeliveryState.attempted,
    DeliveryState.attempted: DeliveryState.unknown,
    DeliveryState.unknown: DeliveryState.held,
}  # the worst that may have happened to a row since


FORGET_SECRET = f"DELETE FROM meta WHERE name = '{SECRET}'"  # noqa: S608 - a constant
"""Has public ids made from a new secret at the next opening.

Ids of groups count on from the copy: with the old secret a new incident would
get the page address and the client keys of one of the lost ones.
"""


async def hold(store: Store, now: Instant) -> int:
    """Hold every post that is not final; how many there were.

    A transaction for each group: after a kill between two of them it can be done again.
    """
    rows: dict[int, list[Delivery]] = {}
    before: int | None = None
    while True:
        page = await store.deliveries(_PAGE, before, states=set(_NEXT))
        for row in page.items:
            rows.setdefault(row.group, []).append(row)
        if page.next is None:
            break
        before = page.next
    for group in sorted(rows):
        await store.write(partial(_hold, group, sorted(rows[group], key=_by_id)), now)
    return sum(row.edits is None for found in rows.values() for row in found)


def _by_id(row: Delivery) -> int:
    return row.id


def _hold(group: int, rows: Sequence[Delivery], tx: Tx) -> None:
    tx.prepare([group], [row.id for row in rows])
    moved: dict[tuple[str, str], DeliveryMoved] = {}
    for row in rows:
        if row.edits is not None:
            _drop(tx, row)
            continue
        held = _walk(tx, row)
        # Rows of one update to many recipients are one notice, as everywhere in the journal.
        moved.setdefault(
            (held.channel, held.update),
            DeliveryMoved(held.channel, held.update, held.state, key=held.key, reason=held.reason),
        )
    _tell(tx, group, list(moved.values()))


def _walk(tx: Tx, row: Delivery) -> Delivery:
    while row.state is not DeliveryState.held:
        state = _NEXT[row.state]
        token = row.token + (state is DeliveryState.claimed)  # fencing: each claim has its own
        after = replace(row, state=state, token=token)
        if state is DeliveryState.held:
            after = replace(after, lease_until=None, reason="other", detail=DETAIL)
        tx.delivery_changed(after, row.state, row.token)
        row = after
    return row


def _drop(tx: Tx, row: Delivery) -> None:
    """An edit of the past: the post may show something newer, and the next update says what is so."""
    free = replace(row, state=DeliveryState.queued, lease_until=None)
    if row.state is not DeliveryState.queued:
        tx.delivery_changed(free, row.state, row.token)
    tx.delivery_changed(
        replace(free, state=DeliveryState.superseded, reason="other", detail=DETAIL),
        DeliveryState.queued, row.token,
    )  # fmt: skip


def _tell(tx: Tx, group: int, entries: Sequence[DeliveryMoved]) -> None:
    known = tx.read_group_journal(group)
    last = known[-1] if known else None
    sequence, at = (last.sequence, max(tx.now, last.at)) if last else (0, tx.now)
    for number, entry in enumerate(entries, sequence + 1):
        tx.journal(group, Recorded(number, at, entry))
    row = tx.read_group(group)
    if row is not None and row.phase != "ended":
        row.next_due = tx.now  # the daemon looks at it first thing: people must hear of what is held
        tx.group(row)


assert set(_NEXT) | FINAL | {DeliveryState.held} == set(DeliveryState), "a new state needs an answer here"  # noqa: S101 - checked once at import
