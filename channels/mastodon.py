"""Mastodon and what speaks its API (GoToSocial, Akkoma), by an access token.

https://docs.joinmastodon.org/methods/statuses/
"""

from __future__ import annotations

from typing import Annotated, Literal

import aiohttp
from pydantic import Field
from typing_extensions import override

from channels.base import ApiUrl, BaseChannel, ChannelSettings, Secret
from channels.fit import fit
from channels.http import Answer, NoAnswer, outcome_of
from channels.mastodon_api import Limits, MastodonApi, NotUnderstood, reference
from channels.measure import Seamed
from channels.plain import uncalled
from daemon.core.clock import MINUTE, Clock, Instant
from daemon.core.ports import (
    CannotTell,
    Capabilities,
    Found,
    NotThere,
    Outcome,
    Payload,
    Post,
    Ref,
    Sent,
    Shown,
)
from daemon.core.words import Audience

KEY_LIFE = 50 * MINUTE
"""The server forgets a key after an hour; ten minutes are left for the way there and for its clock."""
LONGEST = 11
"""Code points of a character worth counting: the longest emoji in use have as many."""


class Settings(ChannelSettings):
    """The server and an access token of the account, with the scopes in docs/channels/mastodon.md."""

    kind: Literal["mastodon"]
    audience: Literal[Audience.public] = Audience.public
    on_doubt: None = None
    api_url: ApiUrl = Field(description="the server's address; https, or http to this machine")
    token: Secret = Field(
        description="access token with `write:statuses`, `read:statuses` and `read:accounts`"
    )
    visibility: Literal["public", "unlisted", "private"] = Field(
        default="public",
        description="`public`, `unlisted` (not in the public timelines) or `private` (followers alone)",
    )
    language: Annotated[str, Field(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] | None = Field(
        default=None,
        description="language of the posts as ISO 639, such as `en` or `pt-BR`; else the account's",
    )
    mentions: tuple[str, ...] = Field(
        default=(),
        description="accounts that a post may mention, without their server; other `@name`s get a space",
    )
    timeout: float = Field(
        default=20.0,
        gt=0,
        le=60,
        description="seconds for one attempt; each of its at most two calls has half",
    )


class MastodonChannel(BaseChannel[Settings]):
    """An account; one attempt is at most two calls, each with half of ``timeout``."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> None:
        super().__init__(settings, session, clock)
        token = settings.token.get_secret_value()
        self._api = MastodonApi(session, settings.api_url, token, settings.timeout / 2)
        self._limits = Limits()

    @override
    def _capabilities(self) -> Capabilities:
        return Capabilities(
            "mastodon",
            self._limits.characters,
            counter="graphemes",
            threads=True,
            can_find=True,
            idempotency="native",
            on_doubt="read_back",
            secrets=("token",),
        )

    @override
    def _compose(self, post: Post, recipient: str) -> Payload:
        text = uncalled(post.text[: LONGEST * self._limits.characters], self.settings.mentions)
        # The link costs the same in every post here, and tells the posts of two incidents apart.
        words = fit(text, post.page_url, Seamed(self._limits.count), self._limits.characters, always=True)
        language = {"language": self.settings.language} if self.settings.language else {}
        return {"status": words, "visibility": self.settings.visibility, **language}

    @override
    def shown(self, payload: Payload) -> Shown:
        return Shown(payload["status"], length=self._limits.count(payload["status"]))

    @override
    async def send(self, payload: Payload, parent: Ref | None, key: str) -> Outcome:
        before = parent.ids.get("id") if parent is not None else None
        try:
            answer = await self._api.post({**payload, "in_reply_to_id": before} if before else payload, key)
            if before and answer.status == 404:  # the parent was deleted: a post of its own
                return self._outcome(await self._api.post(payload, key))
            outcome = self._outcome(answer)
        except NoAnswer as lost:
            return lost.outcome
        if isinstance(outcome, Sent) or answer.status == 422:
            await self._learn()
        return outcome

    @override
    async def find(self, payload: Payload, key: str, since: Instant, parent: Ref | None = None) -> Found:
        before = parent.ids.get("id") if parent is not None else None
        try:
            found = await self._api.search(payload["status"], before, since)
        except NoAnswer as lost:
            return CannotTell(lost.outcome.detail)
        except NotUnderstood as problem:
            return CannotTell(self.scrub(str(problem)))
        if isinstance(found, NotThere) and self._clock.now() - since > KEY_LIFE:
            return CannotTell("not there, but too old for its key to keep a second post away")
        return found

    @override
    async def check(self) -> str | None:
        self._api.account = ""  # what was known does not count: ask
        try:
            await self._api.me()
        except NoAnswer as lost:
            return lost.outcome.detail
        except NotUnderstood as problem:
            return self.scrub(f"Mastodon answered {problem}")
        await self._learn()
        return None

    async def _learn(self) -> None:
        """Ask the server for its limits, once; while it does not say, Mastodon's own hold."""
        if not self._limits.asked:
            self._limits = await self._api.limits() or self._limits

    def _outcome(self, answer: Answer) -> Outcome:
        fields = answer.fields() or {}
        if answer.good and isinstance(fields.get("id"), str):
            return Sent(reference(fields))
        return outcome_of(answer, self._clock.now(), self.scrub(str(fields.get("error") or "")))
