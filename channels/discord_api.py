"""The few calls to Discord that the channel makes, its error codes, and the walk through a channel."""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from channels.http import LIST_LIMIT, Answer, encoded, exchange, outcome_of, wait_asked
from daemon.core.clock import Instant
from daemon.core.ports import CannotTell, Found, NotThere, Outcome, Reason, Ref, Rejected, Retry, Scope

PAGES = 20
"""Pages of 100 messages that read-back walks before it admits that it cannot tell."""
EPOCH = 1_420_070_400_000
"""Milliseconds since 1970 at which Discord's ids begin: an id holds its time in all but the low 22 bits."""
# Without a name in this form Cloudflare may refuse (https://docs.discord.com/developers/reference#user-agent).
USER_AGENT = "DiscordBot (tocsin, 1)"

# https://docs.discord.com/developers/topics/opcodes-and-status-codes#json
UNKNOWN_MESSAGE = 10008
"""To an edit: it is gone.  To a post: its nonce has been used, and that message was deleted since."""
TOO_MANY_EDITS = 30046
_LIMITED = frozenset({20016, 20028, 20029, 40062})
_NO_TARGET = frozenset({10003, 10015, 50008, 50083, 160005, 220001, 220003})
_NO_RIGHT = frozenset({50001, 50013, 50014, 50027, 160002})


class DiscordApi:
    """``headers`` hold the credential, if there is one; ``timeout`` is in seconds for one call."""

    def __init__(
        self, session: aiohttp.ClientSession, base: str, headers: dict[str, str], timeout: float
    ) -> None:
        self._session, self._base, self._timeout = session, base, timeout
        self._headers = {"User-Agent": USER_AGENT, **headers}

    async def write(self, method: str, path: str, message: dict[str, Any]) -> Answer:
        """POST or PATCH as JSON."""
        headers = {"Content-Type": "application/json", **self._headers}
        return await exchange(
            self._session,
            method,
            self._base + path,
            timeout=self._timeout,
            headers=headers,
            body=encoded(message),
        )

    async def get(self, path: str) -> Answer:
        return await exchange(
            self._session,
            "GET",
            self._base + path,
            timeout=self._timeout,
            headers=self._headers,
            limit=LIST_LIMIT,
        )

    async def search(self, channel: str, mark: str, since: Instant) -> Found:
        """The bot's own message with this mark in its text, not older than ``since``.

        Discord keeps no nonce with a message, so the text must hold our key.  ``NotThere``
        needs an empty page at the end, and a history that can be seen: to a bot
        without that right Discord shows an empty one.
        """
        own = ((await self.get("/users/@me")).fields() or {}).get("id")
        if not isinstance(own, str):
            return CannotTell("Discord did not say who the bot is")
        start = after = max(since - EPOCH, 0) << 22
        for _ in range(PAGES):
            answer = await self.get(f"/channels/{channel}/messages?limit=100&after={after}")
            if (messages := listed(answer)) is None:
                return CannotTell(f"{answer.status} to the list of messages")
            if not messages:
                return NotThere() if after > start else await self._silent(channel, start)
            for message in messages:
                author = message.get("author") or {}
                if author.get("id") == own and mark in str(message.get("content")):
                    return reference(message, (message.get("message_reference") or {}).get("message_id"))
            after = max(after, *(int(message["id"]) for message in messages))
        return CannotTell(f"not within {PAGES * 100} messages")

    async def _silent(self, channel: str, start: int) -> Found:
        """No message was shown: perhaps none was written."""
        answer = await self.get(f"/channels/{channel}")
        fields = answer.fields() or {}
        last = fields.get("last_message_id", "")
        if answer.good and (last is None or (_is_id(last) and int(last) <= start)):
            return NotThere()
        return CannotTell("no message was shown; may the bot read the message history?")


def listed(answer: Answer) -> list[dict[str, Any]] | None:
    """A page of messages; None when it is anything else."""
    try:
        found = json.loads(answer.body) if answer.good else None
    except (ValueError, RecursionError):
        return None
    whole = isinstance(found, list) and all(isinstance(one, dict) and _is_id(one.get("id")) for one in found)
    return found if whole else None


def _is_id(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdigit()


def reference(message: dict[str, Any], root: str | None) -> Ref:
    """A message's name; ``root`` is the first message of its incident, itself if it is that one."""
    ids = {"channel": str(message.get("channel_id", "")), "id": message["id"], "root": root or message["id"]}
    return Ref(ids)


def posted(answer: Answer) -> dict[str, Any] | None:
    """The message that a good answer tells of; None when it tells of none."""
    fields = answer.fields() or {}
    return fields if answer.good and _is_id(fields.get("id")) else None


def words(answer: Answer) -> str:
    """Discord's own code and sentence; both may hold what was sent, so scrub them."""
    fields = answer.fields() or {}
    return " ".join(str(part) for part in (fields.get("code"), fields.get("message")) if part)


def refused(answer: Answer, now: Instant, detail: str) -> Outcome:
    """The outcome of an answer that is no message; ``detail`` is scrubbed."""
    said, code = f"{answer.status} {detail}".strip(), (answer.fields() or {}).get("code")
    if not 400 <= answer.status < 500 or not isinstance(code, int):
        return outcome_of(answer, now, detail)
    if code in _LIMITED:
        return Retry(Reason.rate_limited, said, after=wait_asked(answer, now))
    if code in _NO_TARGET:
        return Rejected(Reason.gone, said, Scope.destination)
    if code in _NO_RIGHT:
        return Rejected(Reason.auth, said, Scope.destination)
    if code in (UNKNOWN_MESSAGE, TOO_MANY_EDITS):
        return Rejected(Reason.gone, said)
    return outcome_of(answer, now, detail)
