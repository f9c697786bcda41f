"""What all channels share: settings, the audience guard, cleaning, redaction.

A kind's file declares ``Settings`` and a class with ``_capabilities``,
``_compose``, ``send`` and ``check``.  ``render`` is final: it refuses internal
text on a public channel and takes internal facts away before ``_compose`` sees
them, so no kind can forget it.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Generic, Literal, TypeVar, final
from urllib.parse import urlsplit

import aiohttp
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from channels.plain import cleaned, one_line
from channels.redaction import secrets_of
from daemon.core.clock import Clock, Instant
from daemon.core.ports import (
    CannotTell,
    Capabilities,
    Found,
    Outcome,
    Payload,
    Post,
    Reason,
    Ref,
    Rejected,
    Shown,
)
from daemon.core.words import Audience

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
SKEW = 5 * 60_000
"""Milliseconds that read-back looks further back than asked: their clock is not ours."""


def safe_address(url: str) -> str:
    """The address without a slash at its end.

    Raises:
        ValueError: it is not whole, would go out in the clear, or holds what belongs in other keys.

    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # Its own text repeats the address, which may be the secret.
        raise ValueError("write a whole address, such as https://api.example.com") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise ValueError("write a whole address, such as https://api.example.com")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("plain http is taken for this machine alone; write https")
    if parts.username or parts.query or parts.fragment:
        raise ValueError("no credentials, query or fragment in this address")
    return url.rstrip("/")


ApiUrl = Annotated[str, AfterValidator(safe_address)]
"""The base address of a provider: https, or http to this machine."""


def _one_word(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if not value or value != value.strip() or not value.isprintable():
        raise ValueError("empty, or with blanks, line ends or controls in it")
    return secret


Secret = Annotated[SecretStr, AfterValidator(_one_word)]
"""A credential; never shown, and never with a line end that could end a header."""


class ChannelSettings(BaseModel):
    """The keys that every kind takes; each kind adds its own.

    The descriptions are the tables of docs/channels (`make docs`): one sentence, without its full stop.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", description="the id in rule files")
    audience: Audience = Field(
        default=Audience.public,
        description="`internal` gets internal texts, and the incident's number, mentions and facts",
    )
    on_doubt: Literal["hold", "resend"] | None = Field(
        default=None,
        description="after an attempt whose answer nobody saw: `hold` asks a person, `resend` sends again",
    )
    per_minute: Annotated[float, Field(gt=0, le=100_000)] | None = Field(
        default=None, description="posts a minute at most"
    )


SettingsT = TypeVar("SettingsT", bound=ChannelSettings)


class BaseChannel(ABC, Generic[SettingsT]):
    """A configured way out; see ``daemon.core.ports.Channel`` for the meaning of each method."""

    def __init__(self, settings: SettingsT, session: aiohttp.ClientSession, clock: Clock) -> None:
        self.settings = settings
        self._session = session
        self._clock = clock
        self._secrets = secrets_of(settings)

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def audience(self) -> Audience:
        return self.settings.audience

    @property
    def capabilities(self) -> Capabilities:
        own = self._capabilities()
        return replace(
            own,
            on_doubt=self.settings.on_doubt or own.on_doubt,
            per_minute=self.settings.per_minute or own.per_minute,
        )

    def recipients(self) -> tuple[str, ...]:
        return ("",)

    @final
    def render(self, post: Post, recipient: str = "") -> Payload:
        """The payload to freeze.

        Raises:
            ValueError: the text is internal and this channel is public.

        """
        if self.audience is Audience.public:
            if post.audience is not Audience.public:
                raise ValueError(f"channel {self.name!r} is public: internal text cannot be rendered for it")
            post = replace(post, incident="", mention="", facts={})
        return self._compose(cleaned(post), recipient)

    @abstractmethod
    def _capabilities(self) -> Capabilities: ...

    @abstractmethod
    def _compose(self, post: Post, recipient: str) -> Payload: ...

    def cost(self, payload: Payload) -> Decimal:  # noqa: ARG002 - kinds that are paid by the message use it
        """What one sending costs: nothing, where a kind does not say otherwise."""
        return Decimal(0)

    def shown(self, payload: Payload) -> Shown:
        """What readers see: the payload as it is, where a kind does not say otherwise."""
        return Shown(json.dumps(payload, indent=2, ensure_ascii=False))

    @abstractmethod
    async def send(self, payload: Payload, parent: Ref | None, key: str) -> Outcome: ...

    async def find(
        self,
        payload: Payload,  # noqa: ARG002 - the port's arguments; kinds that can find use them
        key: str,  # noqa: ARG002 - see above
        since: Instant,  # noqa: ARG002 - see above
        parent: Ref | None = None,  # noqa: ARG002 - see above
    ) -> Found:
        return CannotTell("this channel cannot be read back")

    async def edit(
        self,
        ref: Ref,  # noqa: ARG002 - kinds that can edit use it
        payload: Payload,  # noqa: ARG002 - see above
    ) -> Outcome:
        """Make the post at ``ref`` say ``payload``; doing it twice is doing it once."""
        return Rejected(Reason.other, "this channel cannot change what it has posted")

    @abstractmethod
    async def check(self) -> str | None: ...

    async def close(self) -> None:
        """Nothing to do: the session belongs to whoever opened it."""

    def scrub(self, text: str) -> str:
        """A short line for outcomes and logs: one line, no secrets, at most 200 characters."""
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return one_line(text)[:200]
