"""People and automation at the same moment, flapping, and recipients that fare differently."""

from __future__ import annotations

import asyncio

import pytest

from daemon.core import journal as j
from daemon.core.alert import Report
from daemon.core.clock import MINUTE, SECOND
from daemon.core.errors import Refused
from daemon.core.ports import Reason, Ref, Rejected, Sent
from daemon.core.words import Status
from daemon.service.incidents import UpdateRequest
from tests.stories.house import House

SENT = Sent(Ref({}))


async def texts(house: House) -> list[str]:
    """What the open incident's updates say, oldest first."""
    (incident,) = (await house.board.view()).open_incidents
    return [one.body for one in reversed(incident.updates)]


def acted(recorded: list[j.Recorded]) -> list[j.Acted]:
    return [one.entry for one in recorded if isinstance(one.entry, j.Acted)]


@pytest.mark.parametrize("order", ["person", "timer", "after"])
async def test_row_71_a_person_writes_while_a_step_is_due(house: House, order: str) -> None:
    """The person's words always go out, and no holding text follows them; the journal has both in order."""
    await house.alert()
    await house.forward(30)
    house.clock.advance(MINUTE)  # the holding update is due this minute
    if order == "after":
        await house.timers.tick()
    person = house.incidents.update(1, "ana", UpdateRequest(text="We found the cause."))
    acts = [person, house.timers.tick()]
    await asyncio.gather(*(reversed(acts) if order == "timer" else acts))
    await house.settle()
    said = await texts(house)
    assert said[-1] == "We found the cause."
    assert len(said) == (3 if order == "after" else 2)
    assert house.heard("mail")[-1][1].startswith("We found the cause.")
    assert [(one.who, one.text) for one in acted(await house.store.journal(1))] == [
        ("ana", "We found the cause.")
    ]
    await house.forward(29)
    assert await texts(house) == said
    assert (await house.store.verify_chain(1)).good


async def test_row_71_a_person_writes_while_a_post_waits_for_its_veto(house: House) -> None:
    """What automation had ready is withdrawn: people's words take its place."""
    await house.alert()
    await house.forward(122)
    assert house.state().waiting
    await asyncio.gather(
        house.incidents.update(1, "ana", UpdateRequest(text="We found the cause.")), house.timers.tick()
    )
    assert not [one for one in house.state().waiting.values() if one.since < house.clock.now()]
    await house.forward(4)
    assert house.heard("x") == []


async def test_row_72_two_votes_at_once_are_one(house: House) -> None:
    """The same veto twice at the same moment: one counts, the other is told why it does not."""
    await house.alert()
    await house.forward(122)
    votes = (house.incidents.vote(1, "social", who, "veto") for who in ("ana", "ana"))
    first, second = await asyncio.gather(*votes, return_exceptions=True)
    assert not isinstance(first, BaseException)
    assert isinstance(second, Refused)
    assert "does not wait" in str(second)
    await house.forward(10)
    assert house.heard("x") == []
    assert len(acted(await house.store.journal(1))) == 1


@pytest.mark.slow
async def test_row_39_an_hour_of_flapping_every_second(house: House) -> None:
    """3,600 changes: one incident, one text per half hour, and in the end the state that is true."""
    await house.alert()
    await house.forward(2)
    began = house.clock.now()
    for second in range(3_600):
        starts_at = began + second // 2 * 2 * SECOND
        await house.alerts.take_in(Report([house.make(firing=second % 2 == 0, starts_at=starts_at)]))
        house.clock.advance(SECOND)
        if second % 10 == 0:
            await house.settle()
    await house.settle()
    assert house.state(1).firing == 0
    assert [round(minute) for minute, _ in await house.page()] == [1, 31, 61]
    await house.forward(20)
    assert house.state(1).status is Status.resolved
    assert [status for _, status in await house.page()][-2:] == ["monitoring", "resolved"]
    assert len((await house.board.view()).past_incidents) == 1


async def test_row_61_each_recipient_has_a_row_of_its_own(house: House) -> None:
    """One address is refused for good: its row is dead, the others are sent and stay sent."""
    house.speakers["mail"].people = ("ann@example.com", "gone@example.com", "bob@example.com")
    house.speakers["mail"].answers = [SENT, Rejected(Reason.gone, "no such person"), SENT]
    await house.alert()
    await house.forward(2)
    rows = (await house.store.deliveries(9, channel="mail")).items
    assert {row.recipient: row.state.value for row in rows} == {
        "ann@example.com": "sent", "gone@example.com": "dead", "bob@example.com": "sent",
    }  # fmt: skip
    await house.forward(30)
    assert [row.state.value for row in (await house.store.deliveries(9, channel="mail")).items].count(
        "sent"
    ) == 5
