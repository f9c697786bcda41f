"""X, by tweepy's client for API v2 with OAuth 1.0a user tokens.

tweepy builds the requests; channels/x_session.py sends and signs them.
"""

from __future__ import annotations

import unicodedata
from decimal import Decimal

import aiohttp
from typing_extensions import override

from channels.base import SKEW, BaseChannel
from channels.fit import fit
from channels.http import Answer, NoAnswer, outcome_of, wait_asked
from channels.plain import uncalled
from channels.weight import links, weighted
from channels.x_budget import Budget, Prices
from channels.x_session import Refusal, XSession, words
from channels.x_settings import Settings
from channels.x_timeline import TooLong, XTimeline, same, unwrapped
from daemon.core.clock import Clock, Instant
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
    Scope,
    Sent,
    Shown,
    Unknown,
)

MAX_WEIGHT = 280  # https://docs.x.com/fundamentals/counting-characters
LONGEST = 2_000
"""Code points worth counting: 140 emoji of up to 11 code points each are 280."""


class XChannel(BaseChannel[Settings]):
    """An account on X; one attempt is at most two calls, each with half of ``timeout``."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> None:
        super().__init__(settings, session, clock)
        secrets = (
            settings.api_key,
            settings.api_key_secret,
            settings.access_token,
            settings.access_token_secret,
        )
        keys = tuple(secret.get_secret_value() for secret in secrets)
        # Imported here: tweepy costs every start a twentieth of a second, and most sites have no X.
        from tweepy.asynchronous import AsyncClient  # type: ignore[import-untyped] # noqa: PLC0415

        self._client = AsyncClient(None, *keys, return_type=dict)
        self._client.session = XSession(session, settings.api_url, keys, settings.timeout / 2)
        self._timeline = XTimeline(self._client)
        self._prices = Prices(settings.price, settings.price_with_link)
        self._budget = Budget(settings.monthly_posts, settings.monthly_budget, self._prices)

    @override
    def _capabilities(self) -> Capabilities:
        return Capabilities(
            "x",
            MAX_WEIGHT,
            counter="weighted",
            threads=True,
            can_find=True,
            idempotency="content",
            on_doubt="read_back",
            secrets=("api_key", "api_key_secret", "access_token", "access_token_secret"),
        )

    @override
    def _compose(self, post: Post, recipient: str) -> Payload:
        linked = self.settings.link == "always" or (self.settings.link == "first" and post.first)
        text = uncalled(unicodedata.normalize("NFC", post.text[:LONGEST]), self.settings.mentions)
        return {"text": fit(text, post.page_url if linked else "", weighted, MAX_WEIGHT, always=True)}

    @override
    def cost(self, payload: Payload) -> Decimal:
        return self._prices.of(link=links(payload["text"]))

    @override
    def shown(self, payload: Payload) -> Shown:
        return Shown(payload["text"], length=weighted(payload["text"]))

    @override
    async def send(self, payload: Payload, parent: Ref | None, key: str) -> Outcome:
        text, before = payload["text"], parent.ids.get("id") if parent is not None else None
        if (refused := await self._over(text)) is not None:
            return refused
        outcome = await self._post(text, before)
        if before and isinstance(outcome, Rejected) and outcome.reason is Reason.gone:
            outcome = await self._post(text, None)  # the parent was deleted: a new root
        known = isinstance(outcome, Unknown) and outcome.reason is Reason.content  # X has it already
        if isinstance(outcome, Sent | Unknown) and not known:
            self._budget.spend(text)
        return outcome

    @override
    async def find(self, payload: Payload, key: str, since: Instant, parent: Ref | None = None) -> Found:
        wanted = same(payload["text"])
        try:
            async for found in self._timeline.since(since - SKEW):
                if same(unwrapped(found)) == wanted:
                    return _ref(str(found["id"]))
        except (NoAnswer, Refusal) as problem:
            return CannotTell(self._detail(problem))
        except TooLong as problem:
            return CannotTell(str(problem))
        return NotThere()

    @override
    async def check(self) -> str | None:
        self._timeline.forget()  # what was known does not count: ask
        try:
            user = await self._timeline.me()
        except (NoAnswer, Refusal) as problem:
            return f"X answered {self._detail(problem)} to users/me"
        return None if user else "X did not say who these keys belong to"

    async def _over(self, text: str) -> Outcome | None:
        """Why the budget forbids this post, or why nobody knows; None when it may go."""
        try:
            await self._budget.learn(self._clock.now(), self._timeline.since)
        except NoAnswer as lost:
            return Retry(lost.outcome.reason, f"for the budget: {lost.outcome.detail}")
        except Refusal as refusal:
            outcome = self._refused(refusal.answer, replying=False)
            return Retry(outcome.reason, outcome.detail) if isinstance(outcome, Unknown) else outcome
        except TooLong as problem:
            return Rejected(Reason.other, f"for the budget: {problem}", Scope.destination)
        full = self._budget.refusal(text)
        return Rejected(Reason.other, full, Scope.destination) if full else None

    async def _post(self, text: str, before: str | None) -> Outcome:
        try:
            data = (await self._client.create_tweet(text=text, in_reply_to_tweet_id=before)).get("data")
        except NoAnswer as lost:
            return lost.outcome
        except Refusal as refusal:
            return self._refused(refusal.answer, replying=before is not None)
        if isinstance(data, dict) and isinstance(data.get("id"), str):
            return Sent(_ref(data["id"]))
        return Unknown(Reason.server, "a 2xx without an id")

    def _refused(self, answer: Answer, *, replying: bool) -> Outcome:
        """https://docs.x.com/x-api/fundamentals/response-codes-and-errors."""
        said = words(answer)
        detail, low, now = self.scrub(said), said.lower(), self._clock.now()
        if answer.status == 403 and "duplicate" in low:  # evidence that it is there, without saying where
            return Unknown(Reason.content, f"403 {detail}")
        if replying and (answer.status == 404 or (answer.status in (400, 403) and "repl" in low)):
            return Rejected(Reason.gone, f"{answer.status} {detail}")
        if answer.status == 402:  # no credits left: every post fails until someone buys some
            return Rejected(Reason.other, f"402 {detail}", Scope.destination)
        if answer.status == 429 and "usage" in low:  # the monthly cap, not the fifteen minutes' window
            return Retry(Reason.rate_limited, f"429 {detail}", wait_asked(answer, now), Scope.destination)
        return outcome_of(answer, now, detail)

    def _detail(self, problem: NoAnswer | Refusal) -> str:
        if isinstance(problem, NoAnswer):
            return problem.outcome.detail
        return self.scrub(f"{problem.answer.status} {words(problem.answer)}")


def _ref(post: str) -> Ref:
    return Ref({"id": post}, f"https://x.com/i/web/status/{post}")
