"""One call to a hosted page's API, and the walk through its lists."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

import aiohttp

from channels.hosted_dialect import MALFORMED, Call
from channels.http import LIST_LIMIT, Answer, encoded, exchange

PAGES = 20
"""Pages that are walked before we admit that we cannot tell."""

T = TypeVar("T")


class NotUnderstood(Exception):
    """An answer without what was asked for."""

    def __init__(self, answer: Answer, call: Call) -> None:
        super().__init__(f"{answer.status} to {call.method} {call.path}")
        self.answer = answer


class Unclear(Exception):
    """What was read neither shows that something is there nor that it is not."""


class HostedApi:
    """``timeout`` is in seconds for one call."""

    def __init__(self, session: aiohttp.ClientSession, base: str, authorization: str, timeout: float) -> None:
        self._session, self._base, self._timeout = session, base, timeout
        self._headers = {"Authorization": authorization, "Accept": "application/json"}

    async def call(self, call: Call) -> Answer:
        """One call.  Raises NoAnswer as ``exchange`` does."""
        written = {} if call.body is None else {"Content-Type": "application/json"}
        query = f"?{urlencode(call.query)}" if call.query else ""
        return await exchange(
            self._session,
            call.method,
            f"{self._base}/{call.path}{query}",
            timeout=self._timeout,
            headers={**self._headers, **written},
            body=None if call.body is None else encoded(call.body),
            limit=LIST_LIMIT,
        )

    async def read(self, call: Call, reading: Callable[[Any], T]) -> T:
        """One call's answer as ``reading`` makes it of the JSON.  Raises NoAnswer, NotUnderstood."""
        answer = await self.call(call)
        try:
            if answer.good:
                return reading(json.loads(answer.body))
        except (*MALFORMED, RecursionError):
            pass
        raise NotUnderstood(answer, call)

    async def rows(self, call: Call, reading: Callable[[Any], T], wrapped: str = "") -> AsyncIterator[T]:
        """Every row of a list, till a page is empty: servers may give fewer rows than were asked for.

        Raises:
            NoAnswer: as ``exchange`` does.
            NotUnderstood: an answer that is no list of such rows.
            Unclear: the list is longer than we read.

        """

        def page(found: Any) -> list[T]:
            return [reading(row) for row in _list(found[wrapped] if wrapped else found)]

        for number in range(1, PAGES + 1):
            asked = Call(call.method, call.path, query={**call.query, "page": str(number)})
            rows = await self.read(asked, page)
            for row in rows:
                yield row
            if not rows:
                return
        raise Unclear(f"not within {PAGES} pages, and the list goes on")


def _list(found: Any) -> list[Any]:
    if not isinstance(found, list):
        raise TypeError("no list")
    return found
