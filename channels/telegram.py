"""Telegram, by a bot that writes into a channel or a group; it can edit and answer, and not read back."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import aiohttp
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from typing_extensions import override

from channels.base import ApiUrl, BaseChannel, ChannelSettings, Secret
from channels.http import Answer, NoAnswer, encoded, exchange
from channels.telegram_errors import parameters, refused, unchanged, words
from channels.telegram_html import MAX_TEXT, read, said
from daemon.core.clock import Clock
from daemon.core.ports import Capabilities, Outcome, Payload, Post, Reason, Ref, Rejected, Sent, Shown

PER_MINUTE = 20.0  # https://core.telegram.org/bots/faq: in one group


def _bot_token(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"\d+:[A-Za-z0-9_-]+", secret.get_secret_value()):
        raise ValueError("write the token as BotFather gave it: a number, a colon, letters and digits")
    return secret


def _number(value: object) -> object:
    return str(value) if type(value) is int else value


def _chat(text: str) -> str:
    if not re.fullmatch(r"-\d{1,16}|@[A-Za-z][A-Za-z0-9_]{3,31}", text):
        raise ValueError(
            "write the @name of a public channel or group, or its id, a number that begins with -"
        )
    return text


class Settings(ChannelSettings):
    """``token`` from BotFather; ``chat`` is an @name or an id; ``topic`` is one of a group's topics."""

    kind: Literal["telegram"]
    token: Annotated[Secret, AfterValidator(_bot_token)] = Field(description="the token that BotFather gave")
    chat: Annotated[str, BeforeValidator(_number), AfterValidator(_chat)] = Field(
        description="`@name`, or the id, which begins with `-`"
    )
    topic: Annotated[int, Field(gt=0)] | None = Field(
        default=None, description="the number of a topic, in a group that has topics"
    )
    api_url: ApiUrl = Field(
        default="https://api.telegram.org",
        description="a Bot API server of your own; https, or http to this machine",
    )
    timeout: float = Field(
        default=20.0,
        gt=0,
        le=25,
        description="seconds for one attempt; each of its at most two calls has half",
    )


class TelegramChannel(BaseChannel[Settings]):
    """A chat; one attempt is at most two calls, each with half of ``timeout``."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> None:
        super().__init__(settings, session, clock)
        # The token is a part of every address: no address is ever shown.
        self._base = f"{settings.api_url}/bot{settings.token.get_secret_value()}"

    @override
    def _capabilities(self) -> Capabilities:
        return Capabilities(
            "telegram",
            MAX_TEXT,
            "units",
            "html",
            threads=True,
            can_edit=True,
            per_minute=PER_MINUTE,
            secrets=("token",),
        )

    @override
    def _compose(self, post: Post, recipient: str) -> Payload:
        return {
            "text": said(post),
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": True},
        }

    @override
    def shown(self, payload: Payload) -> Shown:
        return read(payload["text"])

    @override
    async def send(self, payload: Payload, parent: Ref | None, key: str) -> Outcome:
        chat = self.settings.chat
        message: dict[str, Any] = {**payload, "chat_id": chat if chat.startswith("@") else int(chat)}
        if self.settings.topic is not None:
            message["message_thread_id"] = self.settings.topic
        root = parent.ids.get("root") if parent is not None else None
        answering = {}
        if root is not None:  # allow_sending_without_reply: it may be deleted
            answering["reply_parameters"] = {"message_id": int(root), "allow_sending_without_reply": True}
        try:
            answer = await self._call("sendMessage", {**message, **answering})
            moved = parameters(answer).get("migrate_to_chat_id")
            if answer.status == 400 and isinstance(moved, int):
                # The group became a supergroup: nothing was sent, and its messages have other numbers now.
                answer = await self._call("sendMessage", {**message, "chat_id": moved})
                root = None
        except NoAnswer as lost:
            return lost.outcome
        return self._outcome(answer, root)

    @override
    async def edit(self, ref: Ref, payload: Payload) -> Outcome:
        if not ref.ids.keys() >= {"chat", "id"}:
            return Rejected(Reason.gone, "this message has no name by which it could be edited")
        target = {"chat_id": int(ref.ids["chat"]), "message_id": int(ref.ids["id"])}
        try:
            answer = await self._call("editMessageText", {**payload, **target})
        except NoAnswer as lost:
            return lost.outcome
        return Sent(ref) if unchanged(answer) else self._outcome(answer, ref.ids.get("root"))

    @override
    async def check(self) -> str | None:
        chat = self.settings.chat
        try:
            me = await self._ask("getMe")
            place = await self._ask("getChat", chat_id=chat)
            member = await self._ask("getChatMember", chat_id=chat, user_id=str(me.get("id")))
        except NoAnswer as lost:
            return lost.outcome.detail
        except _Refused as refusal:
            return self.scrub(str(refusal))
        status = member.get("status")
        if status in ("left", "kicked"):
            return f"the bot is not in {chat}: add it there"
        if place.get("type") == "channel" and status != "creator" and not member.get("can_post_messages"):
            return f"the bot may not post in {chat}: make it an administrator that may post messages"
        if status == "restricted" and not member.get("can_send_messages"):
            return f"the bot may not write in {chat}: lift its restriction"
        return None

    async def _call(self, method: str, fields: dict[str, Any]) -> Answer:
        return await exchange(
            self._session,
            "POST",
            f"{self._base}/{method}",
            timeout=self.settings.timeout / 2,
            headers={"Content-Type": "application/json"},
            body=encoded(fields),
        )

    async def _ask(self, method: str, **query: str) -> dict[str, Any]:
        """What a method that changes nothing says.

        Raises:
            NoAnswer: as ``exchange`` does.
            _Refused: Telegram's words.

        """
        url = f"{self._base}/{method}?{urlencode(query)}"
        answer = await exchange(self._session, "GET", url, timeout=self.settings.timeout / 2)
        found = _result(answer)
        if found is None:
            moved = parameters(answer).get("migrate_to_chat_id")
            remedy = f"; write chat: {moved}" if isinstance(moved, int) else ""
            raise _Refused(f"Telegram answered {answer.status} {words(answer)} to {method}{remedy}")
        return found

    def _outcome(self, answer: Answer, root: str | None) -> Outcome:
        found = _result(answer) or {}
        number, chat = found.get("message_id"), found.get("chat")
        if isinstance(number, int) and isinstance(chat, dict) and isinstance(chat.get("id"), int):
            name = chat.get("username")
            ids = {"chat": str(chat["id"]), "id": str(number), "root": root or str(number)}
            return Sent(Ref(ids, f"https://t.me/{name}/{number}" if name else ""))
        return refused(answer, self._clock.now(), self.scrub(words(answer)))


class _Refused(Exception):
    """A check's call that Telegram did not answer as hoped."""


def _result(answer: Answer) -> dict[str, Any] | None:
    fields = answer.fields() or {}
    found = fields.get("result")
    return found if answer.good and fields.get("ok") is True and isinstance(found, dict) else None
