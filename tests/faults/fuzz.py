"""One daemon's share of fuzzed bodies, as a process of its own may run it.

Bodies made of real ones go through the real way in: parser, desk, rules and
store.  Every assertion names what it found: pytest is not there to look inside.
"""

from __future__ import annotations

import asyncio
import io
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aiohttp import StreamReader, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpVersion11
from aiohttp.http_parser import RawRequestMessage
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from daemon import logs
from daemon.core.alert import Alert, Report
from daemon.core.clock import MINUTE, SystemClock
from daemon.intake import exact
from daemon.intake.alertmanager_pieces import Pieces
from daemon.intake.registry import PARSERS
from daemon.intake_desk import IntakeDesk
from daemon.page.site import PageSite
from daemon.service.alerts import UNDATED
from daemon.web.credentials import SourceCredentials, digest
from daemon.web.errors import make_errors
from daemon.web.hooks import Hooks
from daemon.web.sources import FixedSources, Source
from tests.faults.ledger import Ledger
from tests.intake.mutations import Mutator
from tests.stories.house import START, House
from tests.web.rig import Counted

ROUND = 10_000  # bodies for one daemon; the next one begins with an empty database
TOGETHER = 128  # bodies under way at once
TOKEN = "a-monitors-token"
SOURCES = FixedSources([Source("am", "alertmanager", SourceCredentials(tokens=(digest(TOKEN),)))])


@dataclass
class Told:
    """What a sender of one round believes: the daemon answered it so."""

    refused: set[bytes] = field(default_factory=set)
    noted: set[bytes] = field(default_factory=set)
    taken: list[Report] = field(default_factory=list)


class Door:
    """The handler of ``POST /hooks/am`` as the server calls it, without a server."""

    def __init__(self, house: House, seen: Counted) -> None:
        intake = IntakeDesk(house.desk, house.metrics, raw_bodies=2 * ROUND)
        self.hooks = Hooks(
            sources=SOURCES, parsers=PARSERS, intake=intake, clock=SystemClock(), meter=seen,
            rng=random.Random(7),  # noqa: S311 - it spreads delays
        )  # fmt: skip
        self._errors = make_errors(seen)
        self._loop = asyncio.get_running_loop()
        self._headers = CIMultiDictProxy(CIMultiDict({"Authorization": f"Bearer {TOKEN}"}))
        # No connection is behind it.
        self._nobody: Any = SimpleNamespace(transport=None, peername=None, sockname=None, ssl_context=None)

    async def post(self, body: bytes) -> tuple[int, bytes]:
        answer = await self._errors(self._request(body), self.hooks.handle)
        assert isinstance(answer, web.Response), answer
        assert isinstance(answer.body, bytes), answer.body
        return answer.status, answer.body

    def _request(self, body: bytes) -> web.Request:
        stream = StreamReader(BaseProtocol(self._loop), 2**16, loop=self._loop)
        stream.feed_data(body)
        stream.feed_eof()
        message = RawRequestMessage(
            "POST", "/hooks/am", HttpVersion11, self._headers, (), False, None, False, False, URL("/hooks/am")
        )
        request = web.Request(message, stream, self._nobody, self._nobody, self._nobody, self._loop)
        request._match_info = {"source": "am"}  # type: ignore[assignment] # the router's; a dict does here
        return request


async def send(door: Door, body: bytes, told: Told, answers: Counter[int]) -> None:
    """Post as a monitor does: a 503 is repeated."""
    status, text = await door.post(body)
    answers[status] += 1
    while status == 503:
        status, text = await door.post(body)
        answers[status] += 1
    if status == 400:
        told.refused.add(body)
        return
    assert status == 200, (status, text, body)
    report = Pieces("am", START).report(exact.read(body))  # the careful reader; the quick one is under test
    answer = json.loads(text)
    assert answer["alerts"] == len(report.alerts), (answer, body)
    if answer["notes"]:
        told.noted.add(body)
    told.taken.append(report)


def fuzz(folder: Path, seed: str, count: int) -> Counter[int]:
    """How often each status was answered.  Raises AssertionError at the first thing that is not right."""
    folder.mkdir()
    answers = Counter[int]()
    asyncio.run(_fuzz(folder, Mutator(seed), count, answers))
    return answers


async def _fuzz(folder: Path, mutator: Mutator, count: int, answers: Counter[int]) -> None:
    """Everything is looked at in the daemon's file when it is closed."""
    log = io.StringIO()
    logs.configure(SystemClock(), style="json", stream=log, redactor=logs.Redactor([TOKEN]))
    house = await House.open(folder)
    seen, told = Counted(), Told()
    house.desk.on_fault.append(lambda group, error: seen.unexpected_error(f"{group}: {error!r}"))
    try:
        door = Door(house, seen)
        for start in range(0, count, TOGETHER):
            bodies = [mutator.next_body() for _ in range(min(TOGETHER, count - start))]
            await asyncio.gather(*(send(door, body, told, answers) for body in bodies))
        house.clock.advance(2 * MINUTE)
        while await house.timers.tick():
            pass  # incidents open, and their texts are made of what the bodies said
        PageSite().replace(await house.board.view())
        await assert_kept(house, told)
    finally:
        await house.close()
        logs.reset()
    for line in log.getvalue().splitlines():
        assert json.loads(line)["event"], line
    assert seen.errors == [], seen.errors
    assert_stored(Ledger(folder / "tocsin.db"), told)


async def assert_kept(house: House, told: Told) -> None:
    """Every body that was refused, or not understood in full, comes back byte for byte."""
    kept: set[bytes] = set()
    before: int | None = None
    while True:
        page = await house.store.quarantined(500, before)
        kept |= {one.body for one in page.items}
        if page.next is None:
            break
        before = page.next
    wanted = told.refused | told.noted
    assert kept == wanted, (list(kept - wanted)[:3], list(wanted - kept)[:3])


def assert_stored(ledger: Ledger, told: Told) -> None:
    """Each alert that was acknowledged is there as it was last told, or a rule passed it over."""
    stored: dict[str, dict[int, bool]] = {}
    for row in ledger.rows("SELECT fingerprint, starts_at, firing FROM episodes"):
        stored.setdefault(row["fingerprint"], {})[row["starts_at"]] = bool(row["firing"])
    heard: dict[str, list[Alert]] = {}
    for report in told.taken:
        for alert in report.alerts:
            heard.setdefault(alert.fingerprint, []).append(alert)
    for fingerprint, alerts in heard.items():
        known = stored.get(fingerprint, {})
        if all(alert.firing for alert in alerts):
            assert known, f"acknowledged, and not there: {alerts}"
            if not any(UNDATED in alert.flags for alert in alerts):  # else the start is our guess
                assert known.get(max(alert.starts_at for alert in alerts)) is True, (known, alerts)
        elif len(alerts) == 1:
            assert not known, f"the end of what never began opened something: {alerts}"
    assert ledger.check() == "ok", "the database is damaged"
