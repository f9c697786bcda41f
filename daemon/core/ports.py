"""The seam between the outbox and the channels.

A channel turns one frozen payload into one call and one outcome.  It never
retries, never sleeps, keeps no state about deliveries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, Protocol

from daemon.core.clock import Instant
from daemon.core.words import Audience, ComponentStatus


class Reason(StrEnum):
    """Why an attempt did not end as ``Sent``; also a metric label."""

    network = "network"
    timeout = "timeout"
    server = "server"
    rate_limited = "rate_limited"
    auth = "auth"
    content = "content"
    gone = "gone"
    other = "other"


class Scope(StrEnum):
    """What a refusal is about: this delivery alone, or all to this destination."""

    delivery = "delivery"
    destination = "destination"


@dataclass(frozen=True, slots=True)
class Ref:
    """What a channel needs to find its post again: opaque ids and a public address if there is one."""

    ids: Mapping[str, str]
    url: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """The channel has it; ``ref`` names the post where the channel gives a name."""

    ref: Ref


@dataclass(frozen=True, slots=True)
class Retry:
    """Proof that nothing was sent (no byte left, or a documented "not performed")."""

    reason: Reason
    detail: str = ""
    after: float | None = None  # seconds the other side asked us to wait
    scope: Scope = Scope.delivery


@dataclass(frozen=True, slots=True)
class Rejected:
    """Refused for good; sending the same bytes again is useless."""

    reason: Reason
    detail: str = ""
    scope: Scope = Scope.delivery


@dataclass(frozen=True, slots=True)
class Unknown:
    """Bytes left and nobody saw the answer: it may be there or not."""

    reason: Reason
    detail: str = ""
    after: float | None = None  # seconds for which the other side wants to be left alone


Outcome = Sent | Retry | Rejected | Unknown


@dataclass(frozen=True, slots=True)
class NotThere:
    """Read-back walked the complete list and the post is not in it."""


@dataclass(frozen=True, slots=True)
class CannotTell:
    """Read-back could not answer."""

    detail: str = ""


Found = Ref | NotThere | CannotTell


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel kind can do; the core asks this and never compares kinds."""

    kind: str
    max_length: int | None = None
    counter: str = "characters"  # characters | units | weighted | bytes | graphemes | segments
    markup: Literal["plain", "mrkdwn", "markdown", "html", "card", "facets"] = "plain"
    per_recipient: bool = False
    gone_ends: bool = False  # "gone" is about the recipient, who is left out from then on
    side_by_side: int = 8  # recipients that a per-recipient one writes to at once
    threads: bool = False
    can_edit: bool = False
    shows_state: bool = False  # an incident's first post is edited to show how it stands now; needs can_edit
    can_find: bool = False
    idempotency: Literal["native", "lookup", "content", "none"] = "none"
    on_doubt: Literal["hold", "resend", "read_back"] = "hold"
    late_apply: float = 60.0  # seconds within which the provider may still apply a call we gave up on
    per_minute: float | None = None  # posts that it takes in a minute; None: as fast as it answers
    mirrors: bool = False  # it also shows how the components stand: its posts carry ``states``
    schedule: tuple[float, ...] = ()  # seconds after each failed attempt; after the last one the row is dead
    incident_budget: Decimal | None = None  # what one incident may cost here, in the currency of ``cost``
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ComponentState:
    """How a component stands with this post, by all open incidents that its channel was told of.

    ``id`` is the rule files' name for it: for look-ups in a map, never to be shown.
    """

    id: str
    name: str
    status: ComponentStatus


@dataclass(frozen=True, slots=True)
class Standing:
    """What the first post of an incident shows beside its words, where it shows the state."""

    since: Instant  # when the incident began
    said_at: Instant  # when the words were said


@dataclass(frozen=True, slots=True)
class Question:
    """Which answers people may give, and about what: for channels that have buttons."""

    answers: tuple[Literal["acknowledge", "approve", "veto"], ...]
    step: str = ""  # the step whose text waits, and its occasion
    occasion: str = ""


@dataclass(frozen=True, slots=True)
class Post:
    """One update as a channel is to say it: everything ``render`` may look at.

    ``text`` is the words chosen for this channel; the rest is for titles,
    threads and colours.  ``audience`` is checked against the channel's before
    rendering: internal text cannot be rendered for a public channel.
    """

    key: str  # the client key: deterministic, the same in every retry
    incident: str  # INC-42, for internal channels only
    title: str
    text: str
    audience: Audience
    status: str
    impact: str
    components: tuple[str, ...]
    first: bool  # the first post of this incident on this channel
    page_name: str
    page_url: str  # the incident's public page
    at: Instant
    mention: str = ""
    update: str = ""  # the update's id
    thread: str = ""  # the update id of the incident's first post here
    facts: Mapping[str, str] = field(default_factory=dict)  # internal channels: links and labels to show
    public_id: str = ""  # the incident's name on the page: the same in all its posts, and tells nothing
    began: Instant = 0  # when the incident was opened
    states: tuple[ComponentState, ...] = ()  # for channels that mirror: all that it was ever about there
    standing: Standing | None = None  # the incident's first post here: what it shows of the state
    question: Question | None = None  # internal channels: people are asked


Payload = dict[str, Any]
"""Frozen at enqueue as JSON; a retry sends the same bytes."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A payload as its readers see it, without the platform's markup."""

    text: str
    title: str = ""  # what stands out above the text
    length: int | None = (
        None  # by the platform's own count, of what it holds against the kind's ``max_length``
    )


class Channel(Protocol):
    """A configured way out.  ``send`` makes one attempt with a deadline of its own."""

    @property
    def name(self) -> str: ...

    @property
    def audience(self) -> Audience: ...

    @property
    def capabilities(self) -> Capabilities: ...

    def recipients(self) -> tuple[str, ...]:
        """Whom a per-recipient channel writes to; ``("",)`` for a broadcast one."""
        ...

    def render(self, post: Post, recipient: str = "") -> Payload:
        """Pure: the bytes that would go out.  Raises ValueError for internal text on a public channel."""
        ...

    def cost(self, payload: Payload) -> Decimal:
        """Pure: what one sending costs, in the currency that the operator counts in; 0 where it is free."""
        ...

    def shown(self, payload: Payload) -> Shown:
        """Pure: what its readers will see, for people who look before it goes."""
        ...

    async def send(self, payload: Payload, parent: Ref | None, key: str) -> Outcome: ...

    async def edit(self, ref: Ref, payload: Payload) -> Outcome:
        """Make the post at ``ref`` say ``payload``: one attempt.  Doing it twice is doing it once."""
        ...

    async def find(self, payload: Payload, key: str, since: Instant, parent: Ref | None = None) -> Found:
        """Look for the post of an attempt nobody saw the end of.

        ``since`` is when that attempt began; ``parent`` is what ``send`` was
        given, for replies stand in their thread and nowhere else.
        """
        ...

    async def check(self) -> str | None:
        """None when credentials and target are good, else what is wrong; posts nothing."""
        ...

    async def close(self) -> None: ...
