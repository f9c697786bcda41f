"""Which bounces end the mails to a recipient, in a whole house with a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.core.clock import DAY, MINUTE
from daemon.core.delivery import Delivery
from daemon.core.errors import NotFound
from daemon.core.suppression import BELIEVED, MOST_SOFT, WINDOW, Taken
from daemon.service.bounces import BounceDesk
from tests.stories.house import House

ANN, BO = "ann@example.org", "bo@example.org"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """One incident is public, and its first update went to two recipients."""
    found = await House.open(tmp_path)
    mail = found.speakers["mail"]
    mail.capabilities = replace(mail.capabilities, per_recipient=True)
    mail.people = (ANN, BO)
    found.make_outboxes()
    await found.alert(severity="critical")
    await found.forward(1.5)
    yield found
    await found.close()


async def mails(house: House, recipient: str = ANN) -> list[Delivery]:
    """Oldest first."""
    page = await house.store.deliveries(100, channel="mail")
    return [row for row in reversed(page.items) if row.recipient == recipient]


async def bounced(house: House, row: Delivery, status: str = "5.1.1") -> Taken:
    return await BounceDesk(house.desk).take_in("mail", row.key, status, "550 who")


async def suppressed(house: House) -> list[str]:
    return [one.recipient for one in (await house.store.suppressions(10)).items]


async def test_a_hard_bounce_ends_the_mails_to_its_recipient(house: House) -> None:
    """No row is made for the next update; the other recipient gets it, and the list says why."""
    (row,) = await mails(house)
    assert await bounced(house, row) is Taken.suppressed
    (why,) = (await house.store.suppressions(10)).items
    assert (why.channel, why.recipient, why.status, why.bounces, why.detail) == (
        "mail", ANN, "5.1.1", 1, "550 who",
    )  # fmt: skip
    await house.forward(31)
    assert len(await mails(house)) == 1
    assert len(await mails(house, BO)) == 2


async def test_it_outlives_a_restart_and_ends_when_a_person_says_so(house: House) -> None:
    """Lifted, the recipient gets the next update; a notice of before, or the same one again, does nothing."""
    (row,) = await mails(house)
    await bounced(house, row)
    await house.restart(away=MINUTE)
    assert await suppressed(house) == [ANN]
    lifted = await BounceDesk(house.desk).lift("mail", ANN, "ada")
    assert (lifted.lifted_by, await suppressed(house)) == ("ada", [])
    assert await bounced(house, row) is Taken.repeated
    await house.forward(31)
    assert await suppressed(house) == []
    assert len(await mails(house)) == 2
    for wrong in (("mail", ANN), ("mail", "nobody@example.org"), ("ops", ANN)):
        with pytest.raises(NotFound, match="leaves out no"):
            await BounceDesk(house.desk).lift(*wrong, "ada")


async def test_a_notice_of_before_the_lifting_is_forgiven(house: House) -> None:
    """A person has put it right since that mail was made."""
    await house.forward(31)
    first, second = await mails(house)
    await bounced(house, first)
    await house.forward(1)
    await BounceDesk(house.desk).lift("mail", ANN, "ada")
    assert await bounced(house, second) is Taken.strange
    assert await suppressed(house) == []


@pytest.mark.parametrize("status", ["4.4.1", "5.2.2"])
async def test_what_may_pass_must_happen_several_times(house: House, status: str) -> None:
    """Four different mails within two weeks do nothing, the fifth ends it; one said twice is one."""
    await house.forward(30 * (MOST_SOFT - 1) + 1)
    rows = await mails(house)
    assert len(rows) == MOST_SOFT
    for row in rows[:-1]:
        assert await bounced(house, row, status) is Taken.counted
        assert await bounced(house, row, status) is Taken.repeated
    assert await suppressed(house) == []
    assert await bounced(house, rows[-1], status) is Taken.suppressed
    assert (await house.store.suppressions(10)).items[0].bounces == MOST_SOFT


async def test_old_bounces_are_forgotten(house: House) -> None:
    """After two weeks the count begins anew."""
    await house.forward(30 * (MOST_SOFT - 1) + 1)
    *rows, last = await mails(house)
    for row in rows:
        await bounced(house, row, "4.4.1")
    house.clock.advance(WINDOW + MINUTE)
    assert await bounced(house, last, "4.4.1") is Taken.counted


async def test_a_notice_that_got_worse_counts(house: House) -> None:
    """Later news of the same mail: first that it waits, then that it never arrives."""
    (row,) = await mails(house)
    assert await bounced(house, row, "4.4.1") is Taken.counted
    assert await bounced(house, row, "5.1.1") is Taken.suppressed


async def test_what_we_did_not_send_cannot_come_back(house: House) -> None:
    """A key that no mail has, another channel's, and a mail of long ago: nothing is done."""
    (row,) = await mails(house)
    (ops, *_) = (await house.store.deliveries(1, channel="ops")).items
    desk = BounceDesk(house.desk)
    assert await desk.take_in("mail", "0" * 32, "5.1.1", "") is Taken.strange
    assert await desk.take_in("mail", ops.key, "5.1.1", "") is Taken.strange
    house.clock.advance(BELIEVED + DAY)
    assert await bounced(house, row) is Taken.strange
    assert await suppressed(house) == []
