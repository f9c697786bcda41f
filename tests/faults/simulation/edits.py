"""What must hold of edits: they say what was said, in the journal's words, and the newest wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from daemon.core import journal as j
from daemon.core.delivery import Delivery, DeliveryState
from daemon.service.state_posts import NEWER
from tests.faults.simulation.provider import Broken, Provider

NEVER = frozenset({DeliveryState.unknown, DeliveryState.held})
TOLD = frozenset({DeliveryState.sent, DeliveryState.dead, DeliveryState.expired})


def check_edits(journal: Sequence[j.Recorded], rows: Sequence[Delivery]) -> None:
    """One group's: no doubt, one in the queue for each post, words of the journal, each end told once."""
    posts = {row.id: row for row in rows if row.edits is None}
    said = [one.entry for one in journal if isinstance(one.entry, j.Said)]
    told = [one.entry for one in journal if isinstance(one.entry, j.DeliveryMoved) and one.entry.edits]
    queued: set[int] = set()
    for row in rows:
        if row.edits is None:
            continue
        if row.state in NEVER:
            raise Broken(f"I3: edit {row.id} is {row.state}: an edit is never in doubt")
        if row.state is DeliveryState.queued and row.edits in queued:
            raise Broken(f"I13: post {row.edits} has two edits in the queue")
        queued |= {row.edits} if row.state is DeliveryState.queued else set()
        post = posts[row.edits]
        words = {entry.posts[row.channel] for entry in said if row.channel in entry.posts}
        if post.channel != row.channel or msgspec.json.decode(row.payload)["text"] not in words:
            raise Broken(f"I11: edit {row.id} shows what was never said on {row.channel}")
        ends = [entry.state for entry in told if entry.key == row.key]
        if ends != ([row.state] if row.state in TOLD else []):
            raise Broken(f"I15: edit {row.id} is {row.state}, its journal says {ends}")


def check_shown(rows: Sequence[Delivery], providers: Mapping[str, Provider]) -> None:
    """At the end of all trouble: a post shows what its newest edit says, where that was taken."""
    posts = {row.id: row for row in rows if row.edits is None}
    newest = {row.edits: row for row in sorted(rows, key=lambda row: row.id) if row.edits is not None}
    for edits, row in newest.items():
        provider = providers[row.channel]
        provider.catch_up()
        if row.state is DeliveryState.sent and provider.shows[posts[edits].key] != row.payload:
            raise Broken(f"I13: post {edits} shows an older state than its edit {row.id}")
        if row.state is DeliveryState.superseded and row.detail == NEWER:
            raise Broken(f"I13: the newest edit {row.id} of post {edits} was superseded")
