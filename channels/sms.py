"""SMS, by Twilio or by any provider with an HTTP API; one message for each recipient and update."""

from __future__ import annotations

from decimal import Decimal

import aiohttp
from typing_extensions import override

from channels.base import BaseChannel
from channels.fit import fit
from channels.http import NoAnswer, exchange
from channels.plain import one_line
from channels.sms_request import Request, outcome
from channels.sms_segments import segments, typed
from channels.sms_settings import Settings
from channels.sms_twilio import NotUnderstood, Twilio, refused, words
from daemon.core.clock import Clock, Instant
from daemon.core.ports import CannotTell, Capabilities, Found, Outcome, Payload, Post, Ref, Sent, Shown

LONGEST = 1_600  # characters; Twilio takes no more, and ten segments hold no more


class SmsChannel(BaseChannel[Settings]):
    """Some phones; one attempt is one call."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> None:
        super().__init__(settings, session, clock)
        self._secret = settings.secret.get_secret_value() if settings.secret else ""
        account = settings.account or ""
        user = settings.api_key or account
        self._twilio = Twilio(session, settings.api_url, account, user, self._secret, settings.timeout)

    @override
    def _capabilities(self) -> Capabilities:
        asked = self.settings.request is None  # a described provider has no list that we could read
        return Capabilities(
            "sms",
            self.settings.segments,
            counter="segments",
            per_recipient=True,
            gone_ends=True,
            can_find=asked,
            idempotency="lookup" if asked else "none",
            on_doubt="read_back" if asked else "hold",
            incident_budget=self.settings.incident_budget,
            secrets=("secret",),
        )

    @override
    def recipients(self) -> tuple[str, ...]:
        return self.settings.recipients

    @override
    def _compose(self, post: Post, recipient: str) -> Payload:
        linked = self.settings.link == "always" or (self.settings.link == "first" and post.first)
        who = f"{post.mention} {post.incident}".strip() or post.page_name
        text = typed(one_line(f"{who[:40]}: {post.text[:LONGEST]}"))
        link = post.page_url if linked else ""
        words = typed(fit(text, link, _billed, self.settings.segments, always=True))
        return {"to": recipient, "text": words, "segments": segments(words)}

    @override
    def shown(self, payload: Payload) -> Shown:
        return Shown(payload["text"], length=payload["segments"])

    @override
    def cost(self, payload: Payload) -> Decimal:
        return self.settings.price * int(payload["segments"])

    @override
    async def send(self, payload: Payload, parent: Ref | None, key: str) -> Outcome:
        request = self.settings.request
        try:
            if request is None:
                return await self._by_twilio(payload)
            return await self._by_request(request, payload, key)
        except NoAnswer as lost:
            return lost.outcome

    @override
    async def find(self, payload: Payload, key: str, since: Instant, parent: Ref | None = None) -> Found:
        if self.settings.request is not None:
            return await super().find(payload, key, since, parent)
        try:
            return await self._twilio.search(payload["to"], payload["text"], since)
        except NoAnswer as lost:
            return CannotTell(lost.outcome.detail)
        except NotUnderstood as problem:
            return CannotTell(self.scrub(str(problem)))

    @override
    async def check(self) -> str | None:
        """With Twilio that the key may read messages; else only that somebody answers there."""
        request, timeout = self.settings.request, self.settings.timeout
        try:
            if request is None:
                await self._twilio.check()
            else:
                await exchange(self._session, "HEAD", request.url, timeout=timeout)
        except NoAnswer as lost:
            return lost.outcome.detail
        except NotUnderstood as problem:
            return self.scrub(f"Twilio answered {problem} to Messages")
        return None

    async def _by_twilio(self, payload: Payload) -> Outcome:
        sender = str(self.settings.sender)
        answer = await self._twilio.post(
            {
                "To": payload["to"],
                "MessagingServiceSid" if len(sender) > 16 else "From": sender,
                "Body": payload["text"],
                "ValidityPeriod": str(self.settings.valid_for),
                "SmartEncoded": "false",  # done already, so that what is counted and found is what is sent
            }
        )
        name = (answer.fields() or {}).get("sid")
        if answer.good and isinstance(name, str):
            return Sent(Ref({"id": name}))
        said = words(answer).replace(payload["to"], "the recipient")  # logs need no phone numbers
        return refused(answer, self._clock.now(), self.scrub(said))

    async def _by_request(self, request: Request, payload: Payload, key: str) -> Outcome:
        values = {
            "to": payload["to"],
            "digits": payload["to"].removeprefix("+"),
            "text": payload["text"],
            "key": key,
            "secret": self._secret,
        }
        url, headers, body = request.call(values)
        answer = await exchange(
            self._session, request.method, url, timeout=self.settings.timeout, headers=headers, body=body
        )
        return outcome(request.answer, answer, self._clock.now(), self.scrub)


def _billed(text: str) -> int:
    return segments(typed(text))
