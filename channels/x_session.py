"""What stands where tweepy expects an aiohttp session.

tweepy 4.17 has its host wired in, sets no time limit, crashes on a refusal that
is not JSON, and never closes a session it was given.  Here each request goes to
``api_url`` through ``channels.http``, signed for that address (the host is part
of what OAuth 1.0a signs) at the moment it is sent, and an answer that is not a
2xx is raised before tweepy reads it.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal

import aiohttp
from oauthlib.oauth1 import Client  # type: ignore[import-untyped]
from yarl import URL

from channels.http import LIST_LIMIT, Answer, encoded, exchange


class Refusal(Exception):
    """An answer other than a 2xx."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(str(answer.status))
        self.answer = answer


def words(answer: Answer) -> str:
    """All that a refusal says, in whichever of X's two shapes it says it."""
    fields = answer.fields() or {}
    errors = fields.get("errors")
    parts = [fields.get("title"), fields.get("detail")]
    if isinstance(errors, list):
        parts += [error.get("message") for error in errors if isinstance(error, dict)]
    return " ".join(str(part) for part in parts if part)


class _Read:
    """A good answer in the shape that tweepy asks for."""

    def __init__(self, answer: Answer) -> None:
        self.status, self.headers, self.reason = answer.status, answer.headers, ""
        self._answer = answer

    async def read(self) -> bytes:
        return self._answer.body

    async def json(self) -> dict[str, Any]:
        return self._answer.fields() or {}


class XSession:
    """``keys``: API key and its secret, access token and its secret; ``timeout`` in seconds for a call."""

    def __init__(
        self, session: aiohttp.ClientSession, api_url: str, keys: tuple[str, ...], timeout: float
    ) -> None:
        for noisy in ("tweepy", "oauthlib"):  # at DEBUG both print tokens and signatures
            logging.getLogger(noisy).setLevel(logging.INFO)
        self._session, self._api_url, self._timeout = session, api_url, timeout
        self._signer = Client(*keys)

    @asynccontextmanager
    async def request(
        self,
        method: Literal["GET", "POST"],
        url: str | URL,
        *,
        json: Mapping[str, Any] | None = None,
        **_: object,
    ) -> AsyncIterator[_Read]:
        """One signed call; tweepy's own headers (signed for another host) are dropped.

        Raises:
            Refusal: the answer is not a 2xx.
            NoAnswer: as ``exchange`` does.

        """
        target = self._api_url + URL(url).raw_path_qs
        _, signed, _ = self._signer.sign(target, method)
        if json is not None:
            signed["Content-Type"] = "application/json"
        answer = await exchange(
            self._session,
            method,
            URL(target, encoded=True),
            timeout=self._timeout,
            headers=signed,
            body=None if json is None else encoded(json),
            limit=LIST_LIMIT,
        )
        if not answer.good:
            raise Refusal(answer)
        yield _Read(answer)
