"""Bluesky and every other server of the AT protocol, by an app password.

The record's key is ours, made from the delivery's, so that the same post put
twice is the same post: https://atproto.com/specs/record-key
"""

from __future__ import annotations

import hashlib
from typing import Any

import aiohttp
import regex
from typing_extensions import override

from channels.base import BaseChannel
from channels.bluesky_api import POSTS, BlueskyApi, Refused, reference
from channels.bluesky_settings import Settings
from channels.fit import fit, graphemes, octets
from channels.http import NoAnswer, outcome_of
from channels.measure import Seamed
from daemon.core.clock import Clock, Instant, to_iso
from daemon.core.ports import (
    CannotTell,
    Capabilities,
    Found,
    NotThere,
    Outcome,
    Payload,
    Post,
    Reason,
    Ref,
    Rejected,
    Retry,
    Scope,
    Sent,
    Shown,
    Unknown,
)

MAX_GRAPHEMES, MAX_BYTES = 300, 3_000  # lexicon app.bsky.feed.post
PAUSE = 10.0
"""Seconds between two tries: a call that is applied late changes nothing, so nothing is waited out."""
ANOTHER = CannotTell("another text stands under this post's key")
_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_ADDRESS = regex.compile(r"https?://[^\s<>\"]+", regex.IGNORECASE)
_NOT_ITS_END = ".,;:!?…)]}'”’"


class BlueskyChannel(BaseChannel[Settings]):
    """An account; one attempt is a look at the parent and the post, and a new session where one is needed."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> None:
        super().__init__(settings, session, clock)
        password = settings.app_password.get_secret_value()
        self._api = BlueskyApi(session, settings.api_url, settings.identifier, password, clock)

    @override
    def _capabilities(self) -> Capabilities:
        return Capabilities(
            "bluesky",
            MAX_GRAPHEMES,
            counter="graphemes",
            markup="facets",
            threads=True,
            can_find=True,
            idempotency="native",
            on_doubt="resend",
            late_apply=PAUSE,
            secrets=("app_password",),
        )

    @override
    def _compose(self, post: Post, recipient: str) -> Payload:
        words = fit(post.text[:MAX_BYTES], post.page_url, _LENGTH, MAX_GRAPHEMES, always=post.first)
        record: dict[str, Any] = {"$type": POSTS, "text": words, "createdAt": to_iso(post.at)}
        if facets := _links(words):
            record["facets"] = facets
        if self.settings.languages:
            record["langs"] = list(self.settings.languages)
        return {"rkey": record_key(post.at, post.key), "record": record}

    @override
    def shown(self, payload: Payload) -> Shown:
        return Shown(payload["record"]["text"], length=_LENGTH(payload["record"]["text"]))

    @override
    async def send(self, payload: Payload, parent: Ref | None, key: str) -> Outcome:
        ends = self._clock.monotonic() + self.settings.timeout
        try:
            await self._api.log_in(ends)
            thread = await self._api.thread(parent, ends)
            record = {**payload["record"], "reply": thread} if thread else payload["record"]
            return Sent(await self._api.put(payload["rkey"], record, ends))
        except NoAnswer as lost:
            return lost.outcome
        except Refused as refused:
            if not refused.posting or refused.error != "InvalidSwap":
                return self._refused(refused)
        # Our key is taken by another record: an attempt got through while the parent was another one.
        found = await self._under_key(payload, ends)
        if found == ANOTHER:
            return Rejected(Reason.content, ANOTHER.detail)
        return Sent(found) if isinstance(found, Ref) else Unknown(Reason.content, "400 InvalidSwap")

    @override
    async def find(self, payload: Payload, key: str, since: Instant, parent: Ref | None = None) -> Found:
        return await self._under_key(payload, self._clock.monotonic() + self.settings.timeout)

    async def _under_key(self, payload: Payload, ends: float) -> Found:
        try:
            await self._api.log_in(ends)
            found = await self._api.get(payload["rkey"], ends)
        except NoAnswer as lost:
            return CannotTell(lost.outcome.detail)
        except Refused as refused:
            return CannotTell(self._words(refused))
        if found is None:
            return NotThere()
        if found["value"].get("text") != payload["record"]["text"]:
            return ANOTHER
        return reference(found["uri"], found["cid"], found["value"])

    @override
    async def check(self) -> str | None:
        self._api.forget()  # a session that still lives proves nothing about the password
        try:
            await self._api.log_in(self._clock.monotonic() + self.settings.timeout)
        except NoAnswer as lost:
            return lost.outcome.detail
        except Refused as refused:
            return f"Bluesky answered {self._words(refused)} to the app password"
        return None

    def _refused(self, refused: Refused) -> Outcome:
        said = self._words(refused)
        outcome = outcome_of(refused.answer, self._clock.now(), said.partition(" ")[2])
        if refused.of_account:
            return Rejected(Reason.auth, said, Scope.destination)
        if refused.posting or isinstance(outcome, Retry):
            return outcome
        if isinstance(outcome, Rejected):  # neither would any other post get further
            return Rejected(outcome.reason, outcome.detail, Scope.destination)
        return Retry(Reason.server, said)

    def _words(self, refused: Refused) -> str:
        said = str(refused)
        for token in self._api.tokens:
            said = said.replace(token, "[secret]")
        return self.scrub(said)


def record_key(at: Instant, key: str) -> str:
    """A TID (13 characters): the time in microseconds, its end and the clock's number from our key.

    >>> record_key(1_798_797_600_000, "key-1") == record_key(1_798_797_600_000, "key-1")
    True
    """
    drawn = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8])
    number = ((at * 1000 + drawn % 1000) << 10) | (drawn // 1000 % 1024)
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(60, -1, -5))


def _reached(clusters: int, size: int) -> int:
    """Graphemes, or bytes where those reach their own limit first."""
    return max(clusters, -(-size * MAX_GRAPHEMES // MAX_BYTES))


_LENGTH = Seamed(graphemes, octets, total=_reached)


def _links(text: str) -> list[dict[str, Any]]:
    """Where the addresses stand, in bytes of UTF-8: without this they are dead text there."""
    facets = []
    for found in _ADDRESS.finditer(text):
        address = found[0].rstrip(_NOT_ITS_END)
        start = octets(text[: found.start()])
        facets.append(
            {
                "index": {"byteStart": start, "byteEnd": start + octets(address)},
                "features": [{"$type": "app.bsky.richtext.facet#link", "uri": address}],
            }
        )
    return facets
