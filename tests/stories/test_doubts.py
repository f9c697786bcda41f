"""Killed around a post, and providers that are late: what becomes of the doubt, at the point itself.

The fake provider keeps what it accepted with the instant from which its list
shows it.  A kill is made by leaving the worker where it stands and starting the
next life on the same file.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pytest

from daemon.core.clock import MINUTE, SECOND, Instant
from daemon.core.delivery import Delivery, DeliveryState
from daemon.core.ports import (
    Capabilities,
    Found,
    NotThere,
    Outcome,
    Payload,
    Reason,
    Ref,
    Rejected,
    Sent,
    Unknown,
)
from daemon.core.words import Audience
from daemon.outbox import CLAIM, LEASE
from daemon.service.incidents import UpdateRequest
from tests.stories.house import House, Loudspeaker
from tests.stories.test_outbox import states


@dataclass
class Provider(Loudspeaker):
    """Accepts posts, and can be asked for them once its list shows them."""

    accepted: list[tuple[Instant, str]] = field(default_factory=list)  # (shown from, key)
    parents: list[Ref | None] = field(default_factory=list)
    applies_after: int = 0  # milliseconds from the call to the post
    lists_after: int = 0  # and from the post to the list
    silent: int = 0  # calls whose answer nobody sees
    loses: int = 0  # calls that it never gets
    asked: list[Instant] = field(default_factory=list)

    async def send(self, payload: Payload, parent: Ref | None, key: str) -> Outcome:
        if self.answers:
            return self.answers.pop(0)
        if self.loses:
            self.loses -= 1
            return Unknown(Reason.timeout)
        self.parents.append(parent)
        self.accepted.append((self.clock.now() + self.applies_after + self.lists_after, key))
        self.heard.append((self.clock.now() + self.applies_after, payload))
        if self.silent:
            self.silent -= 1
            return Unknown(Reason.timeout)
        return Sent(Ref({"id": key}))

    async def find(self, payload: Payload, key: str, since: Instant, parent: Ref | None = None) -> Found:
        self.asked.append(self.clock.now())
        shown = any(at <= self.clock.now() and one == key for at, one in self.accepted)
        return Ref({"id": key}) if shown else NotThere()

    def counts(self) -> Counter[str]:
        return Counter(key for _, key in self.accepted)


@pytest.fixture
async def x(house: House) -> Provider:
    """X as a provider that can be read back, told at once; the house's outboxes know it."""
    capabilities = Capabilities("x", on_doubt="read_back", threads=True, can_find=True)
    provider = Provider("x", Audience.public, house.clock, capabilities)
    house.speakers["x"] = provider
    house.text = house.text.replace("to: [ page, mail, ops ]", "to: [ page, x, ops ]")
    await house.store.close()
    await house._start()
    return provider


async def only(house: House, channel: str = "x") -> Delivery:
    (row,) = (await house.store.deliveries(9, channel=channel)).items
    return row


async def alive_again(house: House, worker: asyncio.Task[bool] | None = None) -> None:
    """Kill the daemon where it stands, and start the next one."""
    if worker is not None:
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker
    await house.store.close()
    await house._start()


async def first_post(house: House) -> Delivery:
    """An open incident whose first post on X is queued."""
    outboxes, house.outboxes = house.outboxes, []
    await house.alert()
    await house.forward(1)
    house.outboxes = outboxes
    return await only(house)


def work(house: House) -> asyncio.Task[bool]:
    (outbox,) = [one for one in house.outboxes if one.channel.name == "x"]
    return asyncio.create_task(outbox.step())


async def test_row_03_killed_between_claim_and_intent(house: House, x: Provider) -> None:
    """Nothing had left: taken again, one post, and no doubt."""
    row = await first_post(house)
    claimed = replace(row, state=DeliveryState.claimed, token=1, lease_until=house.clock.now() + CLAIM)
    await house.desk.work(lambda job: job.tx.delivery_changed(claimed, DeliveryState.queued, 0))
    await alive_again(house)
    assert (await only(house)).state is DeliveryState.queued
    await house.settle()
    assert (await only(house)).state is DeliveryState.sent
    assert list(x.counts().values()) == [1]
    assert x.asked == []


async def test_row_04_killed_between_intent_and_first_byte(house: House, x: Provider) -> None:
    """In doubt for its quarantine, absent twice, sent once."""
    row = await first_post(house)
    await house.deliveries.attempt([row], LEASE)
    await alive_again(house)
    assert (await only(house)).state is DeliveryState.unknown
    began = house.clock.now()
    await house.forward(2)
    row = await only(house)
    assert (row.state, row.resends, row.reads) == (DeliveryState.sent, 1, 2)
    assert list(x.counts().values()) == [1]
    assert x.asked[0] - began >= MINUTE


async def test_row_05_killed_between_last_byte_and_answer(
    house: House, x: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider has it: found, and never sent again."""
    await first_post(house)
    reached, send = asyncio.Event(), x.send

    async def unanswered(payload: Payload, parent: Ref | None, key: str) -> Outcome:
        await send(payload, parent, key)
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(x, "send", unanswered)
    worker = work(house)
    await reached.wait()
    monkeypatch.setattr(house.deliveries, "record", _never)  # the dead write nothing
    monkeypatch.setattr(x, "send", send)
    await alive_again(house, worker)
    await house.forward(3)
    row = await only(house)
    assert (row.state, row.resends) == (DeliveryState.sent, 0)
    assert list(x.counts().values()) == [1]


async def _never(*_: object, **__: object) -> None:
    await asyncio.Event().wait()


async def test_row_06_killed_between_answer_and_record(
    house: House, x: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As row 5: what we heard and did not write down is asked for."""
    await first_post(house)
    answered = asyncio.Event()

    async def never(*_: object, **__: object) -> None:
        answered.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(house.deliveries, "record", never)
    worker = work(house)
    await answered.wait()
    await alive_again(house, worker)
    assert (await only(house)).state is DeliveryState.unknown
    await house.forward(3)
    row = await only(house)
    assert (row.state, row.resends) == (DeliveryState.sent, 0)
    assert list(x.counts().values()) == [1]


async def test_row_66_what_is_queued_behind_a_doubt_waits_and_collapses(house: House, x: Provider) -> None:
    """Order per incident and channel; of three texts that waited, the newest alone is said."""
    x.silent = 1
    x.capabilities = replace(x.capabilities, late_apply=1_500.0)
    house.make_outboxes()
    await house.alert()
    await house.forward(2)
    await house.incidents.update(1, "ana", UpdateRequest(text="First we know this."))
    await house.forward(3)
    await house.incidents.update(1, "ana", UpdateRequest(text="Then we know that."))
    await house.forward(18)
    assert await states(house.store, "x") == ["unknown", "queued", "queued"]
    assert len(x.heard) == 1
    await house.forward(9)
    assert await states(house.store, "x") == ["sent", "superseded", "sent"]
    assert [text for _, text in house.heard("x")][1:] == ["Then we know that."]
    assert x.parents[1] == Ref({"id": x.accepted[0][1]})


async def test_row_65_a_reply_waits_for_its_parent_and_then_stands_alone(house: House, x: Provider) -> None:
    """While the parent's fate is unknown it waits; once that is ``held`` it is a root."""
    x.loses = 2
    await house.alert()
    await house.forward(2)
    await house.incidents.update(1, "ana", UpdateRequest(text="We know more."))
    await house.settle()
    assert await states(house.store, "x") == ["unknown", "queued"]
    assert x.heard == []
    await house.forward(6)
    assert await states(house.store, "x") == ["held", "sent"]
    assert x.parents == [None]


async def test_row_65_a_reply_to_a_dead_parent_is_a_root(house: House, x: Provider) -> None:
    """Refused for good: the next text does not wait for it and stands alone."""
    x.answers = [Rejected(Reason.content, "no")]
    await house.alert()
    await house.forward(2)
    await house.incidents.update(1, "ana", UpdateRequest(text="We know more."))
    await house.settle()
    assert await states(house.store, "x") == ["dead", "sent"]
    assert x.parents == [None]


@pytest.mark.parametrize("late", [1, 30, 59])
async def test_row_67_a_post_that_is_applied_late_is_not_sent_again(
    house: House, x: Provider, late: int
) -> None:
    """Applied up to a minute after our time-out: the quarantine is longer than that."""
    x.silent, x.applies_after = 1, late * SECOND
    await house.alert()
    await house.forward(5)
    row = await only(house)
    assert (row.state, row.resends) == (DeliveryState.sent, 0)
    assert list(x.counts().values()) == [1]
    assert x.asked[0] - row.attempted_at >= MINUTE if row.attempted_at is not None else False


@pytest.mark.parametrize("lag", [1, 10, 14])
async def test_row_68_a_list_that_lags_is_looked_at_twice(house: House, x: Provider, lag: int) -> None:
    """Applied at the last moment, and listed only after the first look: the second finds it."""
    x.silent, x.applies_after, x.lists_after = 1, 60 * SECOND - 1, lag * SECOND
    await house.alert()
    await house.forward(5)
    row = await only(house)
    assert (row.state, row.resends, row.reads) == (DeliveryState.sent, 0, 1)
    assert list(x.counts().values()) == [1]


async def test_a_doubt_of_two_minutes_is_put_to_people_once(house: House) -> None:
    """Read-back cannot tell: people hear of it at two minutes, elsewhere, and not again when it is held."""
    house.speakers["x"].answers = [Unknown(Reason.timeout)]
    await house.alert()
    await house.forward(126.5)
    said = house.heard("ops")
    assert await states(house.store, "x") == ["unknown"]
    assert not any("post on x arrived" in text for _, text in said)
    await house.forward(2)
    doubts = [(round(at), text) for at, text in house.heard("ops") if "post on x arrived" in text]
    assert [at for at, _ in doubts] == [128]
    assert "nobody knows yet" in doubts[0][1]
    await house.forward(15)
    assert await states(house.store, "x") == ["held"]
    assert len([text for _, text in house.heard("ops") if "post on x arrived" in text]) == 1


async def test_a_doubt_can_be_confirmed_before_it_is_held(house: House) -> None:
    """Whoever has found the post says so; to send again or drop it must wait until it is held."""
    house.speakers["x"].answers = [Unknown(Reason.timeout)]
    await house.alert()
    await house.forward(128.5)
    row = await only(house)
    await house.deliveries.answer_held(row.id, "confirm", "ana", "https://x.example/1")
    await house.forward(20)
    row = await only(house)
    assert (row.state, row.attempts) == (DeliveryState.sent, 1)
    assert house.speakers["x"].heard == []


async def test_a_doubt_on_the_only_internal_channel_is_shown_in_the_view(house: House) -> None:
    """Nobody else can be asked: the question stands in the journal, the row in list and metrics."""
    house.speakers["ops"].answers = [Unknown(Reason.timeout)]
    await house.alert()
    await house.forward(4)
    asked = [one.entry for one in await house.store.journal(1) if one.entry.kind == "asked"]
    assert [(entry.reason, entry.channel) for entry in asked] == [("held", "")]  # type: ignore[union-attr]
    counts = {(row.channel, row.state): row.count for row in await house.store.delivery_counts()}
    assert counts[("ops", DeliveryState.held)] == 1
