"""Discord, by a bot (replies, edits, read-back) or by a webhook (edits alone)."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from urllib.parse import urlsplit

import aiohttp
from typing_extensions import override

from channels.base import SKEW, BaseChannel
from channels.discord_api import UNKNOWN_MESSAGE, DiscordApi, listed, posted, reference, refused, words
from channels.discord_markdown import MAX_TEXT, read, said, unmarked
from channels.discord_settings import HOOK, Settings
from channels.http import Answer, NoAnswer
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
    Scope,
    Sent,
    Shown,
)

PER_MINUTE = 30.0  # from experience: Discord documents no numbers, its 429 says the rest
SUPPRESS_EMBEDS = 1 << 2
"""The message flag that keeps Discord from unfolding links."""
_EITHER = Capabilities("discord", MAX_TEXT, "units", "markdown", can_edit=True, per_minute=PER_MINUTE)


class DiscordChannel(BaseChannel[Settings]):
    """A channel or thread; one attempt is one call.  Nobody is ever mentioned."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> None:
        super().__init__(settings, session, clock)
        self._hook = settings.webhook_url is not None
        self._query, credential = "", {}
        if settings.webhook_url is not None:
            address = urlsplit(settings.webhook_url.get_secret_value())
            base = f"{address.scheme}://{address.netloc}/api/v10"  # without a version it is an old one
            self._path = "/webhooks/" + HOOK.sub(r"\1", address.path.rstrip("/"))
            self._query = f"thread_id={settings.thread}" if settings.thread else ""
        else:
            base, self._path = settings.api_url, f"/channels/{settings.channel}"
            credential = {
                "Authorization": f"Bot {settings.token.get_secret_value() if settings.token else ''}"
            }
        self._api = DiscordApi(session, base, credential, settings.timeout)

    @override
    def _capabilities(self) -> Capabilities:
        if self._hook:
            return replace(_EITHER, secrets=("webhook_url",))
        return replace(
            _EITHER,
            threads=True,
            can_find=True,
            idempotency="native",
            on_doubt="read_back",
            secrets=("token",),
        )

    @override
    def _compose(self, post: Post, recipient: str) -> Payload:
        nonce = "" if self._hook else sha256(post.key.encode()).hexdigest()[:24]  # 25 at most
        message = {
            "content": said(post, nonce),
            "flags": SUPPRESS_EMBEDS,
            "allowed_mentions": {"parse": []},
        }
        return {"message": message, "nonce": nonce}

    @override
    def shown(self, payload: Payload) -> Shown:
        return read(payload["message"]["content"])

    @override
    async def send(self, payload: Payload, parent: Ref | None, key: str) -> Outcome:
        message, path = dict(payload["message"]), f"{self._path}/messages"
        root = parent.ids.get("root") if parent is not None else None
        if self._hook:
            # Without wait=true Discord says nothing about a message that it did not keep.
            path = f"{self._path}?wait=true" + (f"&{self._query}" if self._query else "")
        else:
            message |= {"nonce": payload["nonce"], "enforce_nonce": True}
            if root:
                message["message_reference"] = {"message_id": root, "fail_if_not_exists": False}
        return await self._written("POST", path, message, root)

    @override
    async def edit(self, ref: Ref, payload: Payload) -> Outcome:
        if "id" not in ref.ids:
            return Rejected(Reason.gone, "this message has no name by which it could be edited")
        path = f"{self._path}/messages/{ref.ids['id']}" + (f"?{self._query}" if self._query else "")
        message = payload["message"]
        message = {**message, "content": unmarked(message["content"], payload["nonce"])}
        return await self._written("PATCH", path, message, ref.ids.get("root"))

    @override
    async def find(self, payload: Payload, key: str, since: Instant, parent: Ref | None = None) -> Found:
        if self._hook:
            return CannotTell("a webhook cannot be read back")
        try:
            return await self._api.search(str(self.settings.channel), payload["nonce"], since - SKEW)
        except NoAnswer as lost:
            return CannotTell(lost.outcome.detail)

    @override
    async def check(self) -> str | None:
        messages = f"{self._path}/messages?limit=1"
        answers = []
        try:
            for path in (self._path,) if self._hook else ("/users/@me", self._path, messages):
                answers.append(answer := await self._api.get(path))
                if not answer.good:
                    call = "its webhook" if self._hook else path
                    return f"Discord answered {self.scrub(f'{answer.status} {words(answer)}')} to {call}"
        except NoAnswer as lost:
            return lost.outcome.detail
        if not self._hook and (answers[1].fields() or {}).get("last_message_id") and not listed(answers[2]):
            return "the bot sees no message of its channel: give it the right Read Message History"
        return None

    async def _written(self, method: str, path: str, message: Payload, root: str | None) -> Outcome:
        try:
            answer = await self._api.write(method, path, message)
        except NoAnswer as lost:
            return lost.outcome
        if (found := posted(answer)) is not None:
            return Sent(reference(found, root))
        return self._refused(answer)

    def _refused(self, answer: Answer) -> Outcome:
        detail = self.scrub(words(answer))
        deleted = (answer.fields() or {}).get("code") == UNKNOWN_MESSAGE
        if self._hook and answer.status in (404, 410) and not deleted:
            # Such a webhook must not be called again: Discord bans addresses that go on.
            return Rejected(Reason.gone, f"{answer.status} {detail}".strip(), Scope.destination)
        return refused(answer, self._clock.now(), detail)
