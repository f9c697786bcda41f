"""Our own posts on X: who we are, the walk through the list, and texts as they were sent."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import AsyncIterator
from typing import Any

from daemon.core.clock import Instant, to_datetime

PAGES = 5
"""Pages of 100 posts that a walk takes; each post read costs money."""


class TooLong(Exception):
    """There is more, or the list was not understood."""


class XTimeline:
    """``client`` is tweepy's; its calls raise ``NoAnswer`` and ``Refusal``."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._user = ""

    def forget(self) -> None:
        """The next ``me`` asks again."""
        self._user = ""

    async def me(self) -> str:
        """Our user id; empty when X did not say."""
        if not self._user:
            data = (await self._client.get_me(user_auth=True)).get("data")
            self._user = str(data.get("id", "")) if isinstance(data, dict) else ""
        return self._user

    async def since(self, start: Instant) -> AsyncIterator[dict[str, Any]]:
        """Our posts from ``start`` (milliseconds) on, newest first.

        Raises:
            TooLong: after the last page that is walked, or at one without its end.

        """
        user, token = await self.me(), None
        for _ in range(PAGES):
            page = await self._client.get_users_tweets(
                user, max_results=100, pagination_token=token, user_auth=True,
                start_time=to_datetime(start), tweet_fields=["entities", "created_at"],
            )  # fmt: skip
            if not isinstance(page.get("meta"), dict):
                raise TooLong("the list was not understood")
            for found in page.get("data") or []:
                yield found
            token = page["meta"].get("next_token")
            if not token:
                return
        raise TooLong(f"not within the last {PAGES * 100} posts")


def unwrapped(found: dict[str, Any]) -> str:
    """The text as it was sent: X answers with its own short links and with ``& < >`` as entities."""
    text = str(found.get("text", ""))
    for url in (found.get("entities") or {}).get("urls") or []:
        text = text.replace(str(url.get("url")), str(url.get("expanded_url")))
    return html.unescape(text)


def same(text: str) -> str:
    """What two texts share that differ in white space and composition alone."""
    return " ".join(unicodedata.normalize("NFC", text).split())
