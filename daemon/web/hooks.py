"""``POST /hooks/{source}``: the answers that senders rely on (architecture.md).

Alertmanager repeats after a 5xx or a broken connection and after nothing else:
a 4xx is final.  So 200 comes only after the commit, a 4xx only for what can
never be taken, and everything that may be better in a moment is a 503.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
import structlog
from aiohttp import web

from daemon.core.alert import Report
from daemon.core.clock import DAY, Clock, Instant, Span
from daemon.core.errors import BadInput, Unavailable
from daemon.web.auth import authorization
from daemon.web.body import LIMIT, Body, Stalled, TooLarge, UnknownEncoding, Unreadable
from daemon.web.budget import MEBI, Budget, OverBudget
from daemon.web.deadline import Deadlines, Late
from daemon.web.meter import Meter
from daemon.web.peer import certificate, on_loopback
from daemon.web.problem import Problem
from daemon.web.sources import Source, Sources

log = structlog.get_logger("tocsin.hooks")

Parser = Callable[[bytes, str, Instant], Report]

STORE_WITHIN = 4.4
"""Seconds from the end of the body to the commit; with the hold it stays below the promised 5."""

HOLD = (0.25, 0.5)
"""Seconds for which a 503 is held back: a sender that retries at once would else retry a thousand times."""

KEPT_PREFIX = 64 * 1024
"""Bytes that are kept of a body that was not read to its end."""

FAILED = 500
HUNG_UP = 499
"""What is counted when the sender was gone before its body was whole; nobody receives this code."""

LARGE_PARSE = MEBI
"""Bodies beyond this are parsed in a thread: the loop goes on meanwhile."""

FAR_OFF: Span = 36_500 * DAY
"""What reads the same after a hundred years does not depend on when it came."""


class Intake(Protocol):
    """The use cases behind this route."""

    def recall(self, source: str, body: bytes) -> tuple[int, int] | None:
        """How many alerts fire and are resolved in a body that was noted and still changes nothing."""
        ...

    def knows(self, report: Report) -> bool:
        """Whether nothing in the report is new and all of it is durable."""
        ...

    def note(self, source: str, body: bytes, report: Report) -> None:
        """Remember the body of a report that is known; it must read the same at any time."""
        ...

    async def take_in(self, report: Report) -> None:
        """Store the alerts; return after the commit.  Raises Unavailable when nothing was stored."""
        ...

    async def keep(self, source: str, reason: str, body: bytes) -> None:
        """Keep what could not be understood and tell an operator.  Raises Unavailable."""
        ...


@dataclass(slots=True)
class Doors:
    """Whether new webhooks are taken; closed at the beginning of a graceful stop."""

    open: bool = True


class Hooks:
    """The handler and what it depends on; ``rng`` spreads the held answers."""

    def __init__(
        self,
        *,
        sources: Sources,
        parsers: Mapping[str, Parser],
        intake: Intake,
        clock: Clock,
        meter: Meter,
        rng: random.Random,
        budget: Budget | None = None,
        limit: int = LIMIT,
    ) -> None:
        self.doors = Doors()
        self._sources = sources
        self._parsers = parsers
        self._intake = intake
        self._clock = clock
        self._meter = meter
        self._rng = rng
        self._budget = budget or Budget()
        self._limit = limit
        self._deadlines = Deadlines(clock, STORE_WITHIN, self._failed_late)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="parse")

    def setup(self, app: web.Application) -> None:
        app.router.add_post("/hooks/{source}", self.handle)
        app.cleanup_ctx.append(self._run)

    async def handle(self, request: web.Request) -> web.Response:
        began = self._clock.monotonic()
        name = request.match_info["source"]
        source = self._sources.get(name)
        code = FAILED
        try:
            response = await self._answer(request, name, source)
            code = response.status
        except Problem as problem:
            code = problem.status
            log.warning("webhook refused", source=name[:80], code=code, reason=problem.detail)
            if problem.hold:
                await self._clock.sleep(self._rng.uniform(*HOLD))
            raise
        except ConnectionError:
            code = HUNG_UP
            raise
        except MemoryError as error:
            code = 503
            raise Problem(503, "no memory is left for this now; send it again") from error
        finally:
            seconds = self._clock.monotonic() - began
            self._meter.webhook_answered(source.name if source else "", code, seconds)
        return response

    async def _answer(self, request: web.Request, name: str, source: Source | None) -> web.Response:
        if source is None:
            raise self._unknown(request, name)
        authorise(request, source)
        if not self.doors.open:
            raise Problem(503, "the daemon is stopping; send it again", hold=True)
        with self._budget.share() as share:
            try:
                body = await self._read(Body(request, self._clock, share, self._limit), source)
            except UnknownEncoding as error:
                await self._keep(source, f"unknown Content-Encoding {error}", b"")
                detail = f"Content-Encoding {error} is not known; send gzip, deflate or nothing"
                raise Problem(415, detail) from error
            firing, resolved, notes = await self._take(source, body)
        self._meter.alerts_received(source.name, firing=firing, resolved=resolved)
        answer = {"alerts": firing + resolved, "notes": notes}
        return web.Response(body=msgspec.json.encode(answer), content_type="application/json")

    async def _take(self, source: Source, body: bytes) -> tuple[int, int, list[str]]:
        """What was in the body, stored: firing alerts, resolved ones, notes."""
        small = len(body) <= LARGE_PARSE
        if small and (known := self._intake.recall(source.name, body)) is not None:
            return *known, []
        report = await self._parse(source, body)
        if report.notes or not self._intake.knows(report):
            await self._store(source, report, body)
        elif small and self._is_timeless(source, body, report):
            self._intake.note(source.name, body, report)
        firing = sum(alert.firing for alert in report.alerts)
        return firing, len(report.alerts) - firing, report.notes

    async def _read(self, body: Body, source: Source) -> bytes:
        try:
            return await body.read()
        except TooLarge as error:
            reason, status = f"larger than {self._limit} bytes unpacked", 413
            cause: Exception = error
        except Stalled as error:
            reason, status = "the body stalled or took too long", 408
            cause = error
        except Unreadable as error:
            reason, status = str(error), 400
            cause = error
        except OverBudget as error:
            raise Problem(503, "too many large bodies at once; send it again", hold=True) from error
        try:
            await self._keep(source, reason, body.beginning(KEPT_PREFIX))
        except Problem:
            # The answer does not depend on it: the same body would be refused again.
            log.warning("beginning of a refused body not kept", source=source.name, reason=reason)
        raise Problem(status, reason) from cause

    async def _parse(self, source: Source, body: bytes) -> Report:
        parser, now = self._parsers[source.format], self._clock.now()
        try:
            if len(body) <= LARGE_PARSE:
                return parser(body, source.name, now)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, parser, body, source.name, now)
        except BadInput as error:
            reason = str(error)
            cause: Exception = error
        except MemoryError:
            raise  # says nothing about the body
        except Exception as error:  # a parser's bug: the body is kept, logged and counted
            log.exception("parser failed", source=source.name, format=source.format)
            self._meter.unexpected_error("intake")
            reason = "this program failed to read the body; it is kept for its operator"
            cause = error
        await self._keep(source, reason, body)
        raise Problem(400, reason) from cause

    def _is_timeless(self, source: Source, body: bytes, report: Report) -> bool:
        """Whether the body would have made this report at another time too."""
        later = self._clock.now() + FAR_OFF
        return self._parsers[source.format](body, source.name, later) == report

    async def _store(self, source: Source, report: Report, body: bytes) -> None:
        async def work() -> None:
            if report.notes:  # something in it was not understood: a person has to be able to see it
                await self._intake.keep(source.name, "; ".join(report.notes), body)
            await self._intake.take_in(report)

        await self._bounded(work())

    async def _keep(self, source: Source, reason: str, body: bytes) -> None:
        await self._bounded(self._intake.keep(source.name, reason, body))

    async def _bounded(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it within the deadline, or answer 503: at once after the deadline, held back before."""
        try:
            await self._deadlines.bound(work)
        except Late as error:
            raise Problem(503, "this could not be stored in time; send it again") from error
        except Unavailable as error:
            raise Problem(503, str(error) or "this cannot be stored now; send it again", hold=True) from error

    def _unknown(self, request: web.Request, name: str) -> Problem:
        detail = f"no source is called {name[:80]!r}"
        if on_loopback(request):
            detail += f"; configured: {', '.join(self._sources.names()) or 'none'}"
        return Problem(404, detail)

    def _failed_late(self, error: BaseException) -> None:
        if not isinstance(error, Unavailable):
            log.error("storing failed after its deadline", exc_info=error)
            self._meter.unexpected_error("intake")

    async def _run(self, _app: web.Application) -> AsyncIterator[None]:
        yield
        await self._deadlines.close()
        self._thread.shutdown()


def authorise(request: web.Request, source: Source) -> None:
    """Raise Problem 401 or 403 unless the caller may send as this source."""
    credentials = source.credentials
    if credentials.open:
        if not on_loopback(request):
            raise Problem(403, f"source {source.name!r} has no credentials, so it is open to loopback alone")
        return
    if credentials.accept(authorization(request), certificate(request)):
        return
    if not credentials.challenges:
        raise Problem(403, f"source {source.name!r} needs one of its client certificates")
    # One field may hold several challenges (RFC 9110, 11.6.1).
    challenge = {"WWW-Authenticate": ", ".join(credentials.challenges)}
    raise Problem(401, f"source {source.name!r} needs its credentials", headers=challenge)
