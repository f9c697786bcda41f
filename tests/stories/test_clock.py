"""Clocks that jump, sleep, and skip hours: what is due stays due, and nobody hears a thing twice."""

from __future__ import annotations

import zoneinfo
from dataclasses import fields
from datetime import UTC, datetime

import pytest

from daemon.core.clock import DAY, HOUR, MINUTE, SECOND, from_datetime
from daemon.core.delivery import DeliveryState
from daemon.core.group import Group
from daemon.core.ports import Reason, Retry, Unknown
from daemon.core.setback import KEPT, MOVED
from daemon.core.words import Status
from daemon.ticker import Ticker
from tests.rules.test_windows import hours, window
from tests.stories.house import House


class Ticking:
    """The ticker of a house, as the daemon runs it: it looks every second of its own."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._ticker = Ticker(house.timers, house.clock)

    async def jump(self, span: int) -> None:
        """The wall clock reads that much later or earlier at the next look."""
        await self._ticker.step()
        self._house.clock.set_by(span)
        self._house.clock.advance(SECOND)
        await self._ticker.step()
        await self._house.settle()

    async def forward(self, minutes: float) -> None:
        for _ in range(int(minutes * 6)):
            self._house.clock.advance(10 * SECOND)
            await self._ticker.step()
            await self._house.settle()


@pytest.fixture
async def ticking(house: House) -> Ticking:
    """An incident that has been public since minute 1, looked at in minute 10."""
    ticking = Ticking(house)
    await house.alert()
    await ticking.forward(10)
    assert [minute for minute, _ in await house.page()] == [1]
    return ticking


class Ear:
    """What a channel says from now on."""

    def __init__(self, house: House, channel: str = "mail") -> None:
        self._heard = house.speakers[channel].heard
        self._known, self._began = len(self._heard), house.clock.now()

    @property
    def minutes(self) -> list[int]:
        """Minutes from now, one for each text."""
        return [round((at - self._began) / MINUTE) for at, _ in self._heard[self._known :]]


@pytest.mark.parametrize(
    ("lost", "minute"),
    [
        (3 * MINUTE, 24),  # the last word is still in the past: it comes as much later as the clock was set
        (HOUR, 21),
        (DAY, 21),
        (400 * DAY, 21),
    ],
)
async def test_row_31_the_clock_is_set_back(house: House, ticking: Ticking, lost: int, minute: int) -> None:
    """The holding update comes when it would have come, or three minutes later; not after a day."""
    await ticking.jump(-lost)
    mail = Ear(house)
    await ticking.forward(31)
    assert mail.minutes == [minute]
    await house.alert(firing=False)
    await ticking.forward(20)
    assert house.state().status is Status.resolved
    updates = [one.status for one in (await house.board.view()).past_incidents[0].updates]
    assert updates[0] == "resolved", "the newest is still the first one on the page"
    assert (await house.store.verify_chain(1)).good


async def test_row_31_set_back_while_the_daemon_was_away(house: House, ticking: Ticking) -> None:
    """The heartbeat lies in the future: the start knows it, as a running daemon does."""
    await house.restart(away=-DAY)
    mail = Ear(house)
    await Ticking(house).forward(31)
    assert mail.minutes == [21]


async def test_row_31_what_waits_for_another_try_does_not_wait_a_day(house: House, ticking: Ticking) -> None:
    """A post that is to be tried again in a minute is tried again in a minute."""
    house.speakers["mail"].answers = [Retry(Reason.server, after=60.0)]
    await ticking.forward(21.2)
    (row,) = (await house.store.deliveries(9, channel="mail", states={DeliveryState.queued})).items
    assert row.attempts == 1
    await ticking.jump(-DAY)
    mail = Ear(house)
    await ticking.forward(2)
    assert mail.minutes == [1]


async def test_row_31_a_monitor_is_not_taken_for_silent(house: House, ticking: Ticking) -> None:
    """What was heard before the clock was set back was heard; what fires again is news."""
    await ticking.jump(-DAY)
    for _ in range(20):
        await ticking.forward(20)
        await house.alert()
    assert not [text for _, text in house.heard("ops") if "the monitor has sent nothing" in text]


async def test_row_31_a_day_is_skipped(house: House, ticking: Ticking) -> None:
    """One update with the facts of now, one for each channel; the veto window begins in full."""
    before = {name: len(speaker.heard) for name, speaker in house.speakers.items()}
    await ticking.jump(DAY)
    said = {name: len(speaker.heard) - before[name] for name, speaker in house.speakers.items()}
    assert said["mail"] == 1
    assert said["x"] == 0
    x = Ear(house, "x")
    await ticking.forward(6)
    assert x.minutes == [5]


async def test_row_34_asleep_for_six_hours(house: House, ticking: Ticking) -> None:
    """Twelve holding updates fell due: one is said, and the cadence goes on from there."""
    mail = Ear(house)
    await ticking.jump(6 * HOUR)
    assert mail.minutes == [360]
    mail = Ear(house)
    await ticking.forward(31)
    assert mail.minutes == [30]
    gaps = [one for one in await house.store.journal(1) if one.entry.kind == "gap"]
    assert len(gaps) == 1


async def test_row_34_what_ended_while_it_slept(house: House, ticking: Ticking) -> None:
    """The alert cleared meanwhile: after the waits that did not run in the gap, "resolved", once."""
    await ticking.jump(6 * HOUR)
    await house.alert(firing=False)
    await ticking.forward(17)
    texts = [status for _, status in await house.page()]
    assert texts[-1] == "resolved"
    assert texts.count("resolved") == 1


def test_row_31_every_instant_of_a_group_has_its_rule() -> None:
    """A new field must say whether it moves when the clock is set back."""
    found = {one.name for one in fields(Group) if "Instant" in str(one.type)}
    assert found == set(MOVED) | KEPT


def test_row_33_every_zone_of_the_world() -> None:
    """A window of working hours opens and closes all year, and every instant has a text."""
    start = from_datetime(datetime(2027, 12, 30, tzinfo=UTC))
    for name in sorted(zoneinfo.available_timezones()):
        if name in ("Factory", "localtime"):
            continue
        one = window({"times": hours("09:00", "17:00"), "location": name})
        instant, opened = start, one.is_open(start)
        for _ in range(5):
            edge = one.next_edge(instant)
            assert edge is not None, name
            assert instant < edge <= instant + 26 * HOUR, name
            assert one.is_open(edge) is not opened, name
            instant, opened = edge, not opened


def test_row_33_the_29th_of_february() -> None:
    """A window of that day alone waits for the next leap year; a year after it there is none."""
    one = window({"months": ["february"], "days_of_month": ["29"]})
    leap = from_datetime(datetime(2028, 2, 29, tzinfo=UTC))
    assert one.next_edge(leap - 300 * DAY) == leap
    assert one.next_edge(leap) == leap + DAY
    assert not one.is_open(leap + 366 * DAY)


async def test_row_31_a_quarantine_is_not_over_because_the_clock_was_set(house: House) -> None:
    """The provider may still apply the call: an hour on the wall is no minute that has passed."""
    house.speakers["mail"].answers = [Unknown(Reason.timeout)]
    await house.alert()
    await house.forward(1)
    await house.reconciler.step()
    house.clock.set_by(HOUR)
    await house.settle()
    page = await house.store.deliveries(9, channel="mail", states={DeliveryState.unknown})
    assert len(page.items) == 1
    house.clock.advance(2 * MINUTE)
    await house.settle()
    assert not (await house.store.deliveries(9, channel="mail", states={DeliveryState.unknown})).items
