"""What monitors really do: repeats, duplicates, out of order, truncated, silent.

* a repeat costs no write; a duplicate delivery changes nothing
* an older start, a late "firing" and a truncated payload open and resolve nothing
* a monitor that falls silent is asked about, never closed
"""

from __future__ import annotations

import asyncio
from itertools import permutations

import pytest

from daemon.core.alert import Report
from daemon.core.clock import MINUTE
from daemon.core.journal import Alerts
from daemon.core.words import Status
from tests.stories.house import START, House


async def entries(house: House, group: int = 1) -> int:
    return len(await house.store.journal(group))


async def test_repeats_cost_no_write(house: House) -> None:
    """The same body again and again adds no entry and no commit."""
    await house.alert()
    await house.forward(2)
    before, commits = await entries(house), house.store.stats()["commits"]
    for _ in range(20):
        taken = await house.alerts.take_in(Report([house.make()]))
        assert (taken.new, taken.unchanged) == (0, 1)
    assert await entries(house) == before
    assert house.store.stats()["commits"] == commits


async def test_row_35_the_same_webhook_fifty_times_at_once(house: House) -> None:
    """Fifty at the same time: one episode, one incident, one update."""
    report = Report([house.make(instance=str(number)) for number in range(3)])
    await asyncio.gather(*(house.alerts.take_in(report) for _ in range(50)))
    await house.forward(2)
    alerts = [one.entry for one in await house.store.journal(1) if isinstance(one.entry, Alerts)]
    assert sum(len(entry.fired) for entry in alerts) == 3
    assert await house.page() == [(1, "investigating")]


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
async def test_row_36_any_order_of_two_episodes(house: House, order: tuple[int, ...]) -> None:
    """Fires, clears, fires anew: in whatever order they arrive, the second is open at the end."""
    second = START + MINUTE
    bodies = [house.make(), house.make(firing=False), house.make(starts_at=second)]
    for number in order:
        await house.send([bodies[number]])
    await house.send([house.make(), house.make(firing=False)])
    await house.forward(3)
    assert house.state(1).firing == 1
    assert len(await house.page()) == 1


async def test_resolved_before_firing_opens_nothing(house: House) -> None:
    """The "firing" of an episode that is known to be over is too late, also after a restart."""
    await house.alert(firing=False)
    await house.alert()
    await house.forward(3)
    assert await house.page() == []
    await house.alert("Other")
    await house.forward(3)
    await house.alert("Other", firing=False)
    await house.restart()
    await house.alert("Other")
    await house.forward(30)
    assert [status for _, status in await house.page()] == ["investigating", "monitoring", "resolved"]


async def test_the_same_start_fires_again_long_after(house: House) -> None:
    """Prometheus that was away fires on with the old start: that is no late delivery but news."""
    await house.alert()
    await house.forward(3)
    await house.alert(firing=False)
    await house.forward(8)
    await house.alert()
    await house.forward(1)
    assert house.state(1).firing == 1


async def test_row_41_a_truncated_payload_resolves_nothing(house: House) -> None:
    """It may open, because what it holds is true; it never closes."""
    await house.alert(truncated=3)
    await house.forward(2)
    assert await house.page() == [(1, "investigating")]
    await house.alert(firing=False, truncated=3)
    await house.forward(25)
    assert house.state(1).status is Status.investigating
    await house.alert(firing=False)
    await house.forward(6)
    assert house.state(1).status is Status.monitoring


async def test_row_37_other_keys_same_labels(house: House) -> None:
    """A changed fingerprint or group key joins the same incident by route and labels."""
    await house.alert()
    await house.forward(2)
    moved = house.make()
    moved.fingerprint = "after-a-restart"
    await house.send([moved])
    await house.forward(1)
    assert len((await house.board.view()).open_incidents) == 1


async def test_row_38_a_silent_monitor_is_asked_about(house: House) -> None:
    """No word for five hours: a person is asked, holding updates go on, nothing closes."""
    await house.alert()
    await house.forward(5 * 60 + 5)
    stale = [minute for minute, text in house.heard("ops") if "the monitor has sent nothing" in text]
    assert stale == [300]
    assert house.state(1).status is Status.investigating
    assert (await house.page())[-1][0] > 290
    await house.alert()
    await house.forward(5 * 60 - 10)
    assert [minute for minute, text in house.heard("ops") if "the monitor has sent nothing" in text] == [300]


async def test_a_newer_start_ends_the_older_episode(house: House) -> None:
    """Fires, resolves unheard, fires again: one episode is open, not two."""
    await house.alert()
    await house.forward(3)
    await house.alert(starts_at=START + 2 * MINUTE)
    assert house.state(1).firing == 1
    await house.alert(starts_at=START + 2 * MINUTE, firing=False)
    assert house.state(1).firing == 0


async def test_the_journal_of_every_group_verifies(house: House) -> None:
    """The hash chain holds over everything a story wrote."""
    await house.alert()
    await house.alert("DiskFull", service="backup", severity="info")
    await house.forward(200)
    for group in (1, 2):
        verdict = await house.store.verify_chain(group)
        assert verdict.good
        assert verdict.entries > 2


async def test_a_decision_that_raises_loses_no_alert(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours in deciding: the alert is kept, told, and decided once the fault is gone."""
    faults: list[int] = []
    house.desk.on_fault.append(lambda group, _: faults.append(group))

    def broken(*_: object) -> None:
        raise ZeroDivisionError("a fault")

    with monkeypatch.context() as patched:
        patched.setattr("rules.settle.decide", broken)
        await house.alert()
        await house.alert("Other", service="search")
        await house.forward(2)
    assert set(faults) == {1, 2}
    await house.forward(3)
    assert [status for _, status in await house.page()] == ["investigating", "investigating"]


async def test_rules_that_are_gone_give_way_to_the_current_ones(house: House) -> None:
    """An incident whose plan exists nowhere any more stays open, and a person is asked."""
    await house.alert()
    await house.forward(2)
    house.text = house.text.replace("public", "other")
    await house.close()
    await house.store_without_rule_versions()
    await house._start()
    await house.forward(40)
    assert house.state(1).phase == "open"
    assert any("is in no rule file" in text for _, text in house.heard("ops"))
