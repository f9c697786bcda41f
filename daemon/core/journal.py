"""The journal: everything that happened to a group, append-only and hash-chained.

Each entry kind is a frozen dataclass.  ``decided = False`` marks inputs (what
came in: alerts, people, deliveries, the world), ``True`` marks what
``rules.decide`` answered; replaying the inputs writes the decided entries again.
Fields at their default are left out on disk, so a field may be added later.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import ClassVar, get_args

from daemon.core.clock import Instant
from daemon.core.limits import Limiting
from daemon.core.words import Audience, Impact, Status


@dataclass(frozen=True, slots=True)
class Created:
    """A group begins: by its first alert (``route``) or by a person (``who``)."""

    kind: ClassVar[str] = "created"
    decided: ClassVar[bool] = False
    public_id: str
    rules: str  # version of the rule set that it keeps
    route: str = ""
    labels: dict[str, str] = field(default_factory=dict)  # the group_by labels with their values
    plan: str = ""
    who: str = ""
    title: str = ""
    impact: Impact = Impact.none
    components: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fired:
    """One alert of an ``Alerts`` entry that fires; ``episode`` is its row id."""

    episode: int
    starts_at: Instant
    component: str = ""
    impact: Impact = Impact.none


@dataclass(frozen=True, slots=True)
class Alerts:
    """What one webhook changed for this group; alerts that changed nothing are not in it.

    ``common`` has the labels that all newly firing alerts of the entry share,
    ``note`` the summary of one of them.
    """

    kind: ClassVar[str] = "alerts"
    decided: ClassVar[bool] = False
    source: str = ""
    fired: tuple[Fired, ...] = ()
    cleared: tuple[int, ...] = ()
    common: dict[str, str] = field(default_factory=dict)
    note: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """The monitor still speaks about firing alerts; written a few times per ``stale_after``."""

    kind: ClassVar[str] = "heard"
    decided: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing could be decided from ``since`` until this entry: stopped, suspended, clock jump.

    A ``since`` that is later than the entry: the clock had come that far, and was set back.
    """

    kind: ClassVar[str] = "gap"
    decided: ClassVar[bool] = False
    since: Instant


@dataclass(frozen=True, slots=True)
class Numbered:
    """The incident got its number for people inside: INC-<number>."""

    kind: ClassVar[str] = "numbered"
    decided: ClassVar[bool] = False
    number: int


@dataclass(frozen=True, slots=True)
class DeliveryMoved:
    """A delivery changed state in the outbox; per-recipient ones report once per update and state."""

    kind: ClassVar[str] = "delivery"
    decided: ClassVar[bool] = False
    channel: str
    update: str
    state: str
    key: str = ""
    reason: str = ""
    url: str = ""
    who: str = ""  # the person who settled a doubt
    edits: str = (
        ""  # the update whose post was changed: it is the end of an edit, and no word about ``update``
    )


@dataclass(frozen=True, slots=True)
class ChannelTurned:
    """A destination went down or came back; or it is to be tried again (``down`` as it was)."""

    kind: ClassVar[str] = "channel"
    decided: ClassVar[bool] = False
    channel: str
    down: bool
    tried: bool = False


@dataclass(frozen=True, slots=True)
class Paused:
    """``tocsin pause``: a take over of all incidents until ``resume`` or ``until``."""

    kind: ClassVar[str] = "paused"
    decided: ClassVar[bool] = False
    who: str
    until: Instant | None = None


@dataclass(frozen=True, slots=True)
class Resumed:
    kind: ClassVar[str] = "resumed"
    decided: ClassVar[bool] = False
    who: str


@dataclass(frozen=True, slots=True)
class Acted:
    """A person did something; ``update`` holds their words, the rest what they set.

    Acts: ack, update, take_over, hand_back, approve, veto, retract, merge,
    move_rules.  ``update`` alone may carry text, status, impact, components,
    channels, promise, plan; status ``resolved`` resolves.
    """

    kind: ClassVar[str] = "acted"
    decided: ClassVar[bool] = False
    act: str
    who: str
    text: str = ""
    title: str = ""
    status: Status | None = None
    impact: Impact | None = None
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    promise: Instant | None = None
    plan: str = ""
    occasion: str = ""
    reason: str = ""
    rules: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """``for`` has passed (or a person opened it): from ``due`` on there is an incident."""

    kind: ClassVar[str] = "opened"
    decided: ClassVar[bool] = True
    due: Instant
    plan: str
    impact: Impact
    components: tuple[str, ...] = ()
    title: str = ""
    reason: str = ""  # why the plan is not the route's


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """The incident's status moved; ``event`` is the word that ``on`` steps listen for."""

    kind: ClassVar[str] = "status"
    decided: ClassVar[bool] = True
    status: Status
    due: Instant
    event: str = ""
    who: str = ""


@dataclass(frozen=True, slots=True)
class ImpactRaised:
    kind: ClassVar[str] = "impact"
    decided: ClassVar[bool] = True
    impact: Impact
    cause: str  # "alerts", "raise 0", or a step's occasion


@dataclass(frozen=True, slots=True)
class ComponentsChanged:
    kind: ClassVar[str] = "components"
    decided: ClassVar[bool] = True
    components: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlanChanged:
    kind: ClassVar[str] = "plan"
    decided: ClassVar[bool] = True
    plan: str
    cause: str


@dataclass(frozen=True, slots=True)
class RaiseLooked:
    """Which ``raise`` lines of the route held at the last look (needed once a person set the impact)."""

    kind: ClassVar[str] = "raise"
    decided: ClassVar[bool] = True
    held: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """A text goes out: ``posts`` has the words for each channel, frozen.

    ``step`` is the rule's step id or ``person``.  ``promise`` is the instant of
    the next update that the words promise; ``counts`` says whether it restarts
    the cadence.
    """

    kind: ClassVar[str] = "said"
    decided: ClassVar[bool] = True
    update: str
    step: str
    audience: Audience
    status: Status
    impact: Impact
    posts: dict[str, str]
    plan: str = ""
    occasion: str = ""
    counts: bool = False
    promise: Instant | None = None
    who: str = ""
    pages: tuple[str, ...] = ()  # status pages among the posts: sent with this very entry
    internal: tuple[str, ...] = ()  # internal channels among the posts
    left_out: dict[str, str] = field(default_factory=dict)  # channel -> collapsed | same text
    components: tuple[str, ...] = ()
    carried: bool = False  # the person's own words, to channels that lacked them
    shadow: bool = False  # nothing of it left for customers: the plan is in shadow


@dataclass(frozen=True, slots=True)
class Asked:
    """A person or channel is asked; ``ready`` is a text that could be sent as it is."""

    kind: ClassVar[str] = "asked"
    decided: ClassVar[bool] = True
    update: str
    whom: str
    channel: str  # empty: nobody can be reached, the operator view alone shows it
    text: str
    reason: str
    step: str = ""
    plan: str = ""
    occasion: str = ""
    mention: str = ""
    ready: str = ""
    waits: str = ""  # the occasion whose text waits for the answer


@dataclass(frozen=True, slots=True)
class StepSet:
    """A ``set`` step acted."""

    kind: ClassVar[str] = "set"
    decided: ClassVar[bool] = True
    step: str
    plan: str
    occasion: str
    impact: Impact | None = None
    move_to: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """An occasion ended without a word; the reason is one short phrase."""

    kind: ClassVar[str] = "skipped"
    decided: ClassVar[bool] = True
    step: str
    plan: str
    occasion: str
    reason: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A text waits for its veto window or for votes; people see exactly these posts."""

    kind: ClassVar[str] = "waiting"
    decided: ClassVar[bool] = True
    step: str
    plan: str
    occasion: str
    need: str  # veto | one | two
    until: Instant
    otherwise: str  # skip | post
    posts: dict[str, str]
    promise: Instant | None = None
    attempt: int = 1
    first: bool = False  # it would be the page's first update


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A waiting text no longer fits the facts; the occasion is open again and will ask anew."""

    kind: ClassVar[str] = "withdrawn"
    decided: ClassVar[bool] = True
    step: str
    plan: str
    occasion: str
    reason: str


@dataclass(frozen=True, slots=True)
class PromiseBroken:
    kind: ClassVar[str] = "promise_broken"
    decided: ClassVar[bool] = True
    due: Instant


@dataclass(frozen=True, slots=True)
class TakeOverEnded:
    kind: ClassVar[str] = "take_over_ended"
    decided: ClassVar[bool] = True
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class Superseded:
    """Posts still queued on these channels will not leave."""

    kind: ClassVar[str] = "superseded"
    decided: ClassVar[bool] = True
    channels: tuple[str, ...]
    reason: str
    again: bool = False  # the channel is tried again: what it missed is said once with the facts of now
    updates: tuple[str, ...] = ()  # these alone, and what older ones left behind; empty: all


@dataclass(frozen=True, slots=True)
class Ended:
    """No alert joins any more: ``resolved``, ``retracted``, ``merged`` or ``never_opened``.

    ``on`` steps with ``after``, deliveries and people may still add entries.
    """

    kind: ClassVar[str] = "ended"
    decided: ClassVar[bool] = True
    how: str


Entry = (
    Created | Alerts | Heard | Gap | Numbered | DeliveryMoved | ChannelTurned | Paused | Resumed | Acted
    | Opened | StatusChanged | ImpactRaised | ComponentsChanged | PlanChanged | RaiseLooked | Said | Asked
    | StepSet | Skipped | Waiting | Withdrawn | PromiseBroken | TakeOverEnded | Superseded | Ended | Limiting
)  # fmt: skip

KINDS: dict[str, type[Entry]] = {cls.kind: cls for cls in get_args(Entry)}


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry with its place: ``at`` is when we learnt or decided it."""

    sequence: int
    at: Instant
    entry: Entry


GENESIS = bytes(32)


def chain(previous: bytes, group: int, sequence: int, at: Instant, kind: str, body: bytes) -> bytes:
    """The hash that seals an entry: SHA-256 over the one before and this one's place and bytes.

    >>> len(chain(GENESIS, 1, 1, 0, "heard", b"{}"))
    32
    """
    head = f"{group}\n{sequence}\n{at}\n{kind}\n".encode()
    return hashlib.sha256(previous + head + body).digest()
