"""What holds automatic words back, through a whole daemon: plans in shadow, flapping, budgets."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.core import journal as j
from daemon.core.errors import Refused
from daemon.core.limits import OverBudget
from daemon.service.incidents import UpdateRequest
from daemon.web.api_views import whole_incident
from tests.stories.house import RULES, House

SHADOW = RULES.replace("  public:\n    to:", "  public:\n    shadow: true\n    to:")


async def test_a_plan_in_shadow_tells_nobody_and_records_it_all(tmp_path: Path) -> None:
    """Customers hear and see nothing, through a restart too; people are asked, and read all of it."""
    house = await House.open(tmp_path, SHADOW)
    await house.alert()
    await house.forward(35)
    await house.restart()
    await house.forward(30)
    await house.alert(firing=False)
    await house.forward(20)
    assert house.heard("mail") == []
    assert await house.page() == []
    assert [row for row in (await house.store.deliveries(50)).items if row.channel != "ops"] == []
    internal = [text for _, text in house.heard("ops")]
    assert any("it is time for" in text for text in internal)
    assert any("is resolved as of" in text for text in internal)
    journal = await house.store.journal(1)
    rules = house.desk.book.of(house.state().rules)
    whole = whole_incident(house.state(), journal, rules)
    assert whole.shadow
    assert [(one.by, one.shadow) for one in reversed(whole.updates)] == [
        ("first", True), ("holding", True), ("holding", True), ("clear", True), ("done", True),
    ]  # fmt: skip
    assert {one.channel: one.told for one in whole.channels} == {"mail": False, "ops": True, "page": False}
    assert "customers" in whole.updates[-1].posts["mail"]
    assert whole.page_url == "https://status.example.com"
    with pytest.raises(Refused, match="every public plan is in shadow"):
        await house.incidents.update(1, "ana", UpdateRequest(text="Hello.", to=("page",)))
    await house.close()


FLAPPING = (
    RULES.replace("monitor_for: 10m", "monitor_for: 0s\n    reopen_within: 0s").replace(
        "keep_firing_for: 5m", "keep_firing_for: 0s"
    )
    + "limits: { flapping: { opened: 3, within: 1h, plan: internal } }\n"
)


async def opened_on(house: House, component: str) -> list[str]:
    """The plans that the incidents of a component opened on, oldest first."""
    rows = (await house.store.incidents(50)).items
    journals = [await house.store.journal(row.id) for row in reversed(rows) if row.key[0][1] == component]
    return [one.entry.plan for journal in journals for one in journal if isinstance(one.entry, j.Opened)]


async def test_the_fourth_incident_within_the_hour_is_internal(tmp_path: Path) -> None:
    """Also when the daemon started anew in between; an hour later the same alert is public again."""
    house = await House.open(tmp_path, FLAPPING)
    for number in range(5):
        await house.alert(starts_at=house.clock.now())
        await house.alert(service="search", starts_at=house.clock.now()) if number == 3 else None
        await house.forward(2)
        await house.alert(firing=False, starts_at=house.clock.now())
        await house.forward(8)
        if number == 2:
            await house.restart()
    assert await opened_on(house, "checkout") == ["public", "public", "public", "internal", "internal"]
    assert await opened_on(house, "search") == ["public"]
    assert sum("flaps: it opened 3 times within 1h" in text for _, text in house.heard("ops")) == 1
    await house.forward(60)
    await house.alert(starts_at=house.clock.now())
    await house.forward(2)
    assert (await opened_on(house, "checkout"))[5:] == ["public"]
    await house.close()


BUDGET = (
    RULES.replace(
        "  - { id: search,",
        "  - { id: cart, name: Cart, matchers: [ 'service=\"cart\"' ] }\n  - { id: search,",
    ).replace(
        "      - { id: social, after: 2h",
        "      - { id: wide, after: 10m, say: short, to: [ x ] }\n      - { id: social, after: 9h",
    )
    + "limits: { posts_per_hour: { x: 2 } }\n"
)


async def test_x_takes_two_automatic_posts_an_hour_of_all_incidents_together(tmp_path: Path) -> None:
    """The third waits, through a restart too, until there is room; a person and "resolved" do not."""
    house = await House.open(tmp_path, BUDGET)
    for service in ("checkout", "search", "cart"):
        await house.alert(service=service)
        await house.forward(5)
    await house.forward(11)  # wide is due at 11, 16 and 21
    assert [minute for minute, _ in house.heard("x")] == [11, 16]
    whole = whole_incident(house.state(3), await house.store.journal(3), house.desk.book.current)
    assert {one.channel: one.over_budget for one in whole.channels}["x"]
    await house.restart()
    await house.incidents.update(2, "ana", UpdateRequest(text="We found it.", to=("page", "x")))
    await house.alert(service="checkout", firing=False)
    await house.forward(30)
    assert [minute for minute, _ in house.heard("x")][2:] == [26, 41]  # ana, and the end of the first
    await house.forward(30)
    (late,) = house.heard("x")[4:]
    assert late[0] == 71  # an hour after the first
    assert "After 1 hour" in late[1]
    journal = [one.entry for one in await house.store.journal(3)]
    assert [one.step for one in journal if isinstance(one, OverBudget)] == ["wide"]
    await house.close()
