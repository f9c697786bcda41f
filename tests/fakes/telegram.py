"""Telegram's Bot API as far as Tocsin uses it: sending, editing, and who may write where.

Run alone: ``python -m tests.fakes.telegram --port 0 --log FILE``.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

from aiohttp import web

from daemon.core.clock import Clock
from tests.fakes.server import FakeServer, Stored, standalone

TOKEN = "123456789:AAFakeFakeFakeFakeFakeFakeFakeFake_-"
CHAT = -1001234567890
BOT = 123456789
MAX_TEXT = 4_096
_TAG = re.compile(r'<(?:/?(?:b|strong|i|em|u|s|code|pre|a)|a href="[^"<>]*")>')
_MENTION = re.compile(r"(?<!\w)@(\w{3,32})")


class FakeTelegram(FakeServer):
    """One bot and its chats; ``members`` says what the bot is in each."""

    def __init__(
        self, *, token: str = TOKEN, clock: Clock | None = None, log: Path | None = None, port: int = 0
    ) -> None:
        super().__init__(clock=clock, log=log, port=port)
        self.token = token
        self.chats: dict[int, dict[str, Any]] = {CHAT: {"id": CHAT, "type": "channel", "title": "Status"}}
        self.member: dict[str, Any] = {"status": "administrator", "can_post_messages": True}
        self.moved: dict[int, int] = {}
        self._last = max((post["message_id"] for post in self.posts), default=0)

    def identity(self, post: Stored) -> str:
        return str(post["text"])

    def routes(self) -> list[web.RouteDef]:
        found = []
        for method, handler in (
            ("sendMessage", self._send),
            ("editMessageText", self._edit),
            ("getMe", self._me),
            ("getChat", self._chat),
            ("getChatMember", self._chat_member),
        ):
            path = f"/bot{{token}}/{method}"
            found += [web.get(path, handler), web.post(path, handler)]
        return [*found, web.route("*", "/bot{token}/{method}", self._nothing)]

    def forget(self, number: int) -> None:
        """Somebody deletes a message."""
        self.posts = [post for post in self.posts if post["message_id"] != number]

    async def _nothing(self, request: web.Request) -> web.Response:
        return _no(404, "Not Found")

    async def _me(self, request: web.Request) -> web.Response:
        return self._stranger(request) or _yes(_BOT)

    async def _chat(self, request: web.Request) -> web.Response:
        fields = await _fields(request)
        if refusal := self._stranger(request) or self._moved(fields):
            return refusal
        return _yes({**_CHAT, **(self._named(fields) or {})})

    async def _chat_member(self, request: web.Request) -> web.Response:
        fields = await _fields(request)
        if refusal := self._stranger(request) or self._moved(fields):
            return refusal
        if str(fields.get("user_id")) != str(BOT):
            return _no(400, "Bad Request: user not found")
        rights = dict.fromkeys(_RIGHTS, False) if self.member["status"] == "administrator" else {}
        return _yes({"user": _BOT, **rights, **self.member})

    async def _send(self, request: web.Request) -> web.StreamResponse:
        fields = await _fields(request)
        if refusal := self._stranger(request) or self._closed(fields):
            return refusal
        chat = self._named(fields) or {}
        shown, problem = _parsed(fields)
        if problem:
            return _no(400, problem)
        reply = fields.get("reply_parameters") or {}
        there = any(post["message_id"] == reply.get("message_id") for post in self.posts)
        if reply and not there and not reply.get("allow_sending_without_reply"):
            return _no(400, "Bad Request: message to be replied not found")

        def answer() -> web.Response:
            self._last += 1
            post = {
                "message_id": self._last,
                "chat": chat["id"],
                "text": shown,
                "html": fields["text"],
                "mentions": _MENTION.findall(shown),
                "reply_to": reply.get("message_id") if there else None,
                "topic": fields.get("message_thread_id"),
                "preview": not (fields.get("link_preview_options") or {}).get("is_disabled"),
                "at": self.clock.now(),
            }
            return _yes(self._message(self.store(post)))

        return await self.accept(request, answer)

    async def _edit(self, request: web.Request) -> web.StreamResponse:
        if refusal := self._stranger(request):
            return refusal
        fields = await _fields(request)
        number = str(fields.get("message_id"))
        post = next((post for post in self.posts if str(post["message_id"]) == number), None)
        if self._named(fields) is None or post is None:
            return _no(400, "Bad Request: message to edit not found")
        shown, problem = _parsed(fields)
        if problem:
            return _no(400, problem)
        if post["html"] == fields["text"]:
            return _no(400, "Bad Request: message is not modified: specified new message content is the same")

        def answer() -> web.Response:
            post["text"], post["html"] = shown, fields["text"]
            return _yes({**self._message(post), "edit_date": self.clock.now() // 1000})

        return await self.accept(request, answer)

    def _stranger(self, request: web.Request) -> web.Response | None:
        return None if request.match_info["token"] == self.token else _no(401, "Unauthorized")

    def _moved(self, fields: dict[str, Any]) -> web.Response | None:
        """Why there is no such chat, or not any more."""
        chat = self._named(fields)
        if chat is None:
            return _no(400, "Bad Request: chat not found")
        if (new := self.moved.get(chat["id"])) is not None:
            words = "Bad Request: group chat was upgraded to a supergroup chat"
            return _no(400, words, {"migrate_to_chat_id": new})
        return None

    def _closed(self, fields: dict[str, Any]) -> web.Response | None:
        """Why the bot cannot write into that chat."""
        if refusal := self._moved(fields):
            return refusal
        chat = self._named(fields) or {}
        if self.member["status"] in ("left", "kicked"):
            return _no(403, f"Forbidden: bot is not a member of the {chat['type']} chat")
        if chat["type"] == "channel" and not self.member.get("can_post_messages"):
            return _no(400, "Bad Request: need administrator rights in the channel chat")
        return None

    def _named(self, fields: dict[str, Any]) -> dict[str, Any] | None:
        wanted = str(fields.get("chat_id"))
        for number, chat in self.chats.items():
            if wanted in (str(number), f"@{chat.get('username')}"):
                return chat
        return None

    def _message(self, post: Stored) -> dict[str, Any]:
        shown = {"message_id": post["message_id"], "date": post["at"] // 1000, "text": post["text"]}
        return {**shown, "chat": self.chats[post["chat"]]}


_BOT = {"id": BOT, "is_bot": True, "first_name": "Tocsin", "username": "tocsin_bot"}
_RIGHTS = (
    "can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages", "can_manage_video_chats",
    "can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users",
    "can_post_stories", "can_edit_stories", "can_delete_stories",
)  # fmt: skip
_GIFTS = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
_CHAT = {
    "accent_color_id": 0,
    "max_reaction_count": 11,
    "accepted_gift_types": dict.fromkeys(_GIFTS, False),
}


def _parsed(fields: dict[str, Any]) -> tuple[str, str]:
    """The text as it is shown, and what is wrong with it."""
    text = str(fields.get("text") or "")
    if fields.get("parse_mode") == "HTML":
        text = _TAG.sub("", text)
        if "<" in text:
            return "", "Bad Request: can't parse entities: Unsupported start tag"
        text = html.unescape(text)
    if not text.strip():
        return "", "Bad Request: message text is empty"
    return text, "Bad Request: message is too long" if len(text.encode("utf-16-le")) // 2 > MAX_TEXT else ""


async def _fields(request: web.Request) -> dict[str, Any]:
    """The Bot API takes a query, a form (with JSON inside) or JSON."""
    if request.content_type == "application/json":
        found = json.loads(await request.read() or b"{}")
        return found if isinstance(found, dict) else {}
    form = {**request.query, **{k: v for k, v in (await request.post()).items() if isinstance(v, str)}}
    return {name: json.loads(value) if value.startswith("{") else value for name, value in form.items()}


def _yes(result: Any) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def _no(status: int, words: str, more: dict[str, Any] | None = None) -> web.Response:
    body = {"ok": False, "error_code": status, "description": words}
    return web.json_response({**body, "parameters": more} if more else body, status=status)


if __name__ == "__main__":
    standalone(lambda log, port: FakeTelegram(log=log, port=port))
