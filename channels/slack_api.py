"""The few calls to Slack that the channel makes, and the walk through a list of messages."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import aiohttp

from channels.http import LIST_LIMIT, Answer, encoded, exchange
from channels.plain import one_line
from channels.slack_errors import NO_PARENT
from daemon.core.ports import CannotTell, Found, NotThere, Ref

PAGES = 20
"""Pages of 100 messages that read-back walks before it admits that it cannot tell."""


class SlackApi:
    """``token`` is empty for an incoming webhook; ``timeout`` is in seconds for one call."""

    def __init__(self, session: aiohttp.ClientSession, base: str, token: str, timeout: float) -> None:
        self._session, self._base, self._timeout = session, base, timeout
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def post(self, url: str, message: dict[str, Any]) -> Answer:
        """POST as JSON to a whole address."""
        headers = {"Content-Type": "application/json; charset=utf-8", **self._headers}
        return await exchange(
            self._session, "POST", url, timeout=self._timeout, headers=headers, body=encoded(message)
        )

    async def say(self, message: dict[str, Any]) -> Answer:
        return await self.post(f"{self._base}/chat.postMessage", message)

    async def change(self, channel: str, ts: str, message: dict[str, Any]) -> Answer:
        """Exchange the words of a message; its place and its thread stay.

        Posting finds no names in a text, editing would: ``parse`` and ``link_names`` say no.
        """
        fields: dict[str, Any] = {"channel": channel, "ts": ts, "parse": "none", "link_names": False}
        fields |= {name: message[name] for name in ("text", "blocks", "metadata") if name in message}
        return await self.post(f"{self._base}/chat.update", fields)

    async def get(self, method: str, query: dict[str, str] | None = None) -> Answer:
        url = f"{self._base}/{method}?{urlencode(query or {})}"
        return await exchange(
            self._session, "GET", url, timeout=self._timeout, headers=self._headers, limit=LIST_LIMIT
        )

    async def get_address(self, url: str) -> Answer:
        """GET a whole address; for a webhook only that it answers means something."""
        return await exchange(self._session, "GET", url, timeout=self._timeout)

    async def search(self, method: str, query: dict[str, str], key: str) -> Found:
        """The message whose metadata holds our key; ``NotThere`` only after the last page."""
        query = {**query, "limit": "100", "include_all_metadata": "true"}
        for _ in range(PAGES):
            fields = (answer := await self.get(method, query)).fields() or {}
            if fields.get("error") in NO_PARENT:
                return NotThere()
            if not answer.good or fields.get("ok") is not True:
                return CannotTell(one_line(f"{answer.status} {fields.get('error', 'not understood')}")[:100])
            for message in fields.get("messages") or []:
                if _key(message) == key:
                    return reference(query["channel"], str(message.get("ts")), message.get("thread_ts"))
            cursor = (fields.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return CannotTell("more messages, but no cursor") if fields.get("has_more") else NotThere()
            query["cursor"] = str(cursor)
        return CannotTell(f"not within the last {PAGES * 100} messages")


def reference(channel: str, ts: str, thread: str | None) -> Ref:
    """A message's name; ``thread`` is the root of the thread that it stands in, its own if it is one.

    A reply to a reply must name the root: Slack's own rule for ``thread_ts``.
    """
    return Ref({"channel": channel, "ts": ts, "thread": thread or ts})


def root_of(parent: Ref | None) -> str | None:
    """The thread that an answer to ``parent`` goes into."""
    return None if parent is None else parent.ids.get("thread") or parent.ids.get("ts")


def _key(message: Any) -> Any:
    try:
        return message["metadata"]["event_payload"]["key"]
    except (KeyError, TypeError):  # other people's messages
        return None
