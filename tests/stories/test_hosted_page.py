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
from daemon.core.channel_view import ChannelView
from daemon.core.group import Group
from daemon.core.journal import Said
from daemon.core.words import Audience, Impact, Status
from daemon.service.components import component_states
from rules.load import load_sources
from rules.model import Site
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


def test_components_of_one_post() -> None:
    """One that left the incident works again; others' open incidents count where this channel was told."""

    def incident(number: int, *components: str, phase: str = "open", **told: int) -> Group:
        views = {
            name: ChannelView(components=frozenset(components), posts=posts) for name, posts in told.items()
        }
        return Group(id=number, phase=phase, impact=Impact.critical, components=components, channels=views)

    ours = incident(1, "checkout", "search", "mail", mirror=2)
    said = Said(
        "u2", "step", Audience.public, Status.monitoring, Impact.minor, {"mirror": "x"},
        components=("checkout",),
    )  # fmt: skip
    live = [
        ours,
        incident(2, "search", ops=1),  # never told here
        incident(3, "search", mirror=0),  # decided, not yet said here
        incident(4, "search", phase="resolved", mirror=3),
        incident(5, "mail", "other", mirror=1),
    ]
    rules = load_sources([("story.yaml", RULES)], site=Site("E", "https://e.example", "UTC"))
    states = component_states(ours, said, "mirror", live, rules)
    assert [(one.id, one.name, one.status.value) for one in states] == [
        ("checkout", "Checkout", "degraded_performance"),
        ("mail", "mail", "major_outage"),
        ("search", "Search", "operational"),
    ]
