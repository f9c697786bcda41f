"""The main story: an alert, two hours, X, recovery, resolution; and what changes it.

* the first update at once after `for`, one per channel
* a nag at 25 minutes, a holding update at 30, again and again
* X after two hours behind its veto window
* `monitoring` after `keep_firing_for`, `resolved` after `monitor_for`
"""

from __future__ import annotations

import pytest

from daemon.core.clock import MINUTE
from daemon.core.errors import NotFound, Refused
from daemon.core.words import Impact, Status
from daemon.service.incidents import OpenRequest, UpdateRequest
from tests.stories.house import House


async def test_two_hours(house: House) -> None:
    """Every channel hears the right thing at the right minute, once."""
    await house.alert()
    await house.forward(0.5)
    assert await house.page() == []
    await house.forward(126)
    assert await house.page() == [(minute, "investigating") for minute in (1, 31, 61, 91, 121)]
    assert [minute for minute, _ in house.heard("mail")] == [1, 31, 61, 91, 121]
    assert [minute for minute, _ in house.heard("x")] == [126]
    assert house.heard("x")[0][1].count("https://status.example.com/incidents/") == 1
    await house.forward(21.5)
    await house.alert(firing=False)
    await house.forward(30)
    assert (await house.page())[-3:] == [(151, "investigating"), (153, "monitoring"), (163, "resolved")]
    assert [minute for minute, _ in house.heard("x")] == [126, 163]
    view = await house.board.view()
    assert view.open_incidents == ()
    assert view.components[0].status.value == "operational"


async def test_nothing_before_for(house: House) -> None:
    """An alert that clears within `for` was never there."""
    await house.alert()
    await house.forward(0.5)
    await house.alert(firing=False)
    await house.forward(60)
    assert await house.page() == []
    assert all(not speaker.heard for speaker in house.speakers.values())


async def test_a_flap_within_keep_firing_for_says_nothing(house: House) -> None:
    """Clearing for four minutes is no recovery."""
    await house.alert()
    await house.forward(10)
    await house.alert(firing=False)
    await house.forward(4)
    await house.alert(starts_at=house.clock.now())
    await house.forward(10)
    assert await house.page() == [(1, "investigating")]


async def test_refired_while_monitoring(house: House) -> None:
    """It says so, and the incident is the same."""
    await house.alert()
    await house.forward(10)
    await house.alert(firing=False)
    await house.forward(8)
    await house.alert(starts_at=house.clock.now())
    await house.forward(1)
    assert await house.page() == [(1, "investigating"), (15, "monitoring"), (18, "investigating")]
    assert "returned" in house.heard("mail")[-1][1]
    assert len((await house.board.view()).open_incidents) == 1


async def test_reopened_and_a_new_incident_later(house: House) -> None:
    """Within half an hour it is the same incident, later a new one."""
    await house.alert()
    await house.forward(10)
    await house.alert(firing=False)
    await house.forward(40)
    again = house.clock.now()
    await house.alert(starts_at=again)
    await house.forward(5)
    assert house.state(1).phase == "open"
    await house.alert(firing=False, starts_at=again)
    await house.forward(60)
    await house.alert(starts_at=house.clock.now())
    await house.forward(5)
    assert house.state(1).ended == "resolved"
    assert house.state(2).phase == "open"


async def test_the_holding_update_is_skipped_because_a_person_posted(house: House) -> None:
    """A person's update is the update: the next holding is 30 minutes after it."""
    await house.alert()
    await house.forward(29)
    await house.incidents.update(1, "ana", UpdateRequest(text="We are restoring from a backup."))
    await house.forward(29)
    assert [minute for minute, _ in await house.page()] == [1, 29]
    assert house.heard("mail")[-1] == (29, "We are restoring from a backup.")
    await house.forward(2)
    assert [minute for minute, _ in await house.page()] == [1, 29, 59]


async def test_a_veto(house: House) -> None:
    """Nothing goes out on X; the rest goes on."""
    await house.alert()
    await house.forward(123)
    with pytest.raises(Refused, match="approve"):
        await house.incidents.vote(1, "social", "ana", "approve")
    await house.incidents.vote(1, "social", "ana", "veto")
    await house.forward(60)
    assert house.heard("x") == []
    assert len(await house.page()) == 7
    with pytest.raises(Refused, match="does not wait"):
        await house.incidents.vote(1, "social", "bo", "veto")


async def test_restart_at_every_step_changes_nothing(house: House) -> None:
    """Stopped and started again every seven minutes: the same words at the same minutes, none twice."""
    await house.alert()
    for _ in range(21):
        await house.forward(7)
        await house.restart()
    await house.alert(firing=False)
    for _ in range(5):
        await house.forward(7)
        await house.restart()
    assert [minute for minute, _ in await house.page()] == [1, 31, 61, 91, 121, 151, 152, 162]
    assert [minute for minute, _ in house.heard("x")] == [126, 162]
    keys = [payload["key"] for speaker in house.speakers.values() for _, payload in speaker.heard]
    assert len(keys) == len(set(keys))


async def test_500_alerts_of_one_group_are_one_incident(house: House) -> None:
    """One incident, one first update, and all 500 must clear before it recovers."""
    alerts = [house.make(instance=f"web{number}") for number in range(500)]
    await house.send(alerts)
    await house.forward(5)
    assert await house.page() == [(1, "investigating")]
    assert len(house.heard("mail")) == 1
    assert house.state(1).firing == 500
    await house.send([house.make(instance=f"web{number}", firing=False) for number in range(499)])
    await house.forward(30)
    assert house.state(1).status is Status.investigating
    await house.alert(instance="web499", firing=False)
    await house.forward(6)
    assert house.state(1).status is Status.monitoring


async def test_a_large_body_is_one_incident_with_all_its_alerts(house: House) -> None:
    """3,500 alerts come in four transactions; the decision is taken once they are all there."""
    await house.send([house.make(instance=f"web{number}") for number in range(3_500)])
    await house.forward(2)
    assert await house.page() == [(1, "investigating")]
    assert house.state(1).firing == 3_500


async def test_impact_and_components_follow_the_alerts(house: House) -> None:
    """The worst impact of any alert; each component has an incident of its own."""
    await house.alert(severity="warning")
    await house.alert(severity="critical", service="search")
    await house.forward(2)
    view = await house.board.view()
    assert {one.impact for one in view.open_incidents} == {"minor", "critical"}
    assert [one.status.value for one in view.components] == ["degraded_performance", "major_outage"]
    await house.alert(severity="critical")
    await house.forward(1)
    assert house.state(1).impact is Impact.critical


async def test_an_alert_that_no_route_wants_opens_internally(house: House) -> None:
    """Nothing is dropped and nothing is public."""
    await house.alert("DiskFull", service="backup", severity="info")
    await house.forward(1)
    assert await house.page() == []
    assert len(house.heard("ops")) == 1
    assert "DiskFull" in house.heard("ops")[0][1]


async def test_retract(house: House) -> None:
    """A false alarm says so wherever it was told."""
    await house.alert()
    await house.forward(2)
    await house.incidents.retract(1, "ana", "test traffic")
    await house.forward(1)
    assert "false alarm" in house.heard("mail")[-1][1]
    view = await house.board.view()
    assert [one.ended for one in view.past_incidents] == ["retracted"]


async def test_a_person_opens_resolves_and_the_rest_carries_the_words(house: House) -> None:
    """The person's words are the first update and the last, on every channel of the plan."""
    await house.incidents.open(
        "ana",
        OpenRequest("Payments are slow", "Card payments take longer than usual.", components=("checkout",)),
    )
    await house.forward(1)
    assert house.heard("mail") == [(0, "Card payments take longer than usual.")]
    assert [text for _, text in house.heard("ops")] == ["Card payments take longer than usual."]
    await house.alert()
    await house.forward(5)
    assert len((await house.board.view()).open_incidents) == 1, "the group is about its component alone"
    await house.incidents.resolve(1, "ana", "Payments work again. We are sorry.")
    await house.forward(1)
    assert house.heard("mail")[-1][1] == "Payments work again. We are sorry."
    assert (await house.board.view()).open_incidents == ()
    with pytest.raises(NotFound):
        await house.incidents.ack(99, "ana")


async def test_pause_and_resume(house: House) -> None:
    """While paused every automatic public text is a question, also for incidents to come."""
    await house.incidents.pause("ana", None)
    await house.alert()
    await house.forward(5)
    await house.restart()
    await house.forward(5)
    assert await house.page() == []
    assert any("We are aware" in text for _, text in house.heard("ops"))
    await house.incidents.resume("ana")
    await house.incidents.update(1, "ana", UpdateRequest(text="We are on it."))
    await house.forward(31)
    assert [minute for minute, _ in await house.page()] == [10, 40]


async def test_away_across_the_two_hour_mark(house: House) -> None:
    """Down from 1:50 to 2:30: one holding update, and the veto window begins in full."""
    await house.alert()
    await house.forward(110)
    await house.restart(away=40 * MINUTE)
    await house.forward(4)
    assert [minute for minute, _ in await house.page()] == [1, 31, 61, 91, 150]
    assert house.heard("x") == []
    await house.forward(2)
    assert [minute for minute, _ in house.heard("x")] == [155]


async def test_a_persons_promise_is_told_wherever_their_words_go(house: House) -> None:
    """The page shows it in its box; mail and chat read it in the words."""
    await house.alert()
    await house.forward(10)
    promise = house.clock.now() + 45 * MINUTE
    await house.incidents.update(1, "ana", UpdateRequest(text="We found the cause.", promise=promise))
    await house.forward(1)
    assert house.heard("mail")[-1][1] == "We found the cause. Next update by 10:55 UTC."
    await house.forward(43)
    assert len(await house.page()) == 2
    await house.forward(2)
    assert [minute for minute, _ in await house.page()] == [1, 10, 55]
