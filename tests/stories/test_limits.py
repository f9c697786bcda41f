"""What holds automatic words back, through a whole daemon: plans in shadow."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.core.errors import Refused
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
