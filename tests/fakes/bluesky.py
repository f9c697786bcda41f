"""A server of the AT protocol as far as Tocsin uses it: sessions, putRecord, getRecord.

Access tokens die after two hours by the clock and are shaped as the real ones
(clients read their end from them).  The real server runs in
tests/channels/test_bluesky_pds.py; this one can misbehave.

Run alone: ``python -m tests.fakes.bluesky --port 0 --log FILE``.
"""

from __future__ import annotations

import base64
import collections
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import regex
from aiohttp import web

from daemon.core.clock import HOUR, Clock
from tests.fakes.faults import Fault
from tests.fakes.server import FakeServer, Stored, standalone

HANDLE = "status.example.com"
DID = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"
PASSWORD = "fake-aaaa-bbbb-cccc"
ACCESS_LIFE = 2 * HOUR
_TID = re.compile("[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")


class FakeBluesky(FakeServer):
    """One server with one account."""

    def __init__(
        self,
        *,
        password: str = PASSWORD,
        clock: Clock | None = None,
        log: Path | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(clock=clock, log=log, port=port)
        self.password = password
        self.refreshes: set[str] = set()
        """Refresh tokens that are good for one more session."""
        self.session_faults: collections.deque[Fault] = collections.deque()
        """These happen, one each, to the next log-ins."""
        self._issued = 0

    def identity(self, post: Stored) -> str:
        return str(post["rkey"])

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/xrpc/com.atproto.server.createSession", self._create),
            web.post("/xrpc/com.atproto.server.refreshSession", self._renew),
            web.post("/xrpc/com.atproto.repo.putRecord", self._put),
            web.get("/xrpc/com.atproto.repo.getRecord", self._get),
        ]

    def forget(self, rkey: str) -> None:
        """Somebody deletes a post."""
        self.posts = [post for post in self.posts if post["rkey"] != rkey]

    async def _create(self, request: web.Request) -> web.Response:
        if self.session_faults:
            return await self._misbehave(self.session_faults.popleft())
        fields = await _fields(request)
        if fields.get("identifier") not in (HANDLE, DID) or fields.get("password") != self.password:
            return _no(401, "AuthenticationRequired", "Invalid identifier or password")
        return self._session()

    async def _misbehave(self, fault: Fault) -> web.Response:
        if fault.hangs:
            await self._closing.wait()
        return web.Response(status=fault.status, text=fault.body, headers=fault.headers or None)

    async def _renew(self, request: web.Request) -> web.Response:
        token = _bearer(request)
        if token not in self.refreshes:
            return _no(400, "ExpiredToken", "Token has been revoked")
        self.refreshes.remove(token)
        return self._session()

    async def _put(self, request: web.Request) -> web.StreamResponse:
        if problem := self._problem(request):
            return problem
        fields = await _fields(request)
        if fields.get("repo") not in (HANDLE, DID) or fields.get("collection") != "app.bsky.feed.post":
            return _no(400, "InvalidRequest", "Could not find repo")
        if wrong := _wrong(str(fields.get("rkey")), fields.get("record")):
            return _no(400, "InvalidRequest", wrong)
        there = self._find(str(fields["rkey"]))
        cid = _cid(fields["record"])
        if there and there["cid"] != cid and "swapRecord" in fields:
            return _no(400, "InvalidSwap", f"Record was at {there['cid']}")

        def answer() -> web.Response:
            if there is None:
                post = {"rkey": fields["rkey"], "cid": cid, "record": fields["record"]}
                self.store({**post, "text": fields["record"]["text"], "at": self.clock.now()})
            else:
                there.update(cid=cid, record=fields["record"], text=fields["record"]["text"])
            body = {"uri": _uri(fields["rkey"]), "cid": cid, "validationStatus": "valid"}
            if there is None or there["cid"] != cid:
                body["commit"] = {"cid": _cid(body), "rev": fields["rkey"]}  # type: ignore[assignment] # JSON
            return web.json_response(body)

        return await self.accept(request, answer)

    async def _get(self, request: web.Request) -> web.Response:
        if "Authorization" in request.headers and (problem := self._problem(request)):
            return problem
        found = self._find(request.query.get("rkey", ""))
        if found is None or request.query.get("repo") not in (HANDLE, DID):
            return _no(400, "RecordNotFound", f"Could not locate record: {_uri(request.query['rkey'])}")
        return web.json_response({"uri": _uri(found["rkey"]), "cid": found["cid"], "value": found["record"]})

    def _find(self, rkey: str) -> Stored | None:
        return next((post for post in self.posts if post["rkey"] == rkey), None)

    def _session(self) -> web.Response:
        self._issued += 1
        now = self.clock.now()
        access = _token("com.atproto.access", self._issued, now + ACCESS_LIFE)
        refresh = _token("com.atproto.refresh", self._issued, now + 90 * 24 * HOUR)
        self.refreshes.add(refresh)
        return web.json_response(
            {"did": DID, "handle": HANDLE, "accessJwt": access, "refreshJwt": refresh, "active": True}
        )

    def _problem(self, request: web.Request) -> web.Response | None:
        token = _bearer(request)
        if not token:
            return _no(401, "AuthMissing", "Authentication Required")
        try:
            said = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        except (ValueError, IndexError):
            return _no(400, "InvalidToken", "Token could not be verified")
        if said["scope"] != "com.atproto.access":
            return _no(400, "InvalidToken", "Invalid token type")
        if said["exp"] * 1000 <= self.clock.now():
            return _no(400, "ExpiredToken", "Token has expired")
        return None


def _wrong(rkey: str, record: Any) -> str:
    """What the post's lexicon has against a record."""
    if not _TID.fullmatch(rkey):
        return f'Invalid record key for app.bsky.feed.post: Invalid TID string (got "{rkey}") at $'
    if not isinstance(record, dict) or not {"$type", "text", "createdAt"} <= record.keys():
        return "Record must have the properties $type, text and createdAt"
    if len(regex.findall(r"\X", record["text"])) > 300:
        return "Record/text must not be longer than 300 graphemes"
    if len(record["text"].encode()) > 3000:
        return "Record/text must not be longer than 3000 characters"
    indexes = [facet["index"] for facet in record.get("facets", [])]
    if not all(0 <= one["byteStart"] < one["byteEnd"] <= len(record["text"].encode()) for one in indexes):
        return "Record/facets/0/index must lie in the text"
    reply = record.get("reply", {"root": {"uri": "", "cid": ""}, "parent": {"uri": "", "cid": ""}})
    whole = all({"uri", "cid"} <= reply[name].keys() for name in ("root", "parent"))
    return "" if whole else "Record/reply must name its root and its parent"


def _uri(rkey: str) -> str:
    return f"at://{DID}/app.bsky.feed.post/{rkey}"


def _cid(value: Any) -> str:
    """In the form of a real one, and as real: the same for the same record alone."""
    digest = hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()
    return "bafyrei" + base64.b32encode(digest).decode().lower().rstrip("=")


def _token(scope: str, number: int, ends: int) -> str:
    parts = (
        {"alg": "HS256", "typ": "JWT"},
        {"scope": scope, "sub": DID, "jti": str(number), "exp": ends // 1000},
    )
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*coded, "c2lnbmF0dXJl"])


def _bearer(request: web.Request) -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


async def _fields(request: web.Request) -> dict[str, Any]:
    try:
        found = json.loads(await request.read())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _no(status: int, error: str, message: str) -> web.Response:
    return web.json_response({"error": error, "message": message}, status=status)


if __name__ == "__main__":
    standalone(lambda log, port: FakeBluesky(log=log, port=port))
