"""Twilio's Messages as far as Tocsin uses them: sending, listing with filters and pages, STOP.

Field names, patterns and limits are those of Twilio's OpenAPI document
(twilio-oai, spec/json/twilio_api_v2010.json).

Run alone: ``python -m tests.fakes.twilio --port 0 --log FILE``.
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import jsonschema
from aiohttp import web

from daemon.core.clock import Clock, to_datetime
from tests.fakes.server import FakeServer, Stored, standalone

ACCOUNT = "AC" + "0123456789abcdef" * 2
KEY = "SK" + "fedcba9876543210" * 2
SECRET = "twilio-secret-0123456789abcdef"
SENDER = "+15005550006"
TO = "+491711234567"

_SID = "[0-9a-fA-F]{32}$"
_FORM: dict[str, Any] = {
    "type": "object",
    "required": ["To", "Body"],
    "oneOf": [{"required": ["From"]}, {"required": ["MessagingServiceSid"]}],
    "additionalProperties": False,
    "properties": {
        "To": {"type": "string"},
        "From": {"type": "string"},
        "MessagingServiceSid": {"type": "string", "pattern": f"^MG{_SID}"},
        "Body": {"type": "string", "maxLength": 1_600},
        "ValidityPeriod": {"type": "string", "pattern": "^[0-9]+$"},
        "SmartEncoded": {"enum": ["true", "false"]},
    },
}


class FakeTwilio(FakeServer):
    """One account; ``stopped`` are the numbers that have answered STOP."""

    def __init__(
        self, *, secret: str = SECRET, clock: Clock | None = None, log: Path | None = None, port: int = 0
    ) -> None:
        super().__init__(clock=clock, log=log, port=port)
        self.secret = secret
        self.stopped: set[str] = set()

    def identity(self, post: Stored) -> str:
        return f"{post['to']} {post['body']}"

    def routes(self) -> list[web.RouteDef]:
        path = "/2010-04-01/Accounts/{account}/Messages.json"
        return [web.post(path, self._create), web.get(path, self._list)]

    async def _create(self, request: web.Request) -> web.StreamResponse:
        if refusal := self._stranger(request):
            return refusal
        form = dict(parse_qsl((await request.read()).decode(), keep_blank_values=True, strict_parsing=True))
        if problem := self._problem(form):
            return _no(400, *problem)

        def answer() -> web.Response:
            number = len(self.posts) + 1
            post = self.store(
                {
                    "sid": f"SM{number:032x}",
                    "to": form["To"],
                    "from": form.get("From"),
                    "messaging_service_sid": form.get("MessagingServiceSid"),
                    "body": form["Body"],
                    "validity": form.get("ValidityPeriod"),
                    "at": self.clock.now(),
                }
            )
            return web.json_response(self._shown(post), status=201)

        return await self.accept(request, answer)

    def _problem(self, form: dict[str, str]) -> tuple[int, str] | None:
        if not jsonschema.Draft202012Validator(_FORM).is_valid(form):
            return 21602, "a field that is missing, unknown or of the wrong form"
        if not re.fullmatch(r"\+[1-9]\d{6,14}", form["To"]):
            return 21211, f"Invalid 'To' Phone Number: {form['To']}"
        if form["To"] in self.stopped:
            return 21610, "Attempt to send to unsubscribed recipient"
        return None

    async def _list(self, request: web.Request) -> web.Response:
        if refusal := self._stranger(request):
            return refusal
        query = request.query
        size, start = int(query.get("PageSize", "50")), int(query.get("Page", "0"))
        after = query.get("DateSent>")
        day = datetime.fromisoformat(after) if after else datetime(1970, 1, 1, tzinfo=UTC)
        day = day if day.tzinfo else day.replace(tzinfo=UTC)
        found = [
            post
            for post in reversed(self.posts)
            if query.get("To") in (None, post["to"]) and to_datetime(post["at"]) >= day
        ]
        page = found[start * size : (start + 1) * size]
        more = urlencode({**query, "Page": start + 1}) if (start + 1) * size < len(found) else ""
        return web.json_response(
            {
                "messages": [self._shown(post) for post in page],
                "page": start,
                "page_size": size,
                "next_page_uri": f"{request.path}?{more}" if more else None,
            }
        )

    def _stranger(self, request: web.Request) -> web.Response | None:
        if request.match_info["account"] != ACCOUNT:
            return _no(404, 20404, "The requested resource was not found")
        given = request.headers.get("Authorization", "").removeprefix("Basic ")
        good = (f"{user}:{self.secret}".encode() for user in (ACCOUNT, KEY))
        return None if given.encode() in map(base64.b64encode, good) else _no(401, 20003, "Authenticate")

    def _shown(self, post: Stored) -> dict[str, Any]:
        at = format_datetime(to_datetime(post["at"]))
        return {
            **{name: post[name] for name in ("sid", "to", "from", "messaging_service_sid", "body")},
            "account_sid": ACCOUNT,
            "api_version": "2010-04-01",
            "date_created": at,
            "date_sent": at,
            "date_updated": at,
            "direction": "outbound-api",
            "error_code": None,
            "error_message": None,
            "num_media": "0",
            "num_segments": "1",
            "price": None,
            "price_unit": "USD",
            "status": "queued",
            "subresource_uris": {},
            "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{post['sid']}.json",
        }


def _no(status: int, code: int, words: str) -> web.Response:
    more = f"https://www.twilio.com/docs/errors/{code}"
    body = {"code": code, "message": words, "more_info": more, "status": status}
    return web.json_response(body, status=status)


if __name__ == "__main__":
    standalone(lambda log, port: FakeTwilio(log=log, port=port))
