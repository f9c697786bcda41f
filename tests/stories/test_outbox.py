"""What happens between a decision and a channel: refusals, doubts, order, quarantine.

* proof of "not sent" is tried again with the same bytes
* a doubt waits for its quarantine, is looked up where it can be, resent at most once, else held
* a held post stops nothing else and is put to people over another channel
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from daemon.core.clock import MINUTE
from daemon.core.delivery import DeliveryState
from daemon.core.destination import PARKED
from daemon.core.errors import Refused
from daemon.core.journal import DeliveryMoved
from daemon.core.ports import NotThere, Outcome, Payload, Reason, Ref, Rejected, Retry, Scope, Sent, Unknown
from daemon.core.store import Store
from daemon.service.incidents import UpdateRequest
from tests.fakes.raw import tick
from tests.stories.house import House


async def states(store: Store, channel: str) -> list[str]:
    page = await store.deliveries(50, channel=channel)
    return [row.state.value for row in reversed(page.items)]


async def test_a_retry_sends_the_same_bytes(house: House) -> None:
    """Not sent for sure: again after a pause, byte for byte."""
    house.speakers["mail"].answers = [Retry(Reason.network), Retry(Reason.rate_limited, after=20.0)]
    await house.alert()
    await house.forward(1)
    assert await states(house.store, "mail") == ["queued"]
    await house.forward(1)
    assert await states(house.store, "mail") == ["sent"]
    (row,) = (await house.store.deliveries(5, channel="mail")).items
    assert row.attempts == 3
    assert house.speakers["mail"].heard[0][1]["key"] == row.key


async def test_mail_in_doubt_is_resent_once_then_held(house: House) -> None:
    """After the final dot: one resend after the quarantine; a second doubt is for a person."""
    house.speakers["mail"].answers = [Unknown(Reason.timeout), Unknown(Reason.timeout)]
    await house.alert()
    await house.forward(1)
    assert await states(house.store, "mail") == ["unknown"]
    await house.forward(4)
    assert await states(house.store, "mail") == ["held"]
    assert any("nobody knows whether a post on mail arrived" in text for _, text in house.heard("ops"))
    await house.forward(27)
    assert await states(house.store, "mail") == ["held", "sent"], "a held post stops nothing"


async def test_a_doubt_that_is_found_is_sent(house: House) -> None:
    """Read-back finds the post: it was there all along and is never sent again."""
    x = house.speakers["x"]
    x.answers, x.found = [Unknown(Reason.timeout)], [Ref({"id": "77"})]
    await house.alert()
    await house.forward(128)
    assert await states(house.store, "x") == ["sent"]
    assert x.heard == []


async def test_a_doubt_that_is_absent_twice_is_resent(house: House) -> None:
    """Two read-backs apart from each other must both find nothing."""
    x = house.speakers["x"]
    x.answers, x.found = [Unknown(Reason.server)], [NotThere(), NotThere()]
    await house.alert()
    await house.forward(130)
    assert await states(house.store, "x") == ["sent"]
    assert len(x.heard) == 1


async def test_a_doubt_that_cannot_be_looked_up_is_held(house: House) -> None:
    """A channel that never answers the question leaves it to a person, who may confirm."""
    x = house.speakers["x"]
    x.answers = [Unknown(Reason.timeout)]
    await house.alert()
    await house.forward(145)
    assert await states(house.store, "x") == ["held"]
    assert house.state(1).told == ["mail", "page", "x"], "it may be there"
    (row,) = (await house.store.deliveries(5, channel="x")).items
    await house.deliveries.answer_held(row.id, "confirm", "ana", "1234")
    assert await states(house.store, "x") == ["sent"]


async def test_row_58_a_revoked_token_parks_the_channel(house: House) -> None:
    """The queue is kept, nobody hammers, and after the rest it goes on."""
    house.speakers["mail"].answers = [Rejected(Reason.auth, "535", Scope.destination)]
    await house.alert()
    await house.forward(1)
    assert await states(house.store, "mail") == ["queued"]
    assert house.state(1).told == ["page"], "nothing was sent"
    assert sum("refuses our credentials" in text for _, text in house.heard("ops")) == 1
    await house.forward(PARKED / 60 - 0.1)
    assert house.heard("mail") == []
    await house.forward(1)
    assert len(house.heard("mail")) == 1
    assert not house.state(1).channels["mail"].down


async def test_a_mailing_that_nobody_got_yet_is_not_told(house: House) -> None:
    """Three recipients: told with the first that has it, and not before."""
    mail = house.speakers["mail"]
    mail.capabilities = replace(mail.capabilities, per_recipient=True)
    mail.people = ("a@example.com", "b@example.com", "c@example.com")
    house.make_outboxes()
    mail.answers = [Retry(Reason.network, after=60.0)] * 3
    await house.alert()
    await house.forward(1.5)
    assert house.state(1).told == ["page"]
    await house.forward(2)
    assert house.state(1).told == ["mail", "page"]
    assert len(mail.heard) == 3
    journal = [one.entry for one in await house.store.journal(1)]
    moved = [entry.state for entry in journal if isinstance(entry, DeliveryMoved) and entry.channel == "mail"]
    assert moved == ["attempted", "queued", "attempted", "sent"], "one notice for all three"


async def test_a_final_refusal_is_dead_and_told(house: House) -> None:
    """Refused for good: people hear of it over another channel, the next update goes out."""
    house.speakers["mail"].answers = [Rejected(Reason.content, "too long")]
    await house.alert()
    await house.forward(2)
    assert await states(house.store, "mail") == ["dead"]
    assert any("refused for good" in text for _, text in house.heard("ops"))
    (row,) = (await house.store.deliveries(5, states={DeliveryState.dead})).items
    await house.deliveries.answer_held(row.id, "resend", "ana")
    await house.settle()
    assert await states(house.store, "mail") == ["sent"], "put right and replayed by a person"
    await house.forward(30)
    assert await states(house.store, "mail") == ["sent", "sent"]


async def test_order_is_kept_behind_a_doubt(house: House) -> None:
    """The next text on a channel waits until the doubt about the one before is settled."""
    mail = house.speakers["mail"]
    mail.answers = [Retry(Reason.network, after=600.0), Sent(Ref({}))]
    await house.alert()
    await house.forward(2)
    await house.incidents.update(1, "ana", UpdateRequest(text="We know more."))
    await house.settle()
    assert await states(house.store, "mail") == ["queued", "queued"]
    await house.forward(10)
    assert [payload["text"][:10] for _, payload in mail.heard] == ["We are awa", "We know mo"]


async def test_a_channel_whose_only_post_never_left_hears_nothing_of_the_end(house: House) -> None:
    """Queued at the end of the incident: superseded, and no "resolved" to whom was never told."""
    mail = house.speakers["mail"]
    mail.answers = [Retry(Reason.network, after=3_500.0)] * 9
    await house.alert()
    await house.forward(3)
    await house.alert(firing=False)
    await house.forward(90)
    assert mail.heard == []
    assert await states(house.store, "mail") == ["superseded", "superseded"]


async def test_a_stop_in_the_middle_of_an_attempt_is_a_doubt(house: House) -> None:
    """What was attempted when the process died goes through quarantine, never straight back."""
    await house.alert()
    await house.forward(0.5)
    await house.timers.heartbeat()
    house.clock.advance(MINUTE // 2)
    await house.timers.tick()
    (row,) = await house.store.claimable(house.clock.now(), 1, "mail")
    await house.deliveries.attempt([row], 65_000)
    await house.store.close()
    await house._start()
    await house.settle()
    assert await states(house.store, "mail") == [DeliveryState.unknown]
    await house.forward(3)
    assert await states(house.store, "mail") == ["sent"]
    assert len(house.heard("mail")) == 1


async def test_resolved_waits_behind_a_first_post_in_doubt(house: House) -> None:
    """Held: "resolved" waits with it; dropped as never there: nothing at all goes out on X."""
    x = house.speakers["x"]
    x.answers = [Unknown(Reason.timeout)]
    await house.alert()
    await house.forward(145)
    assert await states(house.store, "x") == ["held"]
    await house.incidents.resolve(1, "ana", "It is over. We are sorry.")
    await house.forward(5)
    assert await states(house.store, "x") == ["held", "queued"]
    (held,) = (await house.store.deliveries(5, channel="x", states={DeliveryState.held})).items
    await house.deliveries.answer_held(held.id, "drop", "ana")
    await house.forward(5)
    assert await states(house.store, "x") == ["dead", "superseded"]
    assert x.heard == []


async def test_a_confirmed_first_post_lets_resolved_go(house: House) -> None:
    """The person found it: the end is said where the beginning was."""
    x = house.speakers["x"]
    x.answers = [Unknown(Reason.timeout)]
    await house.alert()
    await house.forward(145)
    await house.incidents.resolve(1, "ana", "It is over. We are sorry.")
    await house.forward(1)
    (held,) = (await house.store.deliveries(5, channel="x", states={DeliveryState.held})).items
    await house.deliveries.answer_held(held.id, "confirm", "ana", "77")
    await house.forward(1)
    assert [text for _, text in house.heard("x")] == ["It is over. We are sorry."]


async def test_a_held_post_that_was_passed_is_not_resent(house: House) -> None:
    """An hour-old "we are investigating" after a newer word would only confuse."""
    house.speakers["mail"].answers = [Unknown(Reason.timeout), Unknown(Reason.timeout)]
    await house.alert()
    await house.forward(35)
    assert await states(house.store, "mail") == ["held", "sent"]
    (held,) = (await house.store.deliveries(5, channel="mail", states={DeliveryState.held})).items
    with pytest.raises(Refused, match="newer posts"):
        await house.deliveries.answer_held(held.id, "resend", "ana")


async def test_a_first_post_is_not_replayed_after_the_end(house: House) -> None:
    """Nobody there heard of the incident, so its last word was withdrawn: the first would stand."""
    house.speakers["x"].answers = [Unknown(Reason.timeout)]
    await house.alert()
    await house.forward(145)
    await house.incidents.resolve(1, "ana", "It is over. We are sorry.")
    (held,) = (await house.store.deliveries(5, channel="x", states={DeliveryState.held})).items
    await house.deliveries.answer_held(held.id, "drop", "ana")
    await house.settle()
    assert await states(house.store, "x") == ["dead", "superseded"]
    with pytest.raises(Refused, match="the incident ended without it"):
        await house.deliveries.answer_held(held.id, "resend", "ana")


async def test_a_large_mailing_goes_out_a_few_at_a_time(house: House) -> None:
    """Many rows in one commit, and no more side by side than the channel says."""
    mail = house.speakers["mail"]
    mail.capabilities = replace(mail.capabilities, per_recipient=True, side_by_side=3)
    mail.people = tuple(f"r{number}@example.com" for number in range(20))
    house.make_outboxes()
    now, most = 0, 0
    send = mail.send

    async def counted(payload: Payload, parent: Ref | None, key: str) -> Outcome:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await tick(0)
        now -= 1
        return await send(payload, parent, key)

    mail.send = counted  # type: ignore[method-assign]
    await house.alert()
    await house.forward(1.5)
    assert len(mail.heard) == 20
    assert most == 3


async def test_a_mailing_stops_in_the_middle_when_the_relay_goes(house: House) -> None:
    """What one commit took and did not get to is not sent to a relay that rests; all of it goes out later."""
    mail = house.speakers["mail"]
    mail.capabilities = replace(mail.capabilities, per_recipient=True, side_by_side=2)
    mail.people = tuple(f"r{number}@example.com" for number in range(12))
    house.make_outboxes()
    refused = Retry(Reason.network, "refused", scope=Scope.destination)
    mail.answers = [Sent(Ref({"id": "1"})), Sent(Ref({"id": "2"})), *[refused] * 3]
    await house.alert()
    await house.forward(1.02)
    assert len(mail.heard) == 2
    assert len(mail.answers) == 2, "one met the dead relay, and the others were spared it"
    await house.forward(3)
    assert len(mail.heard) == 12
    assert {row.state for row in (await house.store.deliveries(50, channel="mail")).items} == {"sent"}
