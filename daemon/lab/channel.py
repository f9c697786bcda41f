"""A channel of the lab: takes posts, or answers as its mood says; there is nobody behind it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from daemon.core.clock import Instant
from daemon.core.ports import (
    CannotTell,
    Capabilities,
    Found,
    NotThere,
    Outcome,
    Payload,
    Post,
    Reason,
    Ref,
    Rejected,
    Retry,
    Sent,
    Shown,
    Unknown,
)
from daemon.core.words import Audience

POLICIES: dict[str, Capabilities] = {
    "bluesky": Capabilities(
        "bluesky", threads=True, can_find=True, idempotency="native", on_doubt="resend", late_apply=10.0
    ),
    "discord": Capabilities(
        "discord", threads=True, can_find=True, idempotency="native", on_doubt="read_back"
    ),
    "email": Capabilities("email", per_recipient=True, on_doubt="resend", late_apply=0.0),
    "log": Capabilities("log", on_doubt="resend", late_apply=0.0),
    "mastodon": Capabilities(
        "mastodon", threads=True, can_find=True, idempotency="native", on_doubt="read_back"
    ),
    "slack": Capabilities("slack", threads=True, can_find=True, idempotency="lookup", on_doubt="read_back"),
    "teams": Capabilities("teams"),
    "telegram": Capabilities("telegram", threads=True),
    "x": Capabilities("x", threads=True, can_find=True, idempotency="content", on_doubt="read_back"),
}
"""What decides about a post of which nobody saw the end, by kind; a kind that is not here leaves it to a
person.  No rates and no lengths: the rules decide what is said and when, not how fast a wire is."""

Accepted = Callable[[str, str, str], None]
"""Told of each post that a channel took: channel, update and text."""


class LabChannel:
    """Keeps nothing; whoever listens hears what it takes."""

    def __init__(self, name: str, kind: str, audience: Audience, accepted: Accepted) -> None:
        self.name = name
        self.audience = audience
        self.capabilities = POLICIES.get(kind) or Capabilities(kind)
        self.is_down = False
        self.answers: list[Outcome] = []  # to the next posts, one each
        self._accepted = accepted
        self._taken = 0

    def turn(self, mood: str) -> None:
        """What becomes of posts from now on, or of the next one."""
        if mood == "unknown":
            self.answers.append(Unknown(Reason.timeout, "no answer"))
        elif mood == "rejected":
            self.answers.append(Rejected(Reason.content, "refused"))
        else:
            self.is_down = mood == "down"

    def recipients(self) -> tuple[str, ...]:
        return ("reader",) if self.capabilities.per_recipient else ("",)

    def render(self, post: Post, recipient: str = "") -> Payload:
        if post.audience is Audience.internal and self.audience is Audience.public:
            raise ValueError("internal text on a public channel")
        return {"text": post.text, "update": post.update, "to": recipient}

    async def send(self, payload: Payload, parent: Ref | None, key: str) -> Outcome:
        del parent, key  # a wire would need them
        if self.is_down:
            return Retry(Reason.network, "down")
        if self.answers:
            return self.answers.pop(0)
        self._taken += 1
        self._accepted(self.name, payload["update"], payload["text"])
        return Sent(Ref({"id": str(self._taken)}))

    async def edit(self, ref: Ref, payload: Payload) -> Outcome:
        """No post of the lab shows a state, so none is ever edited."""
        del payload
        return Retry(Reason.network, "down") if self.is_down else Sent(ref)

    def cost(self, payload: Payload) -> Decimal:
        del payload  # budgets are the configuration's, and the lab has none
        return Decimal(0)

    def shown(self, payload: Payload) -> Shown:
        return Shown(payload["text"])

    async def find(self, payload: Payload, key: str, since: Instant, parent: Ref | None = None) -> Found:
        del payload, key, since, parent  # what was in doubt never arrived here
        return NotThere() if self.capabilities.can_find else CannotTell("cannot be read back")

    async def check(self) -> str | None:
        return None

    async def close(self) -> None:
        """Nothing is open."""
