"""Slack, by a bot token (threads, edits, read-back) or by an incoming webhook (none of them)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import aiohttp
from typing_extensions import override

from channels.base import SKEW, BaseChannel
from channels.http import Answer, NoAnswer, outcome_of
from channels.mrkdwn import MAX_TEXT, read, said
from channels.slack_api import SlackApi, reference, root_of
from channels.slack_buttons import blocks
from channels.slack_errors import NO_PARENT, refused
from channels.slack_settings import Settings
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
    Scope,
    Sent,
    Shown,
)

PER_MINUTE = 60.0  # "about one message per second per channel", short bursts allowed
EVENT = "tocsin_update"


class SlackChannel(BaseChannel[Settings]):
    """A Slack channel; one attempt is at most two calls, each with half of ``timeout``."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> None:
        super().__init__(settings, session, clock)
        token = settings.token.get_secret_value() if settings.token else ""
        self._hook = settings.webhook_url.get_secret_value() if settings.webhook_url else ""
        self._api = SlackApi(session, settings.api_url, token, settings.timeout / 2)

    @override
    def _capabilities(self) -> Capabilities:
        if self._hook:
            return Capabilities(
                "slack", MAX_TEXT, markup="mrkdwn", per_minute=PER_MINUTE, secrets=("webhook_url",)
            )
        return Capabilities(
            "slack",
            MAX_TEXT,
            markup="mrkdwn",
            threads=True,
            can_edit=True,
            shows_state=True,
            can_find=True,
            idempotency="lookup",
            on_doubt="read_back",
            per_minute=PER_MINUTE,
            secrets=("token",),
        )

    @override
    def _compose(self, post: Post, recipient: str) -> Payload:
        if self._hook:
            post = replace(post, standing=None)  # it cannot be edited: what it shows would not stay so
        message: dict[str, Any] = {
            "text": said(post),
            "mrkdwn": True,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        if not self._hook:
            facts = {"key": post.key, "update": post.update}
            message["channel"] = self.settings.channel
            message["metadata"] = {"event_type": EVENT, "event_payload": facts}
        if self.settings.buttons and post.question is not None:
            message["blocks"] = blocks(message["text"], post.incident, post.question)
        return {"first": post.first, "message": message}

    @override
    def shown(self, payload: Payload) -> Shown:
        return read(payload["message"]["text"])

    @override
    async def send(self, payload: Payload, parent: Ref | None, key: str) -> Outcome:
        message: dict[str, Any] = payload["message"]
        thread = root_of(parent)
        try:
            if self._hook:
                return self._hooked(await self._api.post(self._hook, message))
            outcome = await self._say({**message, "thread_ts": thread} if thread else message)
            if thread and isinstance(outcome, Rejected) and outcome.detail in NO_PARENT:
                return await self._say(message)  # the thread was deleted: a message of its own
        except NoAnswer as lost:
            return lost.outcome
        return outcome

    @override
    async def edit(self, ref: Ref, payload: Payload) -> Outcome:
        if self._hook or not ref.ids.keys() >= {"channel", "ts"}:
            return Rejected(Reason.gone, "this message has no name by which it could be edited")
        try:
            answer = await self._api.change(ref.ids["channel"], ref.ids["ts"], payload["message"])
        except NoAnswer as lost:
            return lost.outcome
        outcome = self._outcome(answer, payload["message"])
        return Sent(ref) if isinstance(outcome, Sent) else outcome

    @override
    async def find(self, payload: Payload, key: str, since: Instant, parent: Ref | None = None) -> Found:
        if self._hook:
            return CannotTell("an incoming webhook cannot be read back")
        query = {"channel": payload["message"]["channel"], "oldest": f"{max(since - SKEW, 0) / 1000:.6f}"}
        try:
            found = await self._api.search("conversations.history", query, key)
            if isinstance(found, NotThere) and (thread := root_of(parent)):
                return await self._api.search("conversations.replies", {**query, "ts": thread}, key)
        except NoAnswer as lost:
            return CannotTell(lost.outcome.detail)
        if isinstance(found, NotThere) and parent is None and not payload["first"]:
            return CannotTell("not at the top level; without its parent the thread cannot be searched")
        return found

    @override
    async def check(self) -> str | None:
        target = {"channel": self.settings.channel or "", "limit": "1"}
        try:
            if self._hook:  # that it answers is all that can be seen without posting
                await self._api.get_address(self._hook)
                return None
            for method, query in (("auth.test", None), ("conversations.history", target)):
                answer = await self._api.get(method, query)
                fields = answer.fields() or {}
                if fields.get("ok") is not True:
                    return (
                        f"Slack answered {self.scrub(str(fields.get('error') or answer.status))} to {method}"
                    )
        except NoAnswer as lost:
            return lost.outcome.detail
        return None

    async def _say(self, message: dict[str, Any]) -> Outcome:
        return self._outcome(await self._api.say(message), message)

    def _outcome(self, answer: Answer, message: dict[str, Any]) -> Outcome:
        fields = answer.fields() or {}
        if answer.good and fields.get("ok") is True and isinstance(fields.get("ts"), str):
            channel = str(fields.get("channel", message["channel"]))
            return Sent(reference(channel, fields["ts"], message.get("thread_ts")))
        error = str(fields.get("error") or "")
        if answer.good and fields.get("ok") is False and error:
            return refused(error, answer, self._clock.now(), self.scrub(error))
        return outcome_of(answer, self._clock.now(), self.scrub(error))

    def _hooked(self, answer: Answer) -> Outcome:
        """https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks: bodies are words."""
        word = body if re.fullmatch("[a-z_]{1,60}", body := answer.text().strip()) else ""
        if answer.status == 200 and word == "ok":
            return Sent(Ref({}))
        outcome = outcome_of(answer, self._clock.now(), self.scrub(word))
        if isinstance(outcome, Rejected) and outcome.reason is Reason.gone:
            return Rejected(Reason.gone, outcome.detail, Scope.destination)
        return outcome
