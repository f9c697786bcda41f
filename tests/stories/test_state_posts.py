"""A first post that shows the state now: what it says at each instant, whatever happens to edits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.core.clock import HOUR, MINUTE, SECOND, FakeClock
from daemon.core.delivery import Delivery, DeliveryState
from daemon.core.errors import Refused
from daemon.core.journal import DeliveryMoved
from daemon.core.ports import Capabilities, Outcome, Payload, Reason, Ref, Rejected, Retry, Scope, Unknown
from daemon.core.words import Audience, Impact, Status
from daemon.outbox import LEASE
from daemon.service.edits import TRIED_FOR, EditDesk
from daemon.service.incidents import UpdateRequest
from tests.stories.house import RULES, START, House, Loudspeaker, speakers_at

DELETED = Rejected(Reason.gone, "message_not_found")
LOST = Unknown(Reason.timeout, "no answer")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """The usual house, where the team's channel shows the state."""
    opened = await open_house(tmp_path)
    yield opened
    await opened.close()


async def open_house(folder: Path, rules: str = RULES, **more: object) -> House:
    clock = FakeClock(START)
    house = House(folder, clock, rules, speakers_at(clock))
    able = Capabilities("slack", threads=True, can_edit=True, shows_state=True, **more)  # type: ignore[arg-type]
    house.speakers["ops"].capabilities = able
    await house._start()
    return house


async def rows_of(house: House, *, edits: bool = True) -> list[Delivery]:
    """The team's edits, oldest first."""
    return (await house.store.deliveries(50, channel="ops", edits=edits)).items[::-1]


async def states(house: House) -> list[str]:
    return [row.state.value for row in await rows_of(house)]


def shown(house: House) -> list[tuple[float, str, str]]:
    """(minute, state, words) of every change to the incident's first post."""
    edited = house.speakers["ops"].edited
    assert {ref for _, ref, _ in edited} <= {"1"}, "only the first post is ever changed"
    return [(house.minutes(at), payload["state"], payload["text"]) for at, _, payload in edited]


async def say(house: House, text: str, **fields: object) -> None:
    await house.incidents.update(1, "ana", UpdateRequest(text=text, to=("page", "ops"), **fields))  # type: ignore[arg-type]
    await house.settle()


def questions(house: House) -> int:
    return house.state().questions


async def test_the_first_post_shows_the_state_at_every_instant(house: House) -> None:
    """One first post, edited with each update as that goes out; resolved at the end."""
    await house.alert()
    await house.forward(1)
    assert shown(house) == [], "the first post is its own first state"
    await house.forward(5)
    await say(house, "A bad deploy.", status=Status.identified, impact=Impact.critical)
    assert shown(house) == [(6, "identified/critical", "A bad deploy.")]
    await house.alert(firing=False)
    await house.forward(20)
    posts = await rows_of(house, edits=False)
    assert [(row.state.value, row.attempts) for row in posts] == [("sent", 1)] * 4
    assert [state for _, state, _ in shown(house)] == [
        "identified/critical", "monitoring/critical", "resolved/critical",
    ]  # fmt: skip
    assert [(at, text) for at, _, text in shown(house)] == house.heard("ops")[1:]
    assert await states(house) == ["sent"] * 3
    assert questions(house) == 0


async def test_a_deleted_first_post_bothers_nobody(house: House) -> None:
    """Refused for good: dead, in the journal and in the figures; no question, and the updates go out."""
    house.speakers["ops"].edit_answers = [DELETED, DELETED]
    await house.alert()
    await house.forward(1)
    await say(house, "A bad deploy.", status=Status.identified)
    await say(house, "It is rolled back.", status=Status.monitoring)
    assert await states(house) == ["dead", "dead"]
    assert [text for _, text in house.heard("ops")][1:] == ["A bad deploy.", "It is rolled back."]
    await house.forward(10)
    assert questions(house) == 0
    journal = [one.entry for one in await house.store.journal(house.state().id)]
    ends = [one for one in journal if isinstance(one, DeliveryMoved) and one.edits]
    assert [(one.state, one.reason) for one in ends] == [("dead", "gone")] * 2
    figures = house.metrics.exposition().decode()
    assert 'tocsin_edits_total{channel="ops",kind="slack",outcome="rejected",reason="gone"} 2.0' in figures
    assert 'tocsin_notifications_total{channel="ops",kind="slack",outcome="rejected"' not in figures
    with pytest.raises(Refused, match="the next update does so anew"):
        await house.deliveries.answer_held((await rows_of(house))[0].id, "resend", "ana")


async def test_a_lost_answer_is_made_again_after_the_provider_can_be_late_no_more(house: House) -> None:
    """A doubt about an edit is no doubt: queued, once more a minute later, never held."""
    house.speakers["ops"].edit_answers = [LOST, LOST]
    await house.alert()
    await house.forward(1)
    await say(house, "A bad deploy.", status=Status.identified)
    assert await states(house) == ["queued"]
    await house.forward(0.9)
    assert (await rows_of(house))[0].attempts == 1
    await house.forward(2)
    assert shown(house) == [(3, "identified/major", "A bad deploy.")]
    assert (await rows_of(house))[0].attempts == 3
    assert questions(house) == 0
    counts = {row.state.value for row in await rows_of(house, edits=False)}
    assert counts == {"sent"}, "the posts never waited"


async def test_a_newer_edit_takes_the_place_of_one_that_waits(house: House) -> None:
    """The newest state alone is shown, and not while the old one may still be applied late."""
    house.speakers["ops"].edit_answers = [LOST]
    await house.alert()
    await house.forward(1)
    await say(house, "A bad deploy.", status=Status.identified)
    await house.forward(0.5)
    await say(house, "It is rolled back.", status=Status.monitoring)
    assert await states(house) == ["superseded", "queued"]
    assert shown(house) == []
    await house.forward(0.5)
    assert shown(house) == [(2, "monitoring/major", "It is rolled back.")]


async def test_an_edit_in_hand_gives_way_when_it_comes_back(house: House) -> None:
    """Two updates while one call hangs: the old text is not tried again, the newest waits."""
    await house.alert()
    await house.forward(1)
    editors, house.editors = house.editors, []
    await say(house, "A bad deploy.", status=Status.identified)
    (row,) = await rows_of(house)
    desk = EditDesk(house.desk)
    ((tried, ref),) = await desk.attempt([row], LEASE)
    assert ref == Ref({"id": "1"})
    await say(house, "Nearly there.", status=Status.identified)
    await say(house, "It is rolled back.", status=Status.monitoring)
    assert await states(house) == ["attempted", "superseded", "queued"]
    assert await house.store.claim("ops", house.clock.now(), 9, LEASE, edits=True) == []
    await desk.record(tried, LOST, house.speakers["ops"].capabilities)
    assert await states(house) == ["superseded", "superseded", "queued"]
    house.editors = editors
    await house.forward(2)
    assert shown(house) == [(2, "monitoring/major", "It is rolled back.")]


async def test_after_a_crash_the_newest_state_is_shown(house: House) -> None:
    """Killed in the middle of an edit: it is queued again, not in doubt, and made when nothing is late."""
    await house.alert()
    await house.forward(1)
    house.editors = []
    await say(house, "A bad deploy.", status=Status.identified)
    await EditDesk(house.desk).attempt(await rows_of(house), LEASE)
    await house.store.close()
    await house._start()
    assert await states(house) == ["queued"]
    assert shown(house) == []
    house.editors, editors = [], house.editors
    await say(house, "It is rolled back.", status=Status.monitoring)
    house.editors = editors
    await house.forward(3)
    assert shown(house) == [(2, "monitoring/major", "It is rolled back.")]
    assert await states(house) == ["superseded", "sent"]


async def test_a_lease_that_ends_frees_an_edit(house: House) -> None:
    """A worker that went away beside a living daemon: the edit is made by another."""
    await house.alert()
    await house.forward(1)
    editors, house.editors = house.editors, []
    await say(house, "A bad deploy.", status=Status.identified)
    ((tried, _),) = await EditDesk(house.desk).attempt(await rows_of(house), LEASE)
    house.editors = editors
    await house.forward(4)
    assert [words for _, _, words in shown(house)] == ["A bad deploy."]
    late = await EditDesk(house.desk).record(tried, DELETED, house.speakers["ops"].capabilities)
    assert late is None, "the worker that comes back changes nothing"
    assert await states(house) == ["sent"]


async def test_edits_wait_for_a_first_post_whose_fate_is_open(house: House) -> None:
    """While it is in doubt nothing is edited; held and passed, the next one is the first post."""
    house.speakers["ops"].answers = [LOST]
    await house.alert()
    await house.forward(1)
    await say(house, "A bad deploy.", status=Status.identified)
    assert await states(house) == ["queued"]
    await house.forward(3)
    first, second = (await rows_of(house, edits=False))[:2]
    assert (first.state.value, second.state.value) == ("held", "sent")
    assert await states(house) == ["queued"]
    await say(house, "It is rolled back.", status=Status.monitoring)
    assert [(row.edits, row.state.value) for row in await rows_of(house)] == [
        (first.id, "queued"), (second.id, "sent"),
    ]  # fmt: skip
    await house.deliveries.answer_held(first.id, "drop", "ana")
    await house.forward(1)
    assert await states(house) == ["superseded", "sent"]


async def test_what_a_person_found_cannot_be_edited_and_says_so_quietly(house: House) -> None:
    """Its name is theirs, not the channel's: the edit is refused, the later posts are edited instead."""
    house.speakers["ops"].answers = [LOST]
    house.speakers["ops"].edit_answers = [DELETED]
    await house.alert()
    await house.forward(1)
    await say(house, "A bad deploy.", status=Status.identified)
    first = (await rows_of(house, edits=False))[0]
    await house.deliveries.answer_held(first.id, "confirm", "ana", "I see it")
    await house.forward(1)
    assert await states(house) == ["dead"]
    await say(house, "It is rolled back.", status=Status.monitoring)
    assert (await rows_of(house))[-1].edits != first.id


async def test_an_edit_that_fails_for_a_day_is_given_up(house: House) -> None:
    """Refused connections for 24 hours: expired, in the journal, and nobody was asked about it."""
    house.speakers["ops"].edit_answers = [Retry(Reason.network)] * 40
    await house.alert()
    await house.forward(1)
    await say(house, "A bad deploy.", status=Status.identified)
    await house.alert(firing=False)
    await house.incidents.resolve(1, "ana", "It is over.")
    await house.settle()
    asked = questions(house)
    house.clock.advance(TRIED_FOR)
    await house.forward(6)
    assert await states(house) == ["superseded", "expired"]
    assert questions(house) == asked
    assert house.state().channels["ops"].down is False


async def test_an_edit_that_hangs_delays_no_post(house: House) -> None:
    """Posts have a worker of their own."""
    await house.alert()
    await house.forward(1)
    begun, let_go = asyncio.Event(), asyncio.Event()

    async def hang(ref: Ref, payload: Payload) -> Outcome:
        begun.set()
        await let_go.wait()
        return LOST

    house.speakers["ops"].edit = hang  # type: ignore[method-assign]
    editors, house.editors = house.editors, []
    await say(house, "A bad deploy.", status=Status.identified)
    hanging = asyncio.create_task(editors[0].step())
    await begun.wait()
    await say(house, "It is rolled back.", status=Status.monitoring)
    assert house.heard("ops")[-1] == (1, "It is rolled back.")
    assert await states(house) == ["attempted", "queued"]
    hanging.cancel()
    with suppress(asyncio.CancelledError):
        await hanging


async def test_edits_spend_what_posts_leave(tmp_path: Path) -> None:
    """At six posts a minute a post goes at once and its edit when there is room for one more post."""
    house = await open_house(tmp_path, per_minute=6.0)
    await house.alert()
    await house.forward(1)
    await say(house, "A bad deploy.", status=Status.identified)
    assert house.heard("ops")[-1] == (1, "A bad deploy.")
    assert shown(house) == []
    await house.forward(1)
    ((at, _, _),) = shown(house)
    assert 1 < at <= 1 + 20 * SECOND / MINUTE
    await house.close()


async def test_a_refused_edit_rests_edits_alone(house: House) -> None:
    """A 429 or a refused credential to an edit keeps no post back, and says nothing about the channel."""
    house.speakers["ops"].edit_answers = [
        Retry(Reason.rate_limited, after=120.0), Rejected(Reason.auth, "missing_scope", Scope.destination),
    ]  # fmt: skip
    await house.alert()
    await house.forward(1)
    await say(house, "A bad deploy.", status=Status.identified)
    await house.forward(1)
    await say(house, "It is rolled back.", status=Status.monitoring)
    assert house.heard("ops")[-1] == (2, "It is rolled back.")
    await house.forward(9)
    assert shown(house) == [(8, "monitoring/major", "It is rolled back.")]
    assert (questions(house), house.state().channels["ops"].down) == (0, False)


async def test_a_public_first_post_shows_what_its_channel_was_told(tmp_path: Path) -> None:
    """What went to the team, or to the page alone, does not appear in public by an edit."""
    house = await open_house(tmp_path)
    able = replace(house.speakers["ops"].capabilities, kind="email")
    public = house.speakers["mail"] = Loudspeaker("mail", Audience.public, house.clock, able)
    await house.restart()
    await house.alert()
    await house.forward(1)
    for to in (("ops",), ("page",)):
        request = UpdateRequest(text=f"Words for {to[0]}.", to=to, status=Status.identified)
        await house.incidents.update(1, "ana", request)
        await house.settle()
    assert public.edited == []
    assert [payload["text"] for _, _, payload in house.speakers["ops"].edited] == ["Words for ops."] * 2
    await house.incidents.update(1, "ana", UpdateRequest(text="For all.", to=("page", "mail")))
    await house.settle()
    assert [payload["text"] for _, _, payload in public.edited] == ["For all."]
    await house.close()


async def test_a_question_stays_as_it_was_asked(tmp_path: Path) -> None:
    """Where people were asked before anything was said, that question is the thread's head: never edited."""
    rules = RULES.replace(
        "after: 0s, say: investigating, promise: 30m", "after: 0s, say: investigating, approve: one"
    )
    house = await open_house(tmp_path, rules)
    await house.alert()
    await house.forward(1)
    assert questions(house) == 1
    await say(house, "A bad deploy.", status=Status.identified)
    await say(house, "It is rolled back.", status=Status.monitoring)
    assert len(house.heard("ops")) >= 3
    assert shown(house) == []
    assert await rows_of(house) == []
    await house.close()


async def test_edits_survive_a_clock_that_is_set_back(house: House) -> None:
    """An edit that waits does so for as long as it was meant to, not until the clock has come round."""
    house.speakers["ops"].edit_answers = [LOST]
    await house.alert()
    await house.forward(1)
    await say(house, "A bad deploy.", status=Status.identified)
    (before,) = await rows_of(house)
    was = house.clock.now()
    house.clock.set_by(-HOUR)
    await house.timers.gap(was)
    (after,) = await rows_of(house)
    assert after.state is DeliveryState.queued
    assert after.not_before - house.clock.now() <= before.not_before - was
