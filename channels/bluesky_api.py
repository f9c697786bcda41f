"""The session with a server of the AT protocol, and the few calls that the channel makes with it.

An access token lives for about two hours and is renewed with the refresh token;
new sessions are scarce there (300 a day), so one is made only when both are dead.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import aiohttp

from channels.http import Answer, NoAnswer, encoded, exchange
from daemon.core.clock import Clock
from daemon.core.ports import Ref, Retry, Scope

POSTS = "app.bsky.feed.post"
Call = Callable[[str, str, float, str, bytes | None], Awaitable[Answer]]
_STALE = frozenset({"ExpiredToken", "InvalidToken"})
_OF_ACCOUNT = frozenset(
    {"AuthenticationRequired", "AuthMissing", "AuthFactorTokenRequired", "AccountTakedown",
     "AccountDeactivated", "AccountSuspended", "AccountNotFound", *_STALE}
)  # fmt: skip


class Refused(Exception):
    """An answer other than the one hoped for; its words are the server's, not yet scrubbed.

    ``posting``: it was given to a post, so a 5xx leaves a doubt.
    """

    def __init__(self, answer: Answer, *, posting: bool = False) -> None:
        fields = answer.fields() or {}
        self.answer, self.error, self.posting = answer, str(fields.get("error") or ""), posting
        said = f"{answer.status} {self.error} {fields.get('message') or ''}"
        super().__init__(said.strip())

    @property
    def of_account(self) -> bool:
        """Whether it is about who we are: no other post would do better."""
        return self.answer.status in (400, 401, 403) and self.error in _OF_ACCOUNT


class BlueskyApi:
    """``ends`` in each call is the moment of the monotonic clock when all of them together must be over."""

    def __init__(
        self, session: aiohttp.ClientSession, base: str, identifier: str, password: str, clock: Clock
    ) -> None:
        self._session, self._base, self._clock = session, base, clock
        self._credentials = {"identifier": identifier, "password": password}
        self._account = self._access = self._refresh = ""
        self._lives = False

    @property
    def tokens(self) -> tuple[str, ...]:
        """The newest ones, dead or alive: they must not be shown."""
        return tuple(token for token in (self._access, self._refresh) if token)

    def forget(self) -> None:
        """The next ``log_in`` begins a new session."""
        self._lives = False

    async def log_in(self, ends: float) -> None:
        """Have a session; asks only when there is none.

        Raises:
            NoAnswer: always with ``Retry``, for this posts nothing.
            Refused: the password is not good, or the server is in trouble.

        """
        if not self._lives:
            body = encoded(self._credentials)
            self._begin(await self._ask("POST", "com.atproto.server.createSession", ends, "", body))

    async def thread(self, parent: Ref | None, ends: float) -> dict[str, Any] | None:
        """The fields of a reply to ``parent``; None when there is none or it was deleted."""
        if parent is None or not {"uri", "cid", "root_uri", "root_cid"} <= parent.ids.keys():
            return None
        if await self.get(parent.ids["uri"].rpartition("/")[2], ends) is None:
            return None
        return {
            "root": {"uri": parent.ids["root_uri"], "cid": parent.ids["root_cid"]},
            "parent": {"uri": parent.ids["uri"], "cid": parent.ids["cid"]},
        }

    async def put(self, rkey: str, record: dict[str, Any], ends: float) -> Ref:
        """Create the record; the identical one again changes nothing, another one is refused.

        Raises:
            NoAnswer: as ``exchange`` does.
            Refused: also for a 2xx that names no record, and ``InvalidSwap`` for a key that is taken.

        """
        body = {"repo": self._account, "collection": POSTS, "rkey": rkey, "record": record}
        # swapRecord null: the key must be free.  A text that changed between attempts is then seen.
        sent = encoded({**body, "swapRecord": None})
        answer = await self._with_session(self._call, "POST", "com.atproto.repo.putRecord", ends, sent)
        fields = answer.fields() or {}
        if (
            not answer.good
            or not isinstance(fields.get("uri"), str)
            or not isinstance(fields.get("cid"), str)
        ):
            raise Refused(answer, posting=True)
        return reference(fields["uri"], fields["cid"], record)

    async def get(self, rkey: str, ends: float) -> dict[str, Any] | None:
        """The record under our key, with ``uri``, ``cid`` and ``value``; None when there is none.

        Raises:
            NoAnswer: always with ``Retry``.
            Refused: any other answer.

        """
        query = urlencode({"repo": self._account, "collection": POSTS, "rkey": rkey})
        answer = await self._with_session(self._ask, "GET", f"com.atproto.repo.getRecord?{query}", ends)
        fields = answer.fields() or {}
        if answer.status == 400 and fields.get("error") == "RecordNotFound":
            return None
        whole = isinstance(fields.get("value"), dict) and {"uri", "cid"} <= fields.keys()
        if not answer.good or not whole:
            raise Refused(answer)
        return fields

    async def _with_session(
        self, send: Call, method: str, call: str, ends: float, body: bytes | None = None
    ) -> Answer:
        """A call with our token; a stale one is renewed, once: what is refused for it was not done."""
        answer = await send(method, call, ends, self._access, body)
        if _stale(answer):
            await self._renew(ends)
            answer = await send(method, call, ends, self._access, body)
        if answer.status == 401 or _stale(answer):
            self.forget()
        return answer

    async def _renew(self, ends: float) -> None:
        answer = await self._ask("POST", "com.atproto.server.refreshSession", ends, self._refresh, None)
        self.forget()
        if answer.good:
            self._begin(answer)
        else:
            await self.log_in(ends)

    def _begin(self, answer: Answer) -> None:
        fields = answer.fields() or {}
        found = [fields.get(name) for name in ("did", "accessJwt", "refreshJwt")]
        if not answer.good or not all(isinstance(one, str) and one for one in found):
            raise Refused(answer)
        self._account, self._access, self._refresh = map(str, found)
        self._lives = True

    async def _ask(self, method: str, call: str, ends: float, token: str, body: bytes | None) -> Answer:
        """A call that posts nothing: whatever becomes of it, the post can wait."""
        try:
            return await self._call(method, call, ends, token, body)
        except NoAnswer as lost:
            raise NoAnswer(Retry(lost.outcome.reason, lost.outcome.detail, scope=_scope(lost))) from None

    async def _call(self, method: str, call: str, ends: float, token: str, body: bytes | None) -> Answer:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return await exchange(
            self._session,
            method,
            f"{self._base}/xrpc/{call}",
            timeout=max(ends - self._clock.monotonic(), 0.001),
            headers=headers,
            body=body,
        )


def reference(uri: str, cid: str, record: dict[str, Any]) -> Ref:
    """A post by its address and hash, the thread's root (its own if it is one), and where people read it."""
    root = (record.get("reply") or {}).get("root") or {"uri": uri, "cid": cid}
    account, _, rkey = uri.removeprefix("at://").partition(f"/{POSTS}/")
    ids = {"uri": uri, "cid": cid, "root_uri": root["uri"], "root_cid": root["cid"]}
    return Ref(ids, f"https://bsky.app/profile/{account}/post/{rkey}")


def _scope(lost: NoAnswer) -> Scope:
    return lost.outcome.scope if isinstance(lost.outcome, Retry) else Scope.delivery


def _stale(answer: Answer) -> bool:
    return answer.status in (400, 401) and (answer.fields() or {}).get("error") in _STALE
