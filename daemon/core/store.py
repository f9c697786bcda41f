"""The port of the store: what services may ask of it, and what they may rely on.

One writer: every change is a piece of ``work`` that runs in the event loop
against a ``Tx``, together with others, inside one database transaction.  The
caller of ``Store.write`` goes on only after COMMIT.  Readers see committed data
alone.  No clock is read behind this port except for deadlines.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar

from daemon.core.clock import Instant, Span
from daemon.core.delivery import Delivery, DeliveryState
from daemon.core.journal import GENESIS, Recorded
from daemon.core.listing import Page
from daemon.core.suppression import SuppressionReader, SuppressionTx
from daemon.core.verdict import Verdict
from daemon.core.words import Impact, Status

T = TypeVar("T")
Counted = Literal["group", "episode", "delivery"]


@dataclass(slots=True)
class GroupRow:
    """A group as lists, page and ticker need it: a projection, computed again from the journal at will.

    ``sequence`` and ``head`` are the journal's newest entry and its hash; the
    store fills them in, whatever a writer puts there is ignored.
    """

    id: int
    public_id: str
    route: str
    rules: str
    phase: str  # pending | open | resolved | ended
    created_at: Instant
    key: tuple[tuple[str, str], ...] = ()  # the group_by labels with their values
    number: int | None = None  # INC-<number>; None while it is not an incident
    title: str = ""
    status: Status = Status.investigating
    impact: Impact = Impact.none
    opened_at: Instant | None = None
    resolved_at: Instant | None = None
    ended: str = ""
    next_due: Instant | None = None  # when decide wants to look again
    view: bytes = b"{}"  # JSON for page and lists, opaque here
    sequence: int = 0
    head: bytes = GENESIS


@dataclass(slots=True)
class EpisodeRow:
    """One run of an alert within one group.  Ids only grow, so that rows are appends."""

    id: int
    group: int
    source: str
    fingerprint: str
    starts_at: Instant
    firing: bool
    seen_at: Instant
    labels: dict[str, str] = field(default_factory=dict)
    annotations: bytes = b"{}"
    link: str = ""
    ends_at: Instant | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A body or an alert that could not be taken as it was; kept for people."""

    id: int
    at: Instant
    source: str
    reason: str
    body: bytes


@dataclass(frozen=True, slots=True)
class RulesVersion:
    """A rule set that was live once: its files as they were."""

    version: str
    loaded_at: Instant
    who: str
    sources: tuple[tuple[str, str], ...]  # (file name, text)


@dataclass(frozen=True, slots=True)
class DeliveryCount:
    """How many deliveries of one channel stand in one non-final state, and since when the oldest."""

    channel: str
    state: DeliveryState
    count: int
    oldest: Instant


@dataclass(frozen=True, slots=True)
class Learned:
    """What was committed since memory was last told, by other processes or by a commit in doubt.

    ``entries`` are the new ones of each group, and perhaps some that are known;
    ``episodes`` come without labels, link and flags; ``rules`` are the versions
    that these groups keep and that were not told before.
    """

    batch: int
    groups: list[GroupRow]
    entries: dict[int, list[Recorded]]
    episodes: list[EpisodeRow]
    notes: dict[str, bytes]
    rules: list[RulesVersion]


class Tx(SuppressionTx, Protocol):
    """One piece of work inside a group commit.

    Everything is synchronous and buffered; statements run after the last work
    of the batch.  A work that raises leaves nothing behind.  Where rows must be
    fetched first, the work is undone and runs again once they are at hand.
    """

    @property
    def now(self) -> Instant:
        """The instant that the caller gave to ``Store.write``."""
        ...

    @property
    def batch(self) -> int:
        """The commit that will make this durable; compare with ``Store.committed``."""
        ...

    def next_id(self, table: Counted) -> int: ...

    def next_number(self) -> int:
        """The next incident number; without gaps, because an undone work gives its numbers back."""
        ...

    def touch(self, group: int) -> None:
        """The caller is about to change its memory of this group: name it in ``on_rollback`` if undone.

        Every method here that takes a group does this by itself.
        """
        ...

    def journal(self, group: int, recorded: Recorded) -> None:
        """Append an entry.  Raises Conflict when its sequence is not the next one."""
        ...

    def group(self, row: GroupRow) -> None:
        """Insert or replace the projection; the last one of a batch is written."""
        ...

    def group_later(self, group: int, make: Callable[[Tx], GroupRow]) -> None:
        """As ``group``, but the row is made once, just before the statements run.

        ``make`` must look the group up in the caller's memory by its id at that
        moment (a later work may have gone on, or been undone and dropped it).
        """
        ...

    def episode(self, row: EpisodeRow) -> None: ...

    def episode_changed(
        self, episode: int, *, firing: bool, seen_at: Instant, ends_at: Instant | None, annotations: bytes,
        link: str,
    ) -> None: ...  # fmt: skip

    def delivery(self, row: Delivery) -> None:
        """Put a delivery into the outbox; nothing changes when its key is there already."""
        ...

    def delivery_changed(self, row: Delivery, expected_state: DeliveryState, expected_token: int) -> bool:
        """Compare-and-set on id, state and token; False when the row has moved on.

        Raises Refused for a move that the state machine lacks or a token that shrinks.
        """
        ...

    def quarantine(self, source: str, reason: str, body: bytes) -> None: ...

    def trim_quarantine(self, keep: int) -> None:
        """Forget all but about the newest ``keep`` of what was quarantined."""
        ...

    def note(self, name: str, value: bytes) -> None:
        """Remember a small fact about the daemon itself (its heartbeat, a pause); empty forgets it."""
        ...

    def rules_version(
        self, version: str, loaded_at: Instant, who: str, sources: Sequence[tuple[str, str]]
    ) -> None:
        """Keep the files of a rule set; a version that is known stays as it was."""
        ...

    def prepare(self, groups: Iterable[int], deliveries: Iterable[int] = ()) -> None:
        """The work is about to read these journals and change these rows: call before it changes anything.

        A store that must fetch them then does so for all at once, and runs the work again.
        """
        ...

    def read_group(self, group: int) -> GroupRow | None:
        """The committed projection (not what this batch buffered)."""
        ...

    def read_group_journal(self, group: int) -> list[Recorded]:
        """The whole journal, with what this batch has buffered."""
        ...

    def read_delivery(self, delivery: int) -> Delivery | None: ...

    def in_doubt(self, group: int, channel: str, update: str = "") -> bool:
        """Whether a delivery to the channel (of one update) is in ``DOUBTS``, with what this batch has."""
        ...

    def read_deliveries(
        self, group: int, states: Collection[DeliveryState] = (), *, channel: str = "", edits: bool = False
    ) -> list[Delivery]:
        """A group's posts (or edits), perhaps of one channel, with what this batch has buffered; by id."""
        ...


class Reader(SuppressionReader, Protocol):
    """Questions about committed data; each has a time limit and raises Unavailable beyond it."""

    async def open_groups(self) -> list[GroupRow]:
        """All groups that have not ended, oldest first."""
        ...

    async def group_by_id(self, group: int) -> GroupRow | None: ...

    async def group_by_number(self, number: int) -> GroupRow | None: ...

    async def group_by_public_id(self, public_id: str) -> GroupRow | None: ...

    async def incidents(
        self, limit: int, before: int | None = None, phases: Collection[str] = ()
    ) -> Page[GroupRow]:
        """Incidents by descending number; the cursor is a number."""
        ...

    async def history(self, since: Instant, limit: int, before: int | None = None) -> Page[GroupRow]:
        """Incidents opened at ``since`` or later, for the public page; by descending number."""
        ...

    async def journal(self, group: int, after: int = 0, limit: int | None = None) -> list[Recorded]:
        """Entries with a sequence above ``after``, in order."""
        ...

    async def journals(self, groups: Sequence[int]) -> dict[int, list[Recorded]]: ...

    async def due_groups(self, now: Instant, limit: int) -> list[int]:
        """Groups with ``next_due <= now``, the longest overdue first."""
        ...

    async def earliest_due(self) -> Instant | None: ...

    def open_episodes(self, chunk: int = 2_000) -> AsyncIterator[list[EpisodeRow]]:
        """All firing episodes by id, in chunks; read once at start."""
        ...

    async def closed_episodes(self, limit: int) -> list[EpisodeRow]:
        """The newest episodes that have cleared, oldest first; read once at start."""
        ...

    async def noted(self, name: str) -> bytes | None:
        """What ``Tx.note`` wrote under that name; None when nothing did."""
        ...

    async def alerts(
        self, limit: int, before: int | None = None, *, firing: bool | None = None
    ) -> Page[EpisodeRow]:
        """Episodes by descending id."""
        ...

    async def episodes(self, ids: Sequence[int]) -> list[EpisodeRow]: ...

    async def deliveries(
        self,
        limit: int,
        before: int | None = None,
        *,
        group: int | None = None,
        channel: str | None = None,
        update: str | None = None,
        states: Collection[DeliveryState] = (),
        edits: bool | None = None,
    ) -> Page[Delivery]:
        """Deliveries by descending id; ``edits``: those alone, or (False) posts alone."""
        ...

    async def claimable(self, now: Instant, limit: int, channel: str | None = None) -> list[Delivery]:
        """Queued posts whose time has come and whose predecessors have opened the way, oldest first."""
        ...

    async def earliest_claim(self) -> Instant | None:
        """The smallest ``not_before`` among queued rows (some may still wait for a predecessor)."""
        ...

    async def delivery_counts(self) -> list[DeliveryCount]: ...  # posts alone: edits keep nobody waiting

    async def rules_versions(self, limit: int = 100) -> list[RulesVersion]:
        """Newest first."""
        ...

    async def rules_by_version(self, version: str) -> RulesVersion | None: ...

    async def quarantined(self, limit: int, before: int | None = None) -> Page[Quarantined]: ...

    async def verify_chain(self, group: int) -> Verdict: ...


class Store(Reader, Protocol):
    """The whole store."""

    @property
    def committed(self) -> int:
        """The newest batch that is durable."""
        ...

    @property
    def failure(self) -> str:
        """Why the store is broken for good; empty while it is not."""
        ...

    @property
    def secret(self) -> bytes:
        """32 random bytes, made with the database; public ids are derived from them."""
        ...

    @property
    def exclusive(self) -> bool:
        """Whether no other process can write: what a dead one left in hand then needs no lease to end."""
        ...

    @property
    def is_current(self) -> bool:
        """Whether memory may be believed: what others write is seen soon after."""
        ...

    async def follow(self, tell: Callable[[Learned], None]) -> None:
        """Have ``tell`` called with all that others commit, from the opening of the store on.

        Never while a work runs, and before any work that comes later than such a commit.
        An exclusive store never calls it.
        """
        ...

    async def claim(
        self, channel: str, now: Instant, limit: int, lease: Span, *, edits: bool = False
    ) -> list[Delivery]:
        """Posts of one channel that this process may attempt now, or its edits; oldest first.

        Edits: once the fate of their post is final, and no other edit of it is in hand.
        Where several processes deliver, they come back ``claimed``, with a new
        token, for ``lease``; an exclusive store leaves them ``queued``, because
        nobody else competes (docs/decisions/0007-claim-and-intent-in-one-commit.md).
        """
        ...

    async def write(self, work: Callable[[Tx], T], now: Instant, weight: int = 1) -> T:
        """Run ``work`` in the next batch and return its result after COMMIT.

        ``weight`` is about the number of alerts in it.  ``work`` may be run again
        when a neighbour broke the batch, always after ``on_rollback``, so it must
        look things up in memory when it runs.  Raises whatever ``work`` raises;
        Unavailable when the store is locked, full, too far behind or closing
        (nothing was stored); BadInput when the database refuses what the work
        holds.  A caller that is cancelled learns nothing about the outcome.
        """
        ...

    def on_rollback(self, callback: Callable[[frozenset[int]], None]) -> None:
        """Call back with the groups whose memory must be dropped, before any other work runs."""
        ...

    def on_lost_batch(self, callback: Callable[[int], None]) -> None:
        """Have ``callback`` called with a batch that was undone as a whole, before ``on_rollback``."""
        ...

    def on_failure(self, callback: Callable[[str], None]) -> None:
        """Have ``callback`` called once when the store breaks for good: the process must exit."""
        ...

    def stats(self) -> Mapping[str, float]:
        """Figures for metrics: queued weight, estimated wait in seconds, batches, WAL bytes and the like."""
        ...

    async def close(self) -> None:
        """Finish accepted work, then let go of the database."""
        ...
