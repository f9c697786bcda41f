"""First posts that show the state now: which delivery that is, and what it is to say.

docs/decisions/0016-edits-are-deliveries.md.  What is said is decided elsewhere:
an edit repeats the words that went to its channel, beside where the incident
stands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import msgspec

from daemon.core import update_id
from daemon.core.delivery import Delivery, DeliveryState
from daemon.core.group import Group
from daemon.core.journal import Recorded, Said
from daemon.core.ports import Channel, Ref, Standing
from daemon.core.store import Tx
from daemon.core.words import Audience
from daemon.service import posts
from rules.model import RuleSet

NEVER_THERE = frozenset({DeliveryState.dead, DeliveryState.superseded, DeliveryState.expired})
NEWER = "a newer edit took its place"


def of_recorded(
    tx: Tx, state: Group, recorded: Sequence[Recorded], channels: Mapping[str, Channel], rules: RuleSet
) -> Iterator[Delivery]:
    """The edits that these entries make due, each in place of those that still wait for the same post.

    A channel hears of what was said there, and an internal one also of every
    update that counts; what a public one was not told its first post does not show.
    """
    texts = [one.entry for one in recorded if isinstance(one.entry, Said)]
    if not texts:
        return
    for name, view in state.channels.items():
        channel = channels.get(name)
        internal = channel is not None and channel.audience is Audience.internal
        news = [said for said in texts if name in said.posts or (said.counts and internal)]
        if channel is None or not news or view.first == news[-1].update:
            continue
        if channel.capabilities.shows_state:
            yield from _edit(tx, state, news[-1], channel, rules)


def _edit(tx: Tx, state: Group, said: Said, channel: Channel, rules: RuleSet) -> Iterator[Delivery]:
    view = state.channels[channel.name]
    rows = tx.read_deliveries(state.id, channel=channel.name)
    there = [row for row in rows if row.state not in NEVER_THERE]
    root = first_post(there)
    if root is None or update_id.is_question(root.update) or root.update == said.update:
        return
    said_at = max(row.created_at for row in there if not update_id.is_question(row.update))
    internal = channel.audience is Audience.internal
    post = posts.post_of(state, said, channel.name, view.last_text, rules, internal=internal)
    post = replace(
        post,
        key=root.key,  # the post stays the one that reading back would find
        update=root.update,
        first=True,
        standing=Standing(post.began, said_at),
    )
    key = hashlib.sha256(f"edit\n{said.update}\n{root.key}".encode()).hexdigest()[:32]
    row = replace(
        posts.row_of(tx, state, said.update, channel.name, "", b"", channel.audience, sent=False),
        key=key,
        payload=msgspec.json.encode(channel.render(post), order="deterministic"),
        edits=root.id,
    )
    for older in waiting(tx, row):
        row.not_before = max(row.not_before, older.not_before)  # what it was to wait for is not over
        supersede(tx, older)
    yield row


def first_post(there: Sequence[Delivery]) -> Delivery | None:
    """The oldest post that is known to be there, by a name of the channel's own; else the one that may be.

    ``there``: a channel's rows, oldest first, without those that never were posted.
    """
    named = [row for row in there if row.state is DeliveryState.sent and not _by_a_person(row)]
    coming = [row for row in there if row.state is not DeliveryState.sent]
    return next(iter(named or coming), None)


def _by_a_person(row: Delivery) -> bool:
    """A person says that it is there (``outbox confirm``): we have no name to call it by."""
    return row.ref is None or posts.CONFIRMED in msgspec.json.decode(row.ref, type=Ref).ids


def waiting(tx: Tx, row: Delivery) -> list[Delivery]:
    """The other queued edits of the same post, oldest first."""
    queued = tx.read_deliveries(row.group, {DeliveryState.queued}, channel=row.channel, edits=True)
    return [one for one in queued if one.edits == row.edits and one.id != row.id]


def supersede(tx: Tx, row: Delivery, detail: str = NEWER) -> None:
    """End a queued edit; nobody hears of it."""
    over = replace(row, state=DeliveryState.superseded, reason="other", detail=detail)
    tx.delivery_changed(over, DeliveryState.queued, row.token)


def give_way(tx: Tx, row: Delivery) -> bool:
    """After an attempt that must be made again: whether a newer edit does so in this one's place.

    The newer one waits as long: what the provider may still apply late must not
    come after it.
    """
    if row.edits is None or row.state is not DeliveryState.queued:
        return False
    newer = [one for one in waiting(tx, row) if one.id > row.id]
    if not newer:
        return False
    supersede(tx, row)
    for one in newer:
        patient = replace(one, not_before=max(one.not_before, row.not_before))
        tx.delivery_changed(patient, DeliveryState.queued, one.token)
    return True
