"""One incident goes out through every kind at once, and three of them fail, each in another way.

The real channels behind the real outbox against the fakes of all providers:
nobody waits for those that fail, and these end as the contract says.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from channels import registry
from channels.http import open_session
from daemon.core.clock import MINUTE
from daemon.core.delivery import Delivery, DeliveryState
from tests.channels.posts import settings
from tests.channels.test_contract import KINDS
from tests.fakes import faults
from tests.fakes.apprise import FakeAppriseTarget
from tests.fakes.faults import JSON, Fault
from tests.fakes.server import FakeServer
from tests.fakes.smtp import MailSink
from tests.stories.house import RULES, START, House

ANN, BO = "ann@example.com", "bo@example.com"
DOUBTFUL, REFUSED, BUSY = "slack_webhook", "x", "telegram"
"""An answer that is lost where nobody can ask, credentials that are dead, a provider that asks to wait."""
WAIT = 7  # minutes that the busy one asks for


@dataclass
class Everywhere:
    """A house with a channel of every kind; ``fakes`` by the channel's name."""

    house: House
    fakes: dict[str, FakeServer] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    async def rows(self, channel: str) -> list[Delivery]:
        page = await self.house.store.deliveries(50, channel=channel)
        return page.items[::-1]

    async def states(self, channel: str) -> list[str]:
        return [row.state.value for row in await self.rows(channel)]

    @property
    def others(self) -> list[str]:
        """The channels that do not fail."""
        return [name for name in self.kinds if name not in {DOUBTFUL, REFUSED, BUSY}]


@pytest.fixture
async def everywhere(tmp_path: Path) -> AsyncIterator[Everywhere]:
    """All kinds speak in public beside the page; `ops`, where people are asked, is a log of the house."""
    house = await House.open(tmp_path, RULES)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session())
        found = Everywhere(house)

        def add(name: str, fields: dict[str, Any]) -> None:
            channel = registry.build(settings(name=name, **fields), session, house.clock)
            house.speakers[name] = channel  # type: ignore[assignment] # the port is all that it uses
            found.kinds[name] = fields["kind"]

        for name, kind in KINDS.items():
            fake = await stack.enter_async_context(kind.fake(house.clock))
            found.fakes[name.replace("-", "_")] = fake
            add(name.replace("-", "_"), kind.fields(fake.url))
        target = await stack.enter_async_context(FakeAppriseTarget())
        found.fakes["apprise"] = target
        add("apprise", {"kind": "apprise", "url": target.address})
        sink = await stack.enter_async_context(MailSink(clock=house.clock))
        add("mail", mail(sink))
        add("written", {"kind": "log"})
        house.text = rules(found.kinds)
        await house.restart()
        yield found
        await house.close()


def mail(sink: MailSink) -> dict[str, Any]:
    return {
        "kind": "email", "host": "127.0.0.1", "port": sink.port, "sender": "status@example.com",
        "recipients": [ANN, BO],
    }  # fmt: skip


def rules(kinds: dict[str, str]) -> str:
    """The house's rules, with all of these channels in the place of mail alone."""
    declared = [
        f"  {name}: {{ kind: {kind} }}\n" for name, kind in kinds.items() if name not in {"mail", "x"}
    ]
    return RULES.replace("  ops: {", f"{''.join(declared)}  ops: {{", 1).replace(
        "to: [ page, mail, ops ]", f"to: [ page, ops, {', '.join(kinds)} ]"
    )


def test_every_kind_is_here() -> None:
    """A kind that is added joins the story by its entry in the contract suite."""
    kinds = {kind.fields("http://127.0.0.1:1")["kind"] for kind in KINDS.values()}
    assert kinds | {"apprise", "email", "log", registry.STATUS_PAGE} == set(registry.kinds())


@pytest.mark.timeout(120)
async def test_one_incident_through_all_kinds(everywhere: Everywhere) -> None:
    """On time but for three; those end held, parked and late, and every post is there once."""
    house, fakes = everywhere.house, everywhere.fakes
    fakes[DOUBTFUL].script(faults.cut_before_answer)
    fakes[REFUSED].script(*[Fault(401, "{}", JSON)] * 100)
    fakes[BUSY].script(Fault(429, "{}", {"Retry-After": str(WAIT * 60)}))
    await house.alert()
    await house.forward(1.5)
    for name in everywhere.others:
        states = await everywhere.states(name)
        assert states == ["sent"] * (2 if name == "mail" else 1), name
        assert all(row.attempted_at == START + MINUTE for row in await everywhere.rows(name)), name
    assert await house.page() == [(1.0, "investigating")]

    await house.forward(4)
    assert await everywhere.states(DOUBTFUL) == ["held"], "nobody can be asked there: people decide"
    assert await everywhere.states(REFUSED) == ["queued"], "parked: nothing leaves with dead credentials"
    assert await everywhere.states(BUSY) == ["queued"]
    asked = [text for _, text in house.heard("ops")]
    assert any("nobody knows whether a post on slack_webhook arrived" in text for text in asked)
    assert any("the channel x refuses our credentials" in text for text in asked)
    assert any("the channel telegram" in text for text in asked), "a long wait is told"

    await house.forward(WAIT)
    (late,) = await everywhere.rows(BUSY)
    assert (late.state, late.attempts) == (DeliveryState.sent, 2)
    assert late.attempted_at is not None
    assert late.attempted_at >= START + (1 + WAIT) * MINUTE

    await house.alert(firing=False)
    await house.forward(20)
    for name in (*everywhere.others, BUSY):
        assert set(await everywhere.states(name)) == {"sent"}, name
        assert len({row.update for row in await everywhere.rows(name)}) == 3, name
    for name, fake in fakes.items():
        assert max(fake.counts().values(), default=0) == (0 if name == REFUSED else 1), name
    assert await everywhere.states(DOUBTFUL) == ["held", "sent", "sent"]
    assert set(await everywhere.states(REFUSED)) == {"superseded"}, "never told, so never told of its end"
