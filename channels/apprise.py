"""What Apprise can reach and no kind of ours does: one address, one service, one target.

It says yes or no, gives no ids, and its no can mean anything: so a no is a
doubt, and a doubt is for a person.
https://github.com/caronc/apprise/wiki
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Annotated, Literal

import aiohttp
import structlog
from pydantic import AfterValidator, Field, SecretStr
from typing_extensions import override

from channels.apprise_service import begin, service_of
from channels.base import BaseChannel, ChannelSettings, Secret
from channels.fit import fit
from channels.plain import inert, one_line, standing, uncalled
from daemon.core.clock import Clock
from daemon.core.ports import Capabilities, Outcome, Payload, Post, Reason, Ref, Retry, Sent, Shown, Unknown

log = structlog.get_logger("tocsin.channel")

MAX_FACTS = 12
COUNT = 16
"""Characters that Apprise keeps free, beside the title, where title and body share one limit."""
BUSY = 10.0
"""Seconds to wait while a call that was given up still runs."""


def _known(secret: SecretStr) -> SecretStr:
    service_of(secret)
    return secret


class Settings(ChannelSettings):
    """``url`` is an address of Apprise's, a secret as a whole."""

    kind: Literal["apprise"]
    url: Annotated[Secret, AfterValidator(_known)] = Field(
        description="an address of Apprise's with one target; for several targets write a channel for each"
    )
    timeout: float = Field(default=20.0, gt=0, le=25, description="seconds for one attempt")
    per_minute: Annotated[float, Field(gt=0, le=100_000)] | None = Field(
        default=None,
        description="messages a minute at most; else the pace that Apprise itself keeps, often 11",
    )


class AppriseChannel(BaseChannel[Settings]):
    """One service; an attempt is one blocking call in a thread, given up after ``timeout``."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> None:
        super().__init__(settings, session, clock)
        self._service = service_of(settings.url)
        self._pause = self._service.request_rate_per_sec
        # The outbox keeps the rate; a service that slept would do so within the deadline.
        self._service.request_rate_per_sec = 0.0
        self._service.socket_connect_timeout = self._service.socket_read_timeout = settings.timeout / 3
        self._call: Future[bool] | None = None

    @override
    def _capabilities(self) -> Capabilities:
        return Capabilities(
            "apprise",
            self._service.body_maxlen,
            per_minute=60 / self._pause if self._pause else None,
            secrets=("url",),
        )

    @override
    def _compose(self, post: Post, recipient: str) -> Payload:
        limit = self._service.title_maxlen
        name = _harmless(one_line(f"{post.incident} {post.title}"))
        title = fit(name, "", len, limit) if limit > 0 else ""
        shared = len(title) + COUNT if self._service.overflow_amalgamate_title else 0
        body = self._body(post, "" if title else name, self._service.body_maxlen - shared)
        return {"title": title, "body": body, "status": post.status}

    @override
    def shown(self, payload: Payload) -> Shown:
        return Shown(payload["body"], payload["title"], self._length(payload["body"]))

    @override
    async def send(self, payload: Payload, parent: Ref | None, key: str) -> Outcome:
        if self._call is not None and not self._call.done():
            return Retry(Reason.timeout, "the call before this one has not ended yet", after=BUSY)
        call = self._call = begin(lambda: self._notify(payload))
        try:
            async with asyncio.timeout(self.settings.timeout):
                accepted = await asyncio.wrap_future(call)
        except TimeoutError:
            call.add_done_callback(lambda ended: self._late(ended, key))
            return Unknown(Reason.timeout, "no end in time; the call goes on by itself")
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything, its words may hold secrets
            return Unknown(Reason.other, f"Apprise raised {type(error).__name__}")
        if accepted:
            return Sent(Ref({}))
        return Unknown(Reason.server, "Apprise says that it failed, and not at what")

    @override
    async def check(self) -> str | None:
        """Whether Apprise takes the address; whether the service takes posts shows with the first."""
        try:
            service_of(self.settings.url)
        except ValueError as problem:
            return str(problem)
        return None

    def _notify(self, payload: Payload) -> bool:
        """Blocks; in a thread."""
        kind = "success" if payload["status"] == "resolved" else "warning"
        body, title = payload["body"], payload["title"]
        return bool(self._service.notify(body=body, title=title, notify_type=kind, body_format="text"))

    def _late(self, ended: Future[bool], key: str) -> None:
        """What became of a call that was given up, for the person who has to decide."""
        accepted = ended.exception() is None and ended.result()
        log.warning("a call that was given up has ended", channel=self.name, key=key, accepted=accepted)

    def _body(self, post: Post, name: str, limit: int) -> str:
        """Everything but the words is short; those are cut to what is left."""
        most_lines = self._service.body_max_line_count
        head = [line for line in (name, _harmless(standing(post.status, post.impact))) if line]
        facts = [_harmless(f"{key[:60]}: {value[:200]}") for key, value in post.facts.items()][:MAX_FACTS]
        while (facts or head) and self._length("\n".join([*head, *facts])) > limit // 2:
            (facts or head).pop()

        def whole(words: str) -> str:
            said = "\n".join([*head, words, *facts])
            return " ".join(said.split()) if 0 < most_lines <= said.count("\n") else said

        spoken = _harmless(f"{post.mention} {post.text}".strip()[: limit + 1])
        return whole(fit(spoken, post.page_url, lambda words: self._length(whole(words)), limit, always=True))

    def _length(self, text: str) -> int:
        """Characters after Apprise has made the service's format of it."""
        from apprise.conversion import convert_between  # noqa: PLC0415 - an extra, loaded with the service

        made = convert_between("text", self._service.resolve_format("text"), text)  # type: ignore[no-untyped-call]
        return len(made)


def _harmless(text: str) -> str:
    """Each service has a markup of its own: no tag, no link under another name, nobody called."""
    return inert(uncalled(text, ()))
