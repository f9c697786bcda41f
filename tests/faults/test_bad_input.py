"""Bad input to the whole daemon: the answers at its door, and a text that fails on its way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.ledger import Ledger
from tests.faults.rules import QUIET
from tests.intake.bodies import alert, body
from tests.processes.daemon import Daemon
from tests.processes.site import Site
from tests.stories.house import RULES, House

UNREADABLE = {
    "not JSON": b"{ready",
    "not UTF-8": b'{"alerts": "\xff"}',
    "NaN": body(alert(labels={"a": float("nan")})),
    "duplicate keys": b'{"version": "4", "version": "4", "alerts": []}',
    "deep nesting": b"[" * 100_000,
}


async def test_rows_42_and_44_at_the_door(tmp_path: Path) -> None:
    """What nobody can understand is a 400 and kept; what is merely odd is taken; strangers store nothing."""
    site = Site.make(tmp_path, QUIET)
    ledger = Ledger(site.database)
    async with Daemon(site) as daemon:
        for why, content in UNREADABLE.items():
            status, text = await daemon.post(content)
            assert (why, status) == (why, 400), text
        assert len(ledger.rows("SELECT id FROM quarantine")) == len(UNREADABLE)

        assert (await daemon.post(body(alert()), token="wrong"))[0] == 401
        status, text = await daemon.post(body(alert()), source="nobody")
        assert status == 404
        assert "am" in text, "a caller on loopback is told what there is"
        assert ledger.alerts() == {}

        odd = body(alert(labels={"service": "a\x00b"}), version="5", surplus=1, groupKey=...)
        assert (await daemon.post(odd))[0] == 200
        assert len(ledger.alerts()) == 1
        assert (await daemon.get("/-/healthy"))[0] == 200
        assert daemon.events("request failed") == []
        assert await daemon.stop() == 0


@pytest.mark.parametrize("wrong", ["{{ 'a' + 1 }}", "{{ note }}"], ids=["raises", "empty"])
async def test_row_47_a_text_that_fails(tmp_path: Path, wrong: str) -> None:
    """The built-in words go out at once on every channel, and people are told which text failed."""
    texts = f'texts: {{ investigating: {{ default: "{wrong}" }} }}\n'
    house = await House.open(tmp_path, RULES + texts)
    try:
        await house.alert()
        await house.forward(2)
        assert await house.page() == [(1, "investigating")]
        assert [text[:12] for _, text in house.heard("mail")] == ["We are aware"]
        told = [text for _, text in house.heard("ops") if "investigating" in text and "failed" in text]
        assert told, house.heard("ops")
    finally:
        await house.close()
