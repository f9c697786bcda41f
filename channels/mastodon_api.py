"""The few calls to a Mastodon server that the channel makes, its limits, and the walk through own posts."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import aiohttp
import regex

from channels.base import SKEW
from channels.fit import graphemes
from channels.http import LIST_LIMIT, Answer, NoAnswer, encoded, exchange
from channels.weight import URL_WEIGHT, addressed
from daemon.core.clock import Instant, from_datetime
from daemon.core.ports import CannotTell, Found, NotThere, Ref

PAGES = 5
"""Pages of 40 posts of our own that read-back walks before it admits that it cannot tell."""

# "@name@host" counts as "@name"; what a mention is, is Mastodon's own rule (Account::MENTION_RE).
_REMOTE = regex.compile(r"(?<![=/\w])(@[a-z0-9_]+(?:[.-]+[a-z0-9_]+)*)@\w+(?:[.-]+\w+)*", regex.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server takes; Mastodon's own numbers until it was asked."""

    characters: int = 500
    per_url: int = URL_WEIGHT
    asked: bool = False

    def count(self, text: str) -> int:
        """Mastodon's count (StatusLengthValidator): graphemes, an address as ``per_url``, no hosts.

        Never less than the server's own; odd addresses are counted a little too high.
        """
        return addressed(
            _REMOTE.sub(r"\1", text) if "@" in text else text, graphemes, self.per_url, bare=False
        )


class NotUnderstood(Exception):
    """An answer without what was asked for; its words are the server's, not yet scrubbed."""

    def __init__(self, answer: Answer, call: str) -> None:
        error = (answer.fields() or {}).get("error")
        super().__init__(f"{answer.status} {error or ''}".strip() + f" to {call}")


class MastodonApi:
    """``timeout`` is in seconds for one call; ``account`` is our own id, known after the first ``me``."""

    def __init__(self, session: aiohttp.ClientSession, base: str, token: str, timeout: float) -> None:
        self.account = ""
        self._session, self._base, self._timeout = session, base, timeout
        self._headers = {"Authorization": f"Bearer {token}"}

    async def post(self, status: dict[str, Any], key: str) -> Answer:
        """One post; the same key within an hour gives the first one's answer."""
        return await exchange(
            self._session,
            "POST",
            f"{self._base}/api/v1/statuses",
            timeout=self._timeout,
            headers={"Content-Type": "application/json", "Idempotency-Key": key, **self._headers},
            body=encoded(status),
        )

    async def limits(self) -> Limits | None:
        """The server's own; None when it does not say: nothing depends on it now."""
        try:
            answer = await self._get("v2/instance")
            said = (answer.fields() or {})["configuration"]["statuses"]
            found = Limits(int(said["max_characters"]), int(said["characters_reserved_per_url"]), asked=True)
        except (NoAnswer, KeyError, TypeError, ValueError):
            return None
        return found if found.characters > 2 * found.per_url > 0 else None  # else nothing could be said

    async def me(self) -> str:
        """Our account's id.

        Raises:
            NoAnswer: as ``exchange`` does.
            NotUnderstood: the token is not good, or this is no Mastodon.

        """
        if not self.account:
            answer = await self._get("v1/accounts/verify_credentials")
            found = (answer.fields() or {}).get("id")
            if not answer.good or not isinstance(found, str):
                raise NotUnderstood(answer, "accounts/verify_credentials")
            self.account = found
        return self.account

    async def search(self, text: str, before: str | None, since: Instant) -> Found:
        """Our own post of this text, as a reply to ``before`` or as a root.

        Raises:
            NoAnswer: as ``exchange`` does.
            NotUnderstood: an answer that is no list of posts.

        """
        query = {"limit": "40", "exclude_reblogs": "true"}
        for _ in range(PAGES):
            page = await self._page(query)
            for found in page:
                if _created(found) < since - SKEW:
                    return NotThere()
                if found.get("in_reply_to_id") in (before, None) and await self._says(found["id"], text):
                    return reference(found)
            if not page:
                return NotThere()
            query["max_id"] = page[-1]["id"]
        return CannotTell(f"not within the last {PAGES * 40} posts")

    async def _page(self, query: dict[str, str]) -> list[dict[str, Any]]:
        call = f"accounts/{await self.me()}/statuses"
        answer = await self._get(f"v1/{call}?{urlencode(query)}")
        try:
            found = json.loads(answer.body)
        except (ValueError, RecursionError):
            found = None
        if not answer.good or not isinstance(found, list):
            raise NotUnderstood(answer, call)
        try:
            for one in found:
                one["id"], _created(one)
        except (TypeError, KeyError, ValueError):
            raise NotUnderstood(answer, call) from None
        return found

    async def _says(self, status: str, text: str) -> bool:
        """Lists hold HTML of the server's making; its source is what was sent."""
        answer = await self._get(f"v1/statuses/{status}/source")
        if answer.status == 404:
            return False  # deleted meanwhile
        found = (answer.fields() or {}).get("text")
        if not answer.good or not isinstance(found, str):
            raise NotUnderstood(answer, f"statuses/{status}/source")
        return _same(found) == _same(text)

    async def _get(self, path: str) -> Answer:
        return await exchange(
            self._session,
            "GET",
            f"{self._base}/api/{path}",
            timeout=self._timeout,
            headers=self._headers,
            limit=LIST_LIMIT,
        )


def reference(fields: dict[str, Any]) -> Ref:
    """A post by its id and its public address."""
    return Ref({"id": fields["id"]}, str(fields.get("url") or ""))


def _created(status: dict[str, Any]) -> Instant:
    return from_datetime(datetime.fromisoformat(status["created_at"]))


def _same(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
