"""A receiver of somebody's own, by Standard Webhooks 1.0.0: signed, repeated for days, never led astray."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Literal, Self

import aiohttp
from pydantic import BeforeValidator, Field, SecretStr, model_validator
from typing_extensions import override
from yarl import URL

from channels.base import BaseChannel, ChannelSettings, Secret
from channels.egress import Egress, Network, NotAllowed
from channels.http import Answer, NoAnswer, encoded, outcome_of, parse_wait, wait_asked
from channels.standard_webhooks import SigningSecret, headers, key_of
from channels.webhook_event import MAX_TEXT, event_of
from daemon.core.clock import Clock
from daemon.core.ports import (
    Capabilities,
    Outcome,
    Payload,
    Post,
    Reason,
    Ref,
    Rejected,
    Retry,
    Scope,
    Sent,
    Unknown,
)

SCHEDULE = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""Seconds between attempts, the specification's example: ten attempts in three days."""
GONE = "410: the receiver wants no more; take the channel out, or restart once it takes events again"


def _network(value: object) -> Network:
    try:
        return ip_network(str(value))
    except ValueError:
        raise ValueError("write a network as its first address and its length, such as 10.1.2.0/24") from None


NetworkSetting = Annotated[Network, BeforeValidator(_network)]


class Settings(ChannelSettings):
    """The receiver's address, a secret as a whole, and what to sign with; two secrets while changing them."""

    kind: Literal["webhook"]
    url: Secret = Field(
        description="the receiver's address; https, at port 443 or 8443; kept secret as a whole"
    )
    secret: SigningSecret = Field(description="`whsec_` and 24 to 64 random bytes in base64")
    previous_secret: SigningSecret | None = Field(
        default=None, description="a second one that signs too, while the receiver changes over"
    )
    networks: tuple[NetworkSetting, ...] = Field(
        default=(),
        description=(
            "networks of your own that may be called, also by http and at any port, such as `10.1.2.0/24`"
        ),
    )
    timeout: Annotated[float, Field(gt=0, le=25)] = Field(default=20.0, description="seconds for one attempt")

    @model_validator(mode="after")
    def _may_be_called(self) -> Self:
        try:
            url = URL(self.url.get_secret_value())
        except ValueError:
            raise ValueError("url: write a whole address, such as https://example.com/hook") from None
        if url.raw_fragment:
            raise ValueError("url: no fragment (#...) in this address")
        try:
            Egress(self.networks).judge_url(url)
        except NotAllowed as refused:
            raise ValueError(f"url: {refused}") from None
        return self


class WebhookChannel(BaseChannel[Settings]):
    """A receiver; one attempt is one call."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> None:
        super().__init__(settings, session, clock)
        self._url = URL(settings.url.get_secret_value())
        self._egress = Egress(settings.networks)
        both = (settings.secret, settings.previous_secret)
        self._keys = tuple(key_of(one.get_secret_value()) for one in both if isinstance(one, SecretStr))
        self._gone = False  # it said so; until the next start it is left in peace

    @override
    def _capabilities(self) -> Capabilities:
        return Capabilities(
            "webhook",
            MAX_TEXT,
            counter="bytes",
            idempotency="native",
            on_doubt="resend",
            late_apply=0.0,
            schedule=SCHEDULE,
            secrets=("url", "secret", "previous_secret"),
        )

    @override
    def _compose(self, post: Post, recipient: str) -> Payload:
        return event_of(post)

    @override
    async def send(self, payload: Payload, parent: Ref | None, key: str) -> Outcome:
        if self._gone:
            return Rejected(Reason.gone, GONE, Scope.destination)
        body = encoded(payload)
        signed = headers(self._keys, key, self._clock.now() // 1000, body)
        try:
            answer = await self._call("POST", {"Content-Type": "application/json", **signed}, body)
        except NotAllowed as refused:
            return Rejected(Reason.other, self.scrub(str(refused)), Scope.destination)
        except NoAnswer as lost:
            return lost.outcome
        return Sent(Ref({"id": key})) if answer.good else self._refused(answer)

    @override
    async def check(self) -> str | None:
        """Only that somebody answers there; every answer to HEAD will do, for a receiver need not know it."""
        try:
            answer = await self._call("HEAD", {}, None)
        except NotAllowed as refused:
            return self.scrub(str(refused))
        except NoAnswer as lost:
            return lost.outcome.detail
        if 300 <= answer.status < 400:
            return f"the receiver answered {answer.status}, which is not followed: write the new url"
        return None

    async def _call(self, method: str, fields: dict[str, str], body: bytes | None) -> Answer:
        timeout = self.settings.timeout
        return await self._egress.exchange(method, self._url, timeout=timeout, headers=fields, body=body)

    def _refused(self, answer: Answer) -> Outcome:
        """Its words are not repeated: whoever chose the address chose them too."""
        now = self._clock.now()
        if answer.status == 410:
            self._gone = True
            return Rejected(Reason.gone, GONE, Scope.destination)
        if answer.status == 404:  # a receiver that is being put up again says so as well
            return Retry(Reason.gone, "404", wait_asked(answer, now), Scope.destination)
        outcome = outcome_of(answer, now, "")
        if isinstance(outcome, Unknown):
            asked = parse_wait(answer.headers.get("retry-after", ""), now)
            return Unknown(outcome.reason, outcome.detail, asked)
        return outcome
