"""Claims of the rule language that need a whole daemon: refusals, deliveries, restarts, pauses to come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from daemon.core.clock import MINUTE
from daemon.core.errors import NotFound, Refused
from daemon.core.ports import NotThere, Reason, Retry, Unknown
from daemon.core.words import Impact, Status
from daemon.service.incidents import OpenRequest, UpdateRequest
from tests.stories.house import RULES, START, House


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A daemon on a clock that stands still."""
    opened = await House.open(tmp_path)
    yield opened
    await opened.close()


async def test_a_pending_group_has_no_number_to_act_on(house: House) -> None:
    """Before `for` has passed there is no incident: nobody can acknowledge it."""
    await house.alert()
    await house.forward(0.5)
    with pytest.raises(NotFound, match="INC-1"):
        await house.incidents.ack(1, "ana")
    await house.forward(1)
    await house.incidents.ack(1, "ana")
    assert house.state().acked_by == "ana"


async def test_acts_in_each_phase_after_open(house: House) -> None:
    """Resolved takes an ack and a reopening; ended and retracted take nothing but a postscript."""
    await house.alert()
    await house.forward(2)
    await house.incidents.resolve(1, "ana", "It is over.")
    await house.incidents.ack(1, "bo")
    with pytest.raises(Refused, match="resolved already"):
        await house.incidents.resolve(1, "bo", "It is over again.")
    await house.incidents.update(1, "bo", UpdateRequest(status=Status.investigating))
    assert house.state().phase == "open"
    await house.incidents.retract(1, "ana")
    await house.forward(1)
    for act in (house.incidents.ack, house.incidents.take_over, house.incidents.retract):
        with pytest.raises(Refused, match="ended"):
            await act(1, "ana")
    with pytest.raises(Refused, match="ended"):
        await house.incidents.update(1, "ana", UpdateRequest(impact=Impact.critical))
    await house.incidents.update(1, "ana", UpdateRequest(text="It was a test."))
    await house.forward(1)
    assert house.heard("mail")[-1][1] == "It was a test."


async def test_two_people_cannot_take_over_at_once(house: House) -> None:
    """The second is told who has it; after the hand back it is theirs."""
    await house.alert()
    await house.forward(2)
    await house.incidents.take_over(1, "ana")
    with pytest.raises(Refused, match="taken over by ana"):
        await house.incidents.take_over(1, "bo")
    await house.incidents.hand_back(1, "ana")
    await house.incidents.take_over(1, "bo")
    assert house.state().taken_over_by == "bo"


async def test_row_72_a_vote_after_the_end_is_refused(house: House) -> None:
    """The text was withdrawn with "resolved": it waits for nobody any more."""
    await house.alert()
    await house.forward(122)
    await house.incidents.resolve(1, "ana", "It is over.")
    with pytest.raises(Refused, match="does not wait"):
        await house.incidents.vote(1, "social", "bo", "veto")
    await house.forward(10)
    assert house.heard("x") == []


async def test_behind_a_first_post_in_doubt_resolved_waits_and_is_dropped(house: House) -> None:
    """X's only post may be there: "resolved" waits for it, and goes nowhere if it never was."""
    x = house.speakers["x"]
    x.answers = [Unknown(Reason.timeout)]
    x.found = [NotThere(), NotThere()]
    await house.alert()
    await house.forward(126.2)
    assert "x" in house.state().told
    await house.incidents.resolve(1, "ana", "It is over.")
    await house.settle()
    assert x.heard == [], "nothing may overtake a post in doubt"
    await house.forward(60)
    assert x.heard == [], "neither the post that never was nor its end"


async def test_a_slow_channel_delays_no_other(house: House) -> None:
    """Mail does not take anything for half an hour; page, ops and X hear everything at their minute."""
    house.speakers["mail"].answers = [Retry(Reason.network, after=1_700.0)]
    await house.alert()
    await house.forward(126)
    assert [minute for minute, _ in await house.page()] == [1, 31, 61, 91, 121]
    assert [minute for minute, _ in house.heard("x")] == [126]


async def test_a_pause_covers_incidents_to_come_through_a_restart(house: House) -> None:
    """Paused before anything fired, restarted since: the new incident's first text is a question."""
    await house.incidents.pause("ana", START + 30 * MINUTE)
    await house.restart()
    await house.alert()
    await house.forward(5)
    assert await house.page() == []
    assert any("We are aware" in text for _, text in house.heard("ops"))


async def test_an_alert_stays_with_its_incident(house: House) -> None:
    """Believed resolved and ended, the old episode repeats for hours: no new incident and no reopening."""
    await house.alert()
    await house.forward(2)
    await house.incidents.resolve(1, "ana", "It is over.")
    await house.forward(60)
    for _ in range(3):
        await house.alert()
        await house.forward(60)
    assert house.state().ended == "resolved"
    with pytest.raises(NotFound):
        await house.incidents.ack(2, "ana")


async def test_an_incident_of_a_persons_own_takes_in_only_its_components(house: House) -> None:
    """Alerts about checkout join it, one about search opens its own."""
    await house.incidents.open("ana", OpenRequest("Slow", "Payments are slow.", components=("checkout",)))
    await house.alert()
    await house.alert(service="search")
    await house.forward(2)
    assert house.state(1).firing == 1
    assert house.state(2).components == ("search",)


async def test_open_incidents_keep_their_rules_through_a_restart_with_others(house: House) -> None:
    """The holding text changes in the files; the open incident goes on by the version it began with."""
    await house.alert()
    await house.forward(2)
    before = house.state().rules
    house.text = RULES.replace("every: 30m, say: holding", "every: 10m, say: holding")
    await house.restart()
    await house.forward(28)
    assert house.state().rules == before
    assert [minute for minute, _ in await house.page()] == [1]
    await house.forward(1)
    assert [minute for minute, _ in await house.page()] == [1, 31]


async def test_component_status_is_the_worst_of_all_open_incidents(house: House) -> None:
    """Minor shows as degraded, critical as a major outage; the worst counts."""
    await house.alert(severity="warning")
    await house.incidents.open(
        "ana", OpenRequest("Down", "It is down.", impact=Impact.critical, components=("checkout",))
    )
    await house.forward(2)
    view = await house.board.view()
    assert view.components[0].status.value == "major_outage"
    await house.incidents.resolve(1, "ana", "Up again.")
    await house.forward(1)
    assert (await house.board.view()).components[0].status.value == "degraded_performance"
