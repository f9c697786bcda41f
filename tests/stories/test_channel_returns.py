"""Channels that take nothing for a while: rests, what people hear, and what is said on the return."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from daemon.core import journal as j
from daemon.core.clock import MINUTE, SECOND
from daemon.core.delivery import DeliveryState
from daemon.core.destination import FAILURES, LONGEST_REST
from daemon.core.ports import Outcome, Payload, Reason, Ref, Rejected, Retry, Scope, Unknown
from daemon.service.incidents import UpdateRequest
from tests.stories.house import House, Loudspeaker
from tests.stories.test_outbox import states

REFUSED = Retry(Reason.network, "no connection")


def cut(speaker: Loudspeaker, outcome: Outcome = REFUSED) -> list[float]:
    """From now on every call ends so; returns the instants of the calls.  ``mend`` ends it."""
    calls: list[float] = []

    async def refused(payload: Payload, parent: Ref | None, key: str) -> Outcome:
        calls.append(speaker.clock.now() / SECOND)
        return outcome

    speaker.send = refused  # type: ignore[method-assign]  # this one speaker is cut off
    return calls


def mend(speaker: Loudspeaker) -> None:
    del speaker.send  # its class' own again


async def entries(house: House, kind: type[j.Entry]) -> list[j.Entry]:
    return [one.entry for one in await house.store.journal(1) if isinstance(one.entry, kind)]


async def test_row_64_one_channel_down_for_hours(house: House) -> None:
    """Nothing else waits for it, it is not hammered, people hear of it once, one text goes out in the end."""
    calls = cut(house.speakers["mail"])
    await house.alert()
    await house.forward(6 * 60 - 10)
    assert len([text for _, text in house.heard("ops") if "posts wait" in text]) == 1
    assert len(await house.page()) == 12
    assert max(after - before for before, after in pairwise(calls)) <= LONGEST_REST + 1
    assert len(calls) <= 6 * 60 + 20
    mend(house.speakers["mail"])
    await house.forward(2)
    ((_, text),) = house.heard("mail")
    assert "5 hours" in text
    assert house.state().channels["mail"].down is False
    assert await house.store.claimable(house.clock.now(), 9, "mail") == []
    await house.forward(30)
    assert len(house.heard("mail")) == 2


async def test_a_blink_is_not_a_word_to_people(house: House) -> None:
    """Back within two minutes: the text goes out as it was, and nobody was bothered."""
    cut(house.speakers["mail"])
    await house.alert()
    await house.forward(2.5)
    mend(house.speakers["mail"])
    await house.forward(2)
    assert len(house.heard("mail")) == 1
    assert not any("posts wait" in text for _, text in house.heard("ops"))
    assert await entries(house, j.ChannelTurned) == []


async def test_only_the_row_that_is_tried_is_said_anew(house: House) -> None:
    """Two incidents behind a dead channel: the older one's text is kept fresh, the other waits."""
    cut(house.speakers["mail"])
    await house.alert()
    await house.forward(2)
    await house.alert("Slow", service="search")
    await house.forward(50)
    superseded = [
        row.group for row in (await house.store.deliveries(99, channel="mail")).items
        if row.state is DeliveryState.superseded
    ]  # fmt: skip
    assert set(superseded) == {1}
    assert len(superseded) <= 4
    mend(house.speakers["mail"])
    await house.forward(1.5)
    assert [payload["incident"] for _, payload in house.speakers["mail"].heard] == ["INC-1", "INC-2"]


async def test_row_54_who_is_asked_to_wait_waits_with_all_its_rows(house: House) -> None:
    """Retry-After of 20 minutes: one call, both incidents wait, others go on; then one text each of now."""
    mail = house.speakers["mail"]
    mail.answers = [Retry(Reason.rate_limited, after=1200.0)]
    await house.alert()
    await house.forward(2)
    await house.alert("Slow", service="search")
    await house.forward(18)
    assert mail.heard == []
    assert mail.answers == []
    assert [payload["incident"] for _, payload in house.speakers["ops"].heard if "aware" in payload["text"]]
    await house.forward(2)
    assert [payload["incident"] for _, payload in mail.heard] == ["INC-1", "INC-2"]
    assert await states(house.store, "mail") == ["superseded", "superseded", "sent", "sent"]


async def test_row_54_an_absurd_wish_is_capped(house: House) -> None:
    """Ten years are an hour."""
    mail = house.speakers["mail"]
    mail.answers = [Retry(Reason.rate_limited, after=315_360_000.0)]
    await house.alert()
    await house.forward(60.9)
    assert mail.heard == []
    await house.forward(0.3)
    assert len(mail.heard) == 1


async def test_what_was_said_while_it_was_down_is_said_once_at_the_end(house: House) -> None:
    """Told before, down for an hour, resolved meanwhile: one post, and it says so."""
    await house.alert()
    await house.forward(2)
    cut(house.speakers["mail"])
    await house.forward(40)
    await house.incidents.resolve(1, "ana")
    await house.forward(20)
    mend(house.speakers["mail"])
    await house.forward(2)
    texts = [text for _, text in house.heard("mail")]
    assert len(texts) == 2
    assert "resolved" in texts[1]


async def test_a_persons_words_are_not_reworded(house: House) -> None:
    """Written while it was down: they go out as they are, and what was before them does not."""
    cut(house.speakers["mail"])
    await house.alert()
    await house.forward(5)
    await house.incidents.update(1, "ana", UpdateRequest(text="A cable was cut. We mend it."))
    await house.forward(22)
    mend(house.speakers["mail"])
    await house.forward(2)
    assert [text for _, text in house.heard("mail")] == ["A cable was cut. We mend it."]


async def test_what_a_mailing_left_behind_gets_the_newer_words(house: House) -> None:
    """It went down in the middle of a mailing: whoever lacks the first letter gets one of now, not two."""
    mail = house.speakers["mail"]
    mail.capabilities = replace(mail.capabilities, per_recipient=True)
    mail.people = tuple(f"p{number}@example.com" for number in range(12))
    house.make_outboxes()
    send, given = mail.send, []

    async def four(payload: Payload, parent: Ref | None, key: str) -> Outcome:
        given.append(key)
        return await send(payload, parent, key) if len(given) <= 4 else REFUSED

    mail.send = four  # type: ignore[method-assign]  # four letters, then the cut
    await house.alert()
    await house.forward(50)
    assert len(mail.heard) == 4
    mend(mail)
    await house.forward(2)
    per_key = await house.store.deliveries(99, channel="mail", states={DeliveryState.sent})
    got = [row.recipient for row in per_key.items]
    assert sorted(got.count(one) for one in mail.people) == [1] * 8 + [2] * 4


async def test_one_recipients_retries_are_not_the_channels(house: House) -> None:
    """Greylisted for twenty minutes while the others have it: the same letter, later."""
    mail = house.speakers["mail"]
    mail.capabilities = replace(mail.capabilities, per_recipient=True)
    mail.people = ("a@example.com", "b@example.com")
    house.make_outboxes()
    mail.answers = [Retry(Reason.server, "451 greylisted")] * 2
    send = mail.send

    async def greylisted(payload: Payload, parent: Ref | None, key: str) -> Outcome:
        row = next(row for row in (await house.store.deliveries(9, channel="mail")).items if row.key == key)
        late = house.clock.now() - row.created_at > 20 * MINUTE
        if row.recipient == "a@example.com" and not late:
            return Retry(Reason.server, "451 greylisted")
        mail.answers.clear()
        return await send(payload, parent, key)

    mail.send = greylisted  # type: ignore[method-assign]  # one of the two is put off
    await house.alert()
    await house.forward(28)
    assert await states(house.store, "mail") == ["sent", "sent"]
    assert len({payload["text"] for _, payload in mail.heard}) == 1


async def test_doubts_in_a_row_make_it_rest_and_are_settled_all_the_same(house: House) -> None:
    """A provider that answers 503: a few doubts, not one per incident; each is settled by its own rules."""
    cut(house.speakers["mail"], Unknown(Reason.server, "503"))
    for number in range(8):
        await house.alert("Down", service="checkout", severity="other", alertname=f"a{number}")
    await house.alert()
    await house.alert("Slow", service="search")
    await house.forward(10)
    mend(house.speakers["mail"])
    await house.forward(10)
    assert set(await states(house.store, "mail")) <= {"held", "sent"}
    held = [one for one in await states(house.store, "mail") if one == "held"]
    assert len(held) <= FAILURES


async def test_a_dead_only_channel_is_shown_where_it_can_be(house: House) -> None:
    """The one internal channel refuses us: nobody can be asked, so the question stands in the view alone."""
    cut(house.speakers["ops"], Rejected(Reason.auth, "invalid_auth", Scope.destination))
    await house.alert()
    await house.forward(3)
    asked = [entry for entry in await entries(house, j.Asked) if isinstance(entry, j.Asked)]
    assert [(entry.reason, entry.channel) for entry in asked] == [("channel down", "")]


async def test_what_a_person_sends_again_is_not_the_last_word(house: House) -> None:
    """The retraction waited behind a held first post: sent again, that one is not newer than it."""
    mail = house.speakers["mail"]
    mail.answers = [Unknown(Reason.timeout), Unknown(Reason.timeout)]
    await house.alert()
    await house.forward(8)
    (held,) = (await house.store.deliveries(5, channel="mail", states={DeliveryState.held})).items
    await house.incidents.retract(1, "ana", "false alarm")
    cut(mail)
    await house.alert(service="search")
    await house.forward(20)
    await house.deliveries.answer_held(held.id, "resend", "ana")
    mend(mail)
    await house.forward(20)
    said = [payload["text"] for _, payload in mail.heard if payload["incident"] == "INC-1"]
    assert [("false alarm" in text) for text in said] == [False, True]
