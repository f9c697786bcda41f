"""A body of thousands of alerts comes in slices; nobody speaks of the first slice alone."""

from __future__ import annotations

import asyncio

from daemon.core import journal as j
from daemon.core.alert import Report
from tests.stories.house import RULES, House


async def test_nothing_is_decided_before_the_last_slice(house: House) -> None:
    """The ticker looks between the slices and leaves the incident alone until all alerts are in."""
    house.desk.book.replace(house.rule_set(RULES.replace("for: 1m", "for: 0s")))
    alerts = [house.make("Down", instance=f"shop-{number}") for number in range(2_500)]
    taking = asyncio.create_task(house.alerts.take_in(Report(alerts)))
    while not taking.done():
        await house.timers.tick()
    group = next(iter(house.desk.memory.states))
    entries = [one.entry for one in await house.store.journal(group)]
    fired = [place for place, entry in enumerate(entries) if isinstance(entry, j.Alerts)]
    opened = [place for place, entry in enumerate(entries) if isinstance(entry, j.Opened)]
    assert len(fired) == 3
    assert opened == [fired[-1] + 1]
    assert house.state().firing == 2_500


async def test_a_body_cut_off_between_slices_is_decided_soon(house: House) -> None:
    """When the rest never comes, what is in is decided a few seconds later."""
    house.desk.book.replace(house.rule_set(RULES.replace("for: 1m", "for: 0s")))
    alerts = [house.make("Down", instance=f"shop-{number}") for number in range(2_500)]
    taking = asyncio.create_task(house.alerts.take_in(Report(alerts)))
    while not house.desk.memory.states:
        await asyncio.wait({taking}, timeout=0)
    taking.cancel()
    await asyncio.wait({taking})
    await house.store.write(lambda _: None, house.clock.now(), 0)  # behind the slice that is under way
    await house.forward(0.2)
    assert house.state().phase == "open"
