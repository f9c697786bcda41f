"""One HTTP call: one attempt, one deadline, one answer; and what its status means.

Before the first byte has left, a failure proves that nothing was sent
(``Retry``); after it, nothing is known (``Unknown``).  No redirects, no proxies
from the environment, no cookies, no retries, no pooled connections: a kept
connection that the server has closed looks exactly like a lost answer.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from yarl import URL

from daemon.core.clock import Instant
from daemon.core.ports import Outcome, Reason, Rejected, Retry, Scope, Unknown

BODY_LIMIT = 64 * 1024
"""Bytes of an answer to a post that are read; the answers that matter are far shorter."""
LIST_LIMIT = 4 * 1024 * 1024
"""Bytes of a page of messages: 100 long ones with their metadata."""

_UNIX = 1_000_000_000  # a "wait" of more than thirty years is a moment since 1970
_WAIT_HEADERS = (
    "retry-after",
    "x-ratelimit-reset-after",
    "x-rate-limit-reset",
    "x-ratelimit-reset",
    "ratelimit-reset",
)

_REFUSALS = {
    401: (Reason.auth, Scope.destination),
    403: (Reason.auth, Scope.destination),
    404: (Reason.gone, Scope.delivery),
    410: (Reason.gone, Scope.delivery),
}


class NoAnswer(Exception):
    """The call ended without an answer that can be read.  Holds no address: those can be secrets."""

    def __init__(self, outcome: Retry | Unknown) -> None:
        super().__init__(outcome.detail)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, lower-case headers and at most the limit's bytes of body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300

    def fields(self) -> dict[str, Any] | None:
        """The body as a JSON object; None when it is anything else."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None

    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


def open_session(connector: aiohttp.BaseConnector | None = None) -> aiohttp.ClientSession:
    """A session for outgoing calls, the process's one if no ``connector`` is given; the caller closes it."""
    return aiohttp.ClientSession(
        connector=connector or aiohttp.TCPConnector(force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "Tocsin"},
        trust_env=False,
    )


def encoded(body: Mapping[str, Any]) -> bytes:
    """JSON bytes that depend on the values alone, so that a retry sends the same ones."""
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


async def exchange(
    session: aiohttp.ClientSession,
    method: str,
    url: str | URL,
    *,
    timeout: float,  # noqa: ASYNC109 - handed to aiohttp, which must know connect from read
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    limit: int = BODY_LIMIT,
) -> Answer:
    """One call within ``timeout`` seconds in all; half of them at most to connect.

    Raises:
        NoAnswer: with ``Retry`` when no byte can have left, else with ``Unknown``.

    """
    try:
        async with session.request(
            method,
            url,
            data=body,
            headers={"Connection": "close", **(headers or {})},
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=timeout, connect=timeout / 2),
        ) as response:
            content = await _read(response, limit)
            return Answer(response.status, {k.lower(): v for k, v in response.headers.items()}, content)
    except aiohttp.ClientSSLError as error:
        detail = f"TLS: {type(error).__name__}"
        raise NoAnswer(Retry(Reason.network, detail, scope=Scope.destination)) from None
    except aiohttp.ConnectionTimeoutError:
        raise NoAnswer(Retry(Reason.timeout, "no connection in time")) from None
    except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
        raise NoAnswer(Retry(Reason.network, f"no connection: {type(error).__name__}")) from None
    except TimeoutError:
        raise NoAnswer(Unknown(Reason.timeout, "no whole answer in time")) from None
    except (aiohttp.ClientError, OSError) as error:
        raise NoAnswer(Unknown(Reason.network, f"lost after sending: {type(error).__name__}")) from None


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) >= limit:
            break
    return bytes(content[:limit])


def outcome_of(answer: Answer, now: Instant, detail: str) -> Outcome:
    """What an answer other than the one hoped for means; ``detail`` must hold no secret.

    A 2xx that could not be understood is ``Unknown``: it may well have posted.
    408 says in its definition (RFC 9110, 15.5.9) that no whole request was seen.
    """
    said, status = f"{answer.status} {detail}".strip(), answer.status
    if status in _REFUSALS:
        reason, scope = _REFUSALS[status]
        return Rejected(reason, said, scope)
    if status == 429:
        return Retry(Reason.rate_limited, said, after=wait_asked(answer, now))
    if status == 408:
        return Retry(Reason.timeout, said)
    if 300 <= status < 400:
        return Rejected(Reason.other, f"{said} (a redirect; these are not followed)", Scope.destination)
    return Rejected(Reason.content, said) if 400 <= status < 500 else Unknown(Reason.server, said)


def wait_asked(answer: Answer, now: Instant) -> float | None:
    """Seconds that the other side asked us to wait, in whichever form it said so; None if it did not."""
    for name in _WAIT_HEADERS:
        if (seconds := parse_wait(answer.headers.get(name, ""), now)) is not None:
            return seconds
    fields = answer.fields() or {}
    return parse_wait(str(fields.get("retry_after", "")), now)


def parse_wait(value: str, now: Instant) -> float | None:
    """Seconds from ``12``, ``1.5``, a unix time, an HTTP date or an ISO 8601 time; never negative.

    >>> parse_wait("1.5", 0), parse_wait("1970-01-01T00:00:20Z", 5_000), parse_wait("soon", 0)
    (1.5, 15.0, None)
    """
    value = value.strip()
    try:
        number = float(value)
    except ValueError:
        moment = _moment(value)
        return None if moment is None else max(moment.timestamp() - now / 1000, 0.0)
    if not math.isfinite(number):
        return None
    if number >= _UNIX * 1000:  # unix time in milliseconds
        number /= 1000
    return max(number - now / 1000 if number >= _UNIX else number, 0.0)


def _moment(value: str) -> datetime | None:
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = parse(value)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None
