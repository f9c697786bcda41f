"""A channel that is paid by the message: what an incident may cost there, and what comes of more."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from daemon.core.clock import MINUTE
from daemon.core.delivery import DeliveryState
from daemon.core.ports import Reason, Rejected, Unknown
from tests.stories.house import House

CENT = Decimal("0.01")


def limit(house: House, budget: str) -> None:
    """Two recipients, a cent each."""
    mail = house.speakers["mail"]
    mail.capabilities = replace(
        mail.capabilities, per_recipient=True, incident_budget=Decimal(budget), late_apply=0.0
    )
    mail.people, mail.price = ("a@example.com", "b@example.com"), CENT
    house.make_outboxes()


async def states(house: House) -> list[str]:
    rows = (await house.store.deliveries(99, channel="mail")).items
    return [f"{row.recipient[0]} {row.state}" for row in reversed(rows)]


async def test_an_update_goes_to_all_or_to_none_and_the_end_is_always_told(house: House) -> None:
    """Ten cents, two a time: four updates, then none; people hear why, customers hear the end."""
    limit(house, "0.10")
    await house.alert()
    await house.forward(139)  # the first words and, each half an hour, four more
    assert await states(house) == ["a sent", "b sent"] * 4 + ["a dead", "b dead"]
    dead = (await house.store.deliveries(1, channel="mail")).items[0]
    assert (dead.attempts, dead.reason) == (0, "other")
    assert dead.detail == (
        "an incident may cost 0.10 here: 0.08 is spent, this update costs 0.02, "
        "0.02 is kept for the last word"
    )
    assert sum("refused for good" in text for _, text in house.heard("ops")) == 1
    await house.alert(firing=False)
    await house.forward(20)
    assert {"resolved" in text.lower() for _, text in house.heard("mail")[-2:]} == {True}
    assert (await states(house))[-2:] == ["a sent", "b sent"]
    assert len(house.heard("mail")) == 10


async def test_another_incident_has_a_budget_of_its_own(house: House) -> None:
    """What one incident spent is no other's business."""
    limit(house, "0.04")
    await house.alert()
    await house.alert("Other", service="search")
    await house.forward(2)
    assert await states(house) == ["a sent", "b sent"] * 2


async def test_a_repeat_is_paid_and_a_refusal_is_not(house: House) -> None:
    """A doubtful one that was sent again counts twice, one that was refused not at all."""
    limit(house, "0.09")
    mail = house.speakers["mail"]
    mail.answers = [Unknown(Reason.other), Rejected(Reason.gone)]  # a in doubt and again, b has said STOP
    await house.alert()
    await house.forward(35)
    assert await states(house) == ["a sent", "b dead", "a sent", "b sent"]
    await house.forward(30)  # 0.02 + 0.02 are spent: a third update and the end would be 0.08
    assert (await states(house))[-2:] == ["a sent", "b sent"]
    await house.forward(30)  # and a fourth 0.10
    assert (await states(house))[-2:] == ["a dead", "b dead"]


async def test_nodes_and_restarts_forget_nothing(house: House) -> None:
    """The rows are the book."""
    limit(house, "0.04")
    await house.alert()
    await house.forward(2)
    await house.restart()
    house.make_outboxes()
    await house.forward(35)
    assert await states(house) == ["a sent", "b sent", "a dead", "b dead"]


async def test_a_row_that_a_node_has_claimed_is_buried_as_well(house: House) -> None:
    """Several nodes claim before they attempt: the claim ends with the row."""
    limit(house, "0.01")
    house.outboxes = [one for one in house.outboxes if one.channel.name != "mail"]
    await house.alert()
    await house.forward(2)
    row = (await house.store.deliveries(9, channel="mail")).items[-1]
    claimed = replace(
        row, state=DeliveryState.claimed, token=row.token + 1, lease_until=house.clock.now() + MINUTE
    )
    await house.desk.work(lambda work: work.tx.delivery_changed(claimed, DeliveryState.queued, row.token))
    assert await house.deliveries.attempt([claimed], MINUTE) == []
    found = (await house.store.deliveries(9, channel="mail")).items[-1]
    assert (found.state, found.token, found.attempts) == ("dead", 2, 0)
