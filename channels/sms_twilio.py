"""The few calls to Twilio that the channel makes, what its refusals mean, and the walk through its list.

https://www.twilio.com/docs/messaging/api/message-resource
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import aiohttp

from channels.base import SKEW
from channels.http import LIST_LIMIT, Answer, exchange, outcome_of, wait_asked
from daemon.core.clock import Instant, from_datetime, to_datetime
from daemon.core.ports import CannotTell, Found, NotThere, Outcome, Reason, Ref, Rejected, Retry, Scope

PAGES = 5
"""Pages of 100 messages to one number that read-back walks before it admits that it cannot tell."""

TRIAL = "Sent from your Twilio trial account - "
"""What Twilio puts before each text while an account is not paid for."""

# https://www.twilio.com/docs/api/errors
_GONE = frozenset({21610, 21211, 21214, 21217, 21614})  # has said STOP; no number, or none that takes SMS
_OURS = {  # about the account or the sender: each message would fail the same way
    **dict.fromkeys((20003, 20005, 30002), Reason.auth),
    **dict.fromkeys((20404, 21603, 21606, 21212, 21659, 21660, 21703, 21704, 21705), Reason.gone),
}
_LATER = frozenset({14107, 20429, 21611, 30001, 63038})  # rates, a full queue, the day's limit: not processed


class NotUnderstood(Exception):
    """An answer without what was asked for; its words are Twilio's, not yet scrubbed."""


class Twilio:
    """``timeout`` is in seconds for one call; ``user`` is the account or one of its API keys."""

    def __init__(
        self, session: aiohttp.ClientSession, base: str, account: str, user: str, secret: str, timeout: float
    ) -> None:
        self._session, self._base, self._timeout = session, base, timeout
        self._path = f"/2010-04-01/Accounts/{account}/Messages.json"
        token = base64.b64encode(f"{user}:{secret}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}"}

    async def post(self, form: dict[str, str]) -> Answer:
        """One message.

        Raises:
            NoAnswer: as ``exchange`` does.

        """
        return await exchange(
            self._session,
            "POST",
            self._base + self._path,
            timeout=self._timeout,
            headers={"Content-Type": "application/x-www-form-urlencoded", **self._headers},
            body=urlencode(form).encode(),
        )

    async def search(self, to: str, text: str, since: Instant) -> Found:
        """The message of this text to that number.

        Raises:
            NoAnswer: as ``exchange`` does.
            NotUnderstood: an answer that is no list of messages.

        """
        left = PAGES
        async for page in self._pages(to, since):
            for one in page:
                if _created(one) < since - SKEW:
                    continue
                if not one["body"]:
                    return CannotTell("the account keeps no texts of its messages")
                if _same(one["body"].removeprefix(TRIAL)) == _same(text):
                    return Ref({"id": one["sid"]})
            left -= 1
            if not left:
                return CannotTell(f"not within the last {PAGES * 100} messages to this number")
        return NotThere()

    async def check(self) -> None:
        """Read one message, which every key may; for what it raises see ``search``."""
        await self._page(f"{self._path}?PageSize=1")

    async def _pages(self, to: str, since: Instant) -> AsyncIterator[list[dict[str, Any]]]:
        # DateSent is a day, in UTC; a day earlier, for a message that was queued before midnight.
        day = (to_datetime(since) - timedelta(days=1)).date().isoformat()
        path = f"{self._path}?{urlencode({'To': to, 'DateSent>': day, 'PageSize': '100'})}"
        while path:
            found, path = await self._page(path)
            yield found

    async def _page(self, path: str) -> tuple[list[dict[str, Any]], str]:
        url = self._base + path
        answer = await exchange(
            self._session, "GET", url, timeout=self._timeout, headers=self._headers, limit=LIST_LIMIT
        )
        fields = answer.fields() or {}
        found, after = fields.get("messages"), fields.get("next_page_uri") or ""
        if not answer.good or not isinstance(found, list) or not all(_is_message(one) for one in found):
            raise NotUnderstood(f"{answer.status} {words(answer)}".strip())
        if not isinstance(after, str) or (after and not after.startswith("/2010-04-01/")):
            raise NotUnderstood("a next page that is somewhere else")  # the key would go there
        return found, after


def words(answer: Answer) -> str:
    """Twilio's number and words for what went wrong."""
    fields = answer.fields() or {}
    return f"{fields.get('code') or ''} {fields.get('message') or ''}".strip()


def refused(answer: Answer, now: Instant, detail: str) -> Outcome:
    """What an answer without a message means; ``detail`` must hold no secret."""
    code = (answer.fields() or {}).get("code")
    said = f"{answer.status} {detail}".strip()
    if not 400 <= answer.status < 500 or not isinstance(code, int):
        outcome = outcome_of(answer, now, detail)
        if answer.status == 404:  # not of Twilio's making: the address is wrong, not the number
            return Rejected(Reason.gone, said, Scope.destination)
        return outcome
    if code in _LATER:
        # 63038 is the account's day: no other number would fare better.
        scope = Scope.destination if code == 63038 else Scope.delivery
        return Retry(Reason.rate_limited, said, wait_asked(answer, now), scope)
    if code in _OURS:
        return Rejected(_OURS[code], said, Scope.destination)
    if code in _GONE:
        return Rejected(Reason.gone, said)
    return outcome_of(answer, now, detail)


def _is_message(one: Any) -> bool:
    if not isinstance(one, dict) or not all(isinstance(one.get(name), str) for name in ("sid", "body")):
        return False
    try:
        _created(one)
    except (KeyError, TypeError, ValueError):
        return False
    return True


def _created(message: dict[str, Any]) -> Instant:
    return from_datetime(parsedate_to_datetime(message["date_created"]))


def _same(text: str) -> str:
    return " ".join(text.split())
