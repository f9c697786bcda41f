"""A rule that fails never silences an incident.

* a template that raises gives way to the built-in text, and people are told
* an `if` that raises counts as false, and people are told once
* the rules that an incident was opened with stay with it through a reload
"""

from __future__ import annotations

from pathlib import Path

from tests.stories.house import RULES, House

BAD_TEXT = (
    RULES
    + """
texts:
  investigating: { default: "Broken in {{ labels.no_such_label }}." }
"""
)


async def test_row_47_a_template_that_raises(tmp_path: Path) -> None:
    """The plain built-in text goes out in time, and the operators hear which text failed."""
    house = await House.open(tmp_path, BAD_TEXT)
    await house.alert()
    await house.forward(2)
    assert [minute for minute, _ in await house.page()] == [1]
    assert house.heard("mail")[0][1].startswith("We are aware that customers may be unable to pay")
    told = [text for _, text in house.heard("ops") if "a rule failed" in text]
    assert len(told) >= 1
    assert any("investigating on page" in text for text in told)
    await house.close()


async def test_row_46_a_condition_that_raises(tmp_path: Path) -> None:
    """The step is not taken, everything else is, and the question comes once, not every round."""
    rules = RULES.replace(
        "{ id: nag, every: 25m, ask: comms }",
        '{ id: nag, every: 25m, ask: comms, if: "alerts_total / (alerts_total - 1) > 0" }',
    )
    house = await House.open(tmp_path, rules)
    await house.alert()
    await house.forward(100)
    assert [minute for minute, _ in await house.page()] == [1, 31, 61, 91]
    assert sum("a rule failed" in text for _, text in house.heard("ops")) == 1
    await house.close()


async def test_row_48_a_reload_in_the_middle(house: House) -> None:
    """An open incident keeps the cadence it was opened with; the next one follows the new rules."""
    await house.alert()
    await house.forward(5)
    house.desk.book.replace(house.rule_set(RULES.replace("every: 30m", "every: 20m")))
    house.text = RULES.replace("every: 30m", "every: 20m")
    rules = house.desk.book.current
    now = house.clock.now()
    await house.store.write(lambda tx: tx.rules_version(rules.version, now, "test", rules.sources), now)
    await house.alert(service="search")
    await house.restart()
    await house.forward(40)
    view = await house.board.view()
    search, checkout = (
        [house.minutes(one.at) for one in reversed(incident.updates)] for incident in view.open_incidents
    )
    assert checkout == [1, 31]
    assert search == [6, 36], "the promise of 30 minutes holds the shorter cadence back"
