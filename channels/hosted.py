"""A status page that somebody else hosts: our incident is one there, and each of our posts an update of it.

Never two incidents for one and never two updates for one: before a change the
page is asked what it has; what has no parent there is searched by our mark.
Nothing here knows an API; a kind is its settings and its ``Dialect``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import aiohttp
import structlog
from typing_extensions import override

from channels.base import BaseChannel
from channels.fit import fit
from channels.hosted_api import HostedApi, NotUnderstood, Unclear
from channels.hosted_dialect import MALFORMED, Call, Dialect, Fields, Incident
from channels.hosted_look import Look
from channels.hosted_settings import HostedT
from channels.http import Answer, NoAnswer, outcome_of
from channels.measure import Seamed
from daemon.core.clock import Clock, Instant
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

log = structlog.get_logger("tocsin.channel")

MAX_NAME = 255
"""Characters of an incident's name, at all of them."""
CALM = 420
"""Statuspage's older word for 429: "the request has been rejected"."""


class HostedPage(BaseChannel[HostedT]):
    """One page; an attempt is a look at what it has (two thirds of ``timeout``) and one call that posts."""

    def __init__(
        self, settings: HostedT, session: aiohttp.ClientSession, clock: Clock, api_url: str, dialect: Dialect
    ) -> None:
        super().__init__(settings, session, clock)
        authorization = f"{dialect.scheme} {settings.token.get_secret_value()}"
        self._api = HostedApi(session, api_url, authorization, settings.timeout / 3)
        self._dialect = dialect
        self._look = Look(self._api, dialect)

    @override
    def _capabilities(self) -> Capabilities:
        return Capabilities(
            self._dialect.kind,
            self._dialect.text_limit,
            threads=True,
            can_find=True,
            idempotency="lookup",
            on_doubt="read_back",
            per_minute=self._dialect.per_minute,
            mirrors=True,
            secrets=("token",),
        )

    @override
    def _compose(self, post: Post, recipient: str) -> Payload:
        limit, parts, escaped = self._dialect.text_limit, self.settings.components, self._dialect.escaped
        words = fit(post.text[: limit + 1], post.page_url, Seamed(lambda text: len(escaped(text))), limit)
        states = {parts.get(one.id) or parts.get(one.name): one.status.value for one in post.states}
        return {
            "incident": post.public_id,
            "began": post.began,
            "name": fit(post.title, "", len, MAX_NAME) or "Incident",
            "text": escaped(words),
            "status": post.status,
            "impact": post.impact,
            "components": {theirs: status for theirs, status in states.items() if theirs},
        }

    @override
    def shown(self, payload: Payload) -> Shown:
        words = f"{payload['status'].capitalize()}\n{self._dialect.read(payload['text'])}"
        return Shown(words, payload["name"], len(payload["text"]))

    @override
    async def send(self, payload: Payload, parent: Ref | None, key: str) -> Outcome:
        try:
            async with asyncio.timeout(self.settings.timeout * 2 / 3):
                incident = await self._look.incident(payload, parent, in_doubt=False)
                if incident is not None:
                    there = self._look.update(incident, payload, parent, key, in_doubt=False)
                    if there is not None:
                        return Sent(_reference(incident, there.id))
                    await self._prepare(payload)
        except (TimeoutError, NoAnswer, NotUnderstood, Unclear) as error:
            return self._not_begun(error)
        dialect = self._dialect
        try:
            if incident is None:
                answer = await self._api.call(dialect.create(payload, key))
                return self._posted(answer, lambda fields: _newest(dialect.whole(fields)), Scope.destination)
            answer = await self._api.call(dialect.change(incident, payload, key))
            known = incident
            return self._posted(answer, lambda said: _reference(known, dialect.added(said)), Scope.delivery)
        except NoAnswer as lost:
            return lost.outcome

    @override
    async def find(self, payload: Payload, key: str, since: Instant, parent: Ref | None = None) -> Found:
        try:
            incident = await self._look.incident(payload, parent, in_doubt=True)
        except NoAnswer as lost:
            return CannotTell(lost.outcome.detail)
        except (NotUnderstood, Unclear) as error:
            return CannotTell(self.scrub(str(error)))
        if incident is None:
            return NotThere()
        there = self._look.update(incident, payload, parent, key, in_doubt=True)
        return NotThere() if there is None else _reference(incident, there.id)

    @override
    async def check(self) -> str | None:
        wanted = set(self.settings.components.values())
        try:
            if self._dialect.login and (await self._api.call(Call("GET", self._dialect.login))).status == 401:
                return "the page does not know the token"
            parts = self._api.rows(self._dialect.parts(), lambda row: str(row["id"]), self._dialect.wrapped)
            missing = wanted - {part async for part in parts}
        except NoAnswer as lost:
            return lost.outcome.detail
        except (NotUnderstood, Unclear) as error:
            return self.scrub(f"the page answered {error}")
        return f"the page has no component {', '.join(sorted(missing))}: correct the map" if missing else None

    async def _prepare(self, payload: Payload) -> None:
        """Ask for what comes before an update; a component that is gone must not hold back the words."""
        for call in self._dialect.before(payload):
            answer = await self._api.call(call)
            if answer.status in (403, 404, 422):
                log.warning(
                    "a component was not set", channel=self.name, status=answer.status, call=call.path
                )
            elif not answer.good:
                raise NotUnderstood(answer, call)

    def _not_begun(self, error: Exception) -> Outcome:
        """The look came to nothing: nothing was posted, so it may be tried again."""
        if isinstance(error, NotUnderstood):
            outcome = self._outcome(error.answer, Scope.destination)
        elif isinstance(error, NoAnswer):
            outcome = error.outcome
        elif isinstance(error, Unclear):
            return Rejected(Reason.other, f"whether the incident is there cannot be told: {error}")
        else:
            outcome = Unknown(Reason.timeout, "no whole answer in time")
        if isinstance(outcome, Unknown):
            return Retry(outcome.reason, f"before posting: {outcome.detail}")
        return outcome

    def _posted(self, answer: Answer, reading: Callable[[Fields], Ref], missing: Scope) -> Outcome:
        try:
            if answer.good:
                return Sent(reading(answer.fields() or {}))
        except MALFORMED:
            pass
        return self._outcome(answer, missing)

    def _outcome(self, answer: Answer, missing: Scope) -> Outcome:
        """What an answer means that is not the one hoped for; ``missing``: what a 404 is about."""
        fields = answer.fields() or {}
        error = fields.get("error")
        words = (error.get("message") if isinstance(error, dict) else error) or fields.get("message")
        status = 429 if answer.status == CALM else answer.status
        outcome = outcome_of(replace(answer, status=status), self._clock.now(), self.scrub(str(words or "")))
        if isinstance(outcome, Rejected) and outcome.reason is Reason.gone:
            return replace(outcome, scope=missing)
        return outcome


def _reference(incident: Incident, update: str) -> Ref:
    return Ref({"id": incident.id, "update": update}, incident.url)


def _newest(incident: Incident) -> Ref:
    return _reference(incident, incident.updates[-1].id if incident.updates else "")
