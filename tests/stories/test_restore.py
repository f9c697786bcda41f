"""A backup of yesterday put back: no old post goes out again, and people settle what was on its way."""

from __future__ import annotations

import asyncio
from pathlib import Path

from daemon.core.clock import HOUR, MINUTE
from daemon.core.delivery import DeliveryState
from daemon.core.ports import Reason, Retry
from daemon.storage.sqlite.backup import back_up
from daemon.storage.sqlite.restore import restore
from tests.stories.house import House


async def test_row_24_no_old_post_after_a_restore(tmp_path: Path) -> None:
    """Queued when the backup was made and sent after it: held after the restore, and a person is asked."""
    house = await House.open(tmp_path)
    mail = house.speakers["mail"]
    mail.answers = [Retry(Reason.server, after=60.0)]
    await house.alert(severity="critical")
    await house.forward(1.1)
    assert house.heard("mail") == []
    await asyncio.to_thread(back_up, tmp_path / "tocsin.db", tmp_path / "b.db")
    await house.forward(20)
    (first,) = house.heard("mail")

    await house.close()
    house.clock.advance(3 * HOUR)
    await asyncio.to_thread(restore, tmp_path / "b.db", tmp_path / "tocsin.db", house.clock)
    await house._start()
    await house.settle()
    await house.forward(10)
    held = (await house.store.deliveries(10, states={DeliveryState.held})).items
    assert [(row.channel, row.detail) for row in held] == [("mail", "restored from a backup")]
    asked = [text for at, text in house.heard("ops") if "nobody knows" in text and at > 180]
    assert asked, house.heard("ops")
    keys = [payload["key"] for _, payload in mail.heard]
    assert len(keys) == len(set(keys))
    assert [text for _, text in house.heard("mail")].count(first[1]) == 1
    assert (await house.store.verify_chain(1)).good

    await house.deliveries.answer_held(held[0].id, "confirm", "ana")
    await house.alert(severity="critical", firing=False)
    await house.forward(30 * MINUTE / MINUTE)
    assert house.state().status.name == "resolved"
    await house.close()
