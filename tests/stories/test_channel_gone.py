"""A channel that is taken out of the configuration while posts wait for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.core.delivery import DeliveryState
from daemon.core.ports import Reason, Retry
from tests.stories.house import RULES, House


@pytest.fixture
async def house(tmp_path: Path) -> House:
    """The first mail of an incident waits for another try, and mail is no longer configured."""
    optional = RULES.replace("mail: { kind: email }", "mail: { kind: email, optional: true }")
    house = await House.open(tmp_path, optional)
    house.speakers["mail"].answers = [Retry(Reason.server, after=600.0)]
    await house.alert()
    await house.forward(2)
    return house


async def test_row_49_what_waits_for_it_ends_and_people_hear_of_it(house: House) -> None:
    """Dead, with the reason; a person is asked once; the other channels go on."""
    mail = house.speakers.pop("mail")
    await house.restart()
    (row,) = (await house.store.deliveries(9, channel="mail")).items
    assert (row.state, row.detail) == (DeliveryState.dead, "the channel is no longer configured")
    await house.forward(60)
    told = [text for _, text in house.heard("ops") if "a post on mail was refused for good" in text]
    assert len(told) == 1, house.heard("ops")
    assert [minute for minute, _ in await house.page()] == [1, 31, 61]

    house.speakers["mail"] = mail
    await house.restart()
    await house.deliveries.answer_held(row.id, "resend", "ana")
    await house.settle()
    assert "We are aware" in mail.heard[0][1]["text"]
    await house.close()


async def test_row_49_another_name_for_a_channel(house: House) -> None:
    """Renamed is gone and new: the old rows end, and the new name hears what comes next."""
    mail = house.speakers.pop("mail")
    mail.name = "post"
    house.speakers["post"] = mail
    house.text = house.text.replace("mail:", "post:").replace(" mail,", " post,")
    await house.restart()
    rows = (await house.store.deliveries(9, channel="mail")).items
    assert [row.state for row in rows] == [DeliveryState.dead]
    await house.alert(service="search")
    await house.forward(2)
    assert [text for _, text in house.heard("post") if "find products" in text]
    await house.close()
