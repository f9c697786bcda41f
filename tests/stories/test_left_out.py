"""A recipient who wants no more, as a provider says it, gets nothing from the next update on."""

from __future__ import annotations

from dataclasses import replace

from daemon.core.delivery import DeliveryState
from daemon.core.ports import Reason, Ref, Rejected, Scope, Sent
from daemon.service.bounces import BounceDesk
from tests.stories.house import House

ANN, BO = "+491711234567", "+447700900123"
STOP = Rejected(Reason.gone, "400 21610")


def phones(house: House, *, gone_ends: bool = True) -> None:
    """Two people's phones in the place of mail."""
    mail = house.speakers["mail"]
    mail.capabilities = replace(mail.capabilities, kind="sms", per_recipient=True, gone_ends=gone_ends)
    mail.people = (ANN, BO)
    house.make_outboxes()


async def written_to(house: House) -> list[str]:
    """Of the newest update."""
    rows = (await house.store.deliveries(99, channel="mail")).items
    return sorted(row.recipient for row in rows if row.update == rows[0].update)


async def test_stop_is_respected_until_a_person_lifts_it(house: House) -> None:
    """The others go on; what ended it can be seen, and undone."""
    phones(house)
    house.speakers["mail"].answers = [STOP]
    await house.alert()
    await house.forward(2)
    (dead,) = (await house.store.deliveries(9, states={DeliveryState.dead})).items
    (stands,) = (await house.store.suppressions(9)).items
    assert (stands.channel, stands.recipient, stands.status) == ("mail", dead.recipient, "gone")
    assert stands.detail == "400 21610"
    await house.forward(30)
    assert await written_to(house) == [{ANN: BO, BO: ANN}[dead.recipient]]
    await BounceDesk(house.desk).lift("mail", dead.recipient, "ana")
    await house.forward(30)
    assert await written_to(house) == [BO, ANN]


async def test_other_refusals_leave_nobody_out(house: House) -> None:
    """A refused text, a refused account, and a kind whose "gone" may pass."""
    phones(house)
    house.speakers["mail"].answers = [
        Rejected(Reason.content, "no"), Rejected(Reason.gone, "no account", Scope.destination),
        *[Sent(Ref({}))] * 9,
    ]  # fmt: skip
    await house.alert()
    await house.forward(2)
    phones(house, gone_ends=False)
    house.speakers["mail"].answers = [STOP]
    await house.alert("Slow", service="search")
    await house.forward(30)
    assert (await house.store.suppressions(9)).items == []
