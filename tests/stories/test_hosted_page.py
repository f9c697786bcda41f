"""A hosted page as a mirror of the whole story: the real channel behind the real outbox, a fake page.

* one incident there for one here, its updates in order, also behind a doubt
* components by the worst open incident that the page was told of
* what it was not told of does not show by a colour
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from channels.http import open_session
from channels.statuspage_io import Settings, StatuspageChannel
from tests.channels.posts import settings
from tests.fakes import faults
from tests.fakes.hosted import PAGE
from tests.fakes.statuspage_io import TOKEN, FakeStatuspage
from tests.stories.house import RULES, House

MAPPED = {"checkout": "part1", "Search": "part2"}


@pytest.fixture
async def mirrored(tmp_path: Path) -> AsyncIterator[tuple[House, FakeStatuspage]]:
    """A house whose `mail` is a page at Statuspage."""
    house = await House.open(tmp_path, RULES)
    async with FakeStatuspage(clock=house.clock) as fake, open_session() as session:
        fields = {"kind": "statuspage_io", "api_url": fake.api, "page": PAGE, "token": TOKEN}
        found = settings(name="mail", components=MAPPED, **fields)
        assert isinstance(found, Settings)
        mirror = StatuspageChannel(found, session, house.clock)
        house.speakers["mail"] = mirror  # type: ignore[assignment] # the port is all that the house uses
        house.text = RULES.replace("email", "statuspage_io").replace("[ component ]", "[ region ]")
        await house.restart()
        yield house, fake
        await house.close()


async def test_a_whole_incident(mirrored: tuple[House, FakeStatuspage]) -> None:
    """Every update is there once, although the answer to the first and to a later one was lost."""
    house, fake = mirrored
    fake.script(faults.cut_before_answer)
    await house.alert()
    await house.forward(20)
    assert fake.states == {"part1": "partial_outage", "part2": "operational"}
    fake.script(faults.cut_before_answer)
    await house.forward(45)
    await house.alert(firing=False)
    await house.forward(30)
    [updates] = fake.incidents()
    statuses = [one["status"] for one in updates]
    assert statuses == ["investigating"] * 3 + ["monitoring", "resolved"]
    assert len({one["text"] for one in updates if one["status"] != "investigating"}) == 2
    assert fake.states == {"part1": "operational", "part2": "operational"}


async def test_the_worst_open_incident_decides(mirrored: tuple[House, FakeStatuspage]) -> None:
    """Two incidents of one component: the end of the worse one leaves the other's colour."""
    house, fake = mirrored
    await house.alert("Slow", severity="warning", region="a")
    await house.forward(2)
    assert fake.states["part1"] == "degraded_performance"
    await house.alert("Down", severity="critical", region="b")
    await house.forward(2)
    assert fake.states["part1"] == "major_outage"
    await house.alert("Down", firing=False, severity="critical", region="b")
    await house.forward(16)
    assert len(fake.incidents()) == 2
    assert fake.incidents()[1][-1]["status"] == "resolved"
    assert fake.states["part1"] == "degraded_performance"
    await house.alert("Slow", firing=False, severity="warning", region="a")
    await house.forward(16)
    assert fake.states["part1"] == "operational"


async def test_what_the_page_was_not_told_of_has_no_colour(mirrored: tuple[House, FakeStatuspage]) -> None:
    """A worse incident on another component, and one that still waits for its `for`, do not show."""
    house, fake = mirrored
    await house.alert("Slow", severity="warning", region="a")
    await house.forward(0.9)
    await house.alert("Down", severity="critical", region="b")  # not open before another minute
    await house.forward(0.5)
    assert fake.states == {"part1": "degraded_performance", "part2": "operational"}
