"""Recipients who get no more mail, and the bounces that led to it: the policy, pure.

A bounce is a mail system's word that a mail could not be delivered.  "Hard"
(5.x.x) means that it never will be; anything else may pass, so only several in a
while count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from daemon.core.clock import DAY, Instant, Span
from daemon.core.delivery import Delivery
from daemon.core.listing import Page

MOST_SOFT = 5
"""Bounces that may pass, of one recipient within ``WINDOW``, that end the mails to it."""

WINDOW: Span = 14 * DAY
BELIEVED: Span = 30 * DAY
"""How long after a mail was made its bounce counts; mail systems try for five days or so."""

MAILBOX_FULL = "5.2.2"  # permanent by its number, and gone as soon as somebody tidies up
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")


class Taken(StrEnum):
    """What became of a bounce; also a metric label."""

    suppressed = "suppressed"  # it ended the mails to its recipient
    counted = "counted"  # kept, and not enough yet
    repeated = "repeated"  # known already: nothing was done
    strange = "strange"  # of no mail that we sent, or sent too long ago: nothing was done


@dataclass(frozen=True, slots=True)
class Bounce:
    """One mail that came back; there is at most one for each delivery, the worst that was told."""

    delivery: int
    channel: str
    recipient: str
    at: Instant
    status: str  # RFC 3463, such as 5.1.1
    detail: str = ""

    @property
    def is_hard(self) -> bool:
        return is_hard(self.status)


@dataclass(frozen=True, slots=True)
class Suppression:
    """A recipient of a channel that is left out, until a person lifts it."""

    channel: str
    recipient: str
    since: Instant
    status: str  # of the bounce that decided
    bounces: int  # that were counted
    detail: str = ""
    lifted_at: Instant | None = None
    lifted_by: str = ""
    id: int = field(default=0, compare=False)  # the store gives it


def is_status(text: str) -> bool:
    """Whether it is a status code of RFC 3463."""
    return _STATUS.fullmatch(text) is not None


def is_hard(status: str) -> bool:
    return status.startswith("5.") and status != MAILBOX_FULL


def verdict(bounce: Bounce, others: Iterable[Bounce], lifted_at: Instant | None) -> Suppression | None:
    """Whether this bounce, with the others of its recipient, ends the mails to it.

    What came before a person lifted a suppression is forgiven.
    """
    since = max(bounce.at - WINDOW, lifted_at or 0)
    count = 1 + sum(other.at > since for other in others if other.delivery != bounce.delivery)
    if not bounce.is_hard and count < MOST_SOFT:
        return None
    return Suppression(bounce.channel, bounce.recipient, bounce.at, bounce.status, count, bounce.detail)


class SuppressionTx(Protocol):
    """What a work may do about these; a part of ``daemon.core.store.Tx``."""

    def bounce(self, row: Bounce) -> None:
        """Keep a bounce; a later one of the same delivery takes its place."""
        ...

    def suppression(self, row: Suppression) -> None:
        """Insert or replace what stands about a recipient of a channel."""
        ...

    def read_delivery_by_key(self, key: str) -> Delivery | None:
        """The delivery with that client key."""
        ...

    def read_bounces(self, channel: str, recipient: str) -> list[Bounce]:
        """All that came back from a recipient, with what this batch has buffered."""
        ...

    def read_suppressions(self, channel: str) -> dict[str, Suppression]:
        """By recipient, the lifted ones too, with what this batch has buffered."""
        ...


class SuppressionReader(Protocol):
    """What readers may ask; a part of ``daemon.core.store.Reader``."""

    async def suppressions(self, limit: int, before: int | None = None) -> Page[Suppression]:
        """Those that are in force, by descending id."""
        ...

    async def suppression_counts(self) -> dict[str, int]:
        """How many are in force, by channel."""
        ...


def in_force(tx: SuppressionTx, channel: str) -> frozenset[str]:
    """The recipients of a channel who get nothing."""
    standing = tx.read_suppressions(channel)
    return frozenset(recipient for recipient, one in standing.items() if one.lifted_at is None)
