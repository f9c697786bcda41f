"""A webhook that came before, byte for byte, is recognised without being read, and never wrongly.

* the second time it is noted, from the third on it is not read; answers and counters are as ever
* what has changed in between (an end, an hour of silence, the time itself) is noticed all the same
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from daemon.core.alert import Report
from daemon.core.clock import MINUTE, Instant, to_iso
from daemon.intake import alertmanager
from daemon.intake_desk import IntakeDesk
from daemon.service.memory import KnownEpisode, Memory
from daemon.service.repeats import Repeats
from tests.intake.bodies import alert, body
from tests.stories.house import START, House
from tests.web.rig import Rig, start


@dataclass
class Gate:
    """The house behind a real listener; counts what is really read."""

    house: House
    rig: Rig
    read: list[Instant] = field(default_factory=list)

    async def send(self, sent: bytes) -> Any:
        answer = await self.rig.post("/hooks/open", sent)
        assert answer.status == 200
        await self.house.settle()
        return answer.json


@pytest.fixture
async def gate(house: House) -> AsyncIterator[Gate]:
    """A gate that is closed at the end."""
    read: list[Instant] = []

    def parse(sent: bytes, source: str, now: Instant) -> Report:
        read.append(now)
        return alertmanager.parse(sent, source, now)

    intake = IntakeDesk(house.desk, house.metrics)
    rig = await start(clock=house.clock, intake=intake, parsers={"alertmanager": parse})
    yield Gate(house, rig, read)
    await rig.session.close()
    await rig.listener.stop()


def firing(*fingerprints: str, **changes: Any) -> bytes:
    labels = {"alertname": "Down", "service": "checkout", "severity": "page"}
    common = {"labels": labels, "startsAt": to_iso(START)} | changes
    return body(*(alert(fingerprint=one, **common) for one in fingerprints or ("a",)))


async def test_the_third_time_a_body_is_not_read(gate: Gate) -> None:
    """Answer and counters are those of a body that was read; nothing is written."""
    sent = firing("a", "b")
    answers = [await gate.send(sent) for _ in range(2)]
    await gate.house.forward(2)
    entries, reads = len(await gate.house.store.journal(1)), len(gate.read)
    answers += [await gate.send(sent) for _ in range(5)]
    assert len(gate.read) == reads
    assert answers == [{"alerts": 2, "notes": []}] * 7
    assert gate.rig.counted.alerts == [("open", 2, 0)] * 7
    assert len(await gate.house.store.journal(1)) == entries


async def test_a_body_that_fires_again_after_an_end_is_news(gate: Gate) -> None:
    """The same bytes opened an incident, were repeated, and open it again after the end."""
    sent = firing()
    for _ in range(4):
        await gate.send(sent)
    await gate.house.forward(3)
    await gate.send(firing(status="resolved", endsAt=to_iso(START + 3 * MINUTE)))
    assert gate.house.state(1).firing == 0
    await gate.house.forward(8)
    await gate.send(sent)
    await gate.house.forward(1)
    assert gate.house.state(1).firing == 1


async def test_resolved_bodies_are_counted_as_resolved(gate: Gate) -> None:
    """Also those that are only recognised."""
    await gate.send(firing())
    sent = firing(status="resolved", endsAt=to_iso(START))
    for _ in range(4):
        await gate.send(sent)
    assert gate.rig.counted.alerts == [("open", 1, 0), *[("open", 0, 1)] * 4]


async def test_a_body_whose_meaning_changes_with_time_is_read_each_time(gate: Gate) -> None:
    """Without a status the end decides: the same bytes fire before it and are resolved after it."""
    sent = firing(status=..., endsAt=to_iso(START + 10 * MINUTE))
    sent = sent.replace(b'"status":"firing",', b"", 1)
    for _ in range(4):
        await gate.send(sent)
    await gate.house.forward(9)
    assert gate.house.state(1).firing == 1
    await gate.house.forward(2)
    await gate.send(sent)
    assert gate.house.state(1).firing == 0


async def test_a_monitor_that_only_repeats_itself_is_heard(gate: Gate) -> None:
    """Hours of the same bytes: nobody is asked whether the monitor is silent."""
    for _ in range(40):
        await gate.send(firing())
        await gate.house.forward(10)
    assert not [text for _, text in gate.house.heard("ops") if "the monitor has sent nothing" in text]


async def test_what_is_not_durable_yet_is_not_known(house: House) -> None:
    """A repeat in the gap before COMMIT has to wait for it."""
    await house.alert()
    report = Report([house.make()])
    assert house.alerts.knows(report)
    known = house.desk.memory.episodes["am", report.alerts[0].fingerprint]
    known.batch = house.store.committed + 1
    assert not house.alerts.knows(report)


def test_a_replaced_episode_and_a_silent_one_are_noticed() -> None:
    """What stands in memory must be the very object that was noted, and heard of not long ago."""
    memory, report = Memory(), alertmanager.parse(firing(), "am", START)
    before = KnownEpisode(START, True, b"{}", (), 1, START)
    memory.episodes["am", "a"] = before
    repeats = Repeats(memory)
    repeats.note("am", b"body", report)
    assert repeats.find("am", b"body", START - 1) is not None
    assert repeats.find("other", b"body", START - 1) is None
    memory.episodes["am", "a"] = KnownEpisode(START, True, b"{}", (), 1, START)
    assert repeats.find("am", b"body", START - 1) is None
    repeats.note("am", b"body", report)
    assert repeats.find("am", b"body", START) is None  # silent for too long


def test_what_is_noted_is_bounded() -> None:
    """Alerts and bodies count, so empty bodies cannot fill memory; the one seen last stays."""
    memory = Memory()
    memory.episodes["am", "a"] = KnownEpisode(START, True, b"{}", (), 1, START)
    repeats = Repeats(memory, most=10)
    repeats.note("am", b"kept", alertmanager.parse(firing(), "am", START))
    for number in range(100):
        repeats.note("am", b"%d" % number, Report([]))
        assert repeats.find("am", b"kept", 0) is not None
    found = [number for number in range(100) if repeats.find("am", b"%d" % number, 0) is not None]
    assert found == list(range(92, 100))
