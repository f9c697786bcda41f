"""A channel with a schedule of its own: attempts by it, whatever went wrong, and an end."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest

from daemon.core.clock import HOUR, MINUTE, SECOND
from daemon.core.ports import Outcome, Payload, Reason, Ref, Retry, Sent, Unknown
from daemon.core.retry import LONGEST_ASKED, scheduled
from tests.stories.house import START, House

PLAN = (5.0, 20.0, 100.0)
LOST = Unknown(Reason.server, "502")
REFUSED = Retry(Reason.network, "no connection")


def fail(house: House, outcome: Callable[[int], Outcome], plan: tuple[float, ...] = PLAN) -> list[float]:
    """The channel's attempts, in seconds, each with the outcome for its number."""
    mail, tried = house.speakers["mail"], list[float]()
    mail.capabilities = replace(
        mail.capabilities, schedule=plan, idempotency="native", on_doubt="resend", late_apply=0.0
    )

    async def send(payload: Payload, parent: Ref | None, key: str) -> Outcome:
        tried.append((house.clock.now() - START) / SECOND)
        return outcome(len(tried))

    mail.send = send  # type: ignore[method-assign]  # this one speaker counts its attempts
    house.make_outboxes()
    return tried


@pytest.mark.parametrize("failure", [LOST, REFUSED], ids=["in doubt", "not sent"])
async def test_attempts_follow_the_schedule_and_end(house: House, failure: Outcome) -> None:
    """In doubt or not: 5, 20 and 100 seconds after each other with up to a tenth more, then dead and told."""
    tried = fail(house, lambda _: failure)
    await house.alert()
    await house.forward(20)
    gaps = [later - before for before, later in itertools.pairwise(tried)]
    assert [plan <= gap <= plan * 1.1 + 1 for plan, gap in zip(PLAN, gaps, strict=True)] == [True] * 3
    (row,) = (await house.store.deliveries(9, channel="mail")).items
    assert (row.state, row.attempts) == ("dead", 4)
    assert row.detail.startswith("4 attempts failed; the last: ")
    assert sum("refused for good" in text for _, text in house.heard("ops")) == 1


async def test_what_is_said_anew_goes_on_with_the_schedule(house: House) -> None:
    """Twenty minutes are too long for a text: each attempt has the facts of now, and the end is the same."""
    answer = {1: Sent(Ref({}))}  # the first words arrive, and nothing after them
    tried = fail(house, lambda number: answer.get(number, REFUSED), (5.0, *[20 * 60.0] * 4))
    await house.alert()
    await house.forward(3)
    await house.alert(firing=False)
    await house.forward(600)
    rows = list(reversed((await house.store.deliveries(99, channel="mail")).items))
    assert [row.state.value for row in rows[1:-1]] == ["superseded"] * (len(rows) - 2)
    assert rows[-1].update.split("/")[1:3] == ["again", "mail"]
    assert (rows[-1].state, rows[-1].attempts) == ("dead", 6)
    assert tried[-1] < 3 * 3_600


async def test_newer_words_do_not_wait_for_the_schedule_of_older_ones(house: House) -> None:
    """It is back after five minutes: the next words try it at once, the older ones before them."""
    back = START + 5 * MINUTE
    tried = fail(house, lambda _: Sent(Ref({})) if house.clock.now() > back else REFUSED, (5.0, 7_200.0))
    await house.alert()
    await house.forward(3)
    await house.alert(firing=False)
    await house.forward(6)
    rows = list(reversed((await house.store.deliveries(99, channel="mail")).items))
    assert [(row.update.split("/")[2], row.state) for row in rows] == [("first", "sent"), ("clear", "sent")]
    assert tried[2:] == [480.0, 480.0]


async def test_a_wait_that_was_asked_for_is_obeyed_in_doubt_too(house: House) -> None:
    """A 503 with Retry-After: nobody calls before it has passed, and the same key goes out again."""
    busy = Unknown(Reason.server, "503", after=90.0)
    tried = fail(house, lambda number: busy if number == 1 else Sent(Ref({})))
    await house.alert()
    await house.forward(10)
    assert len(tried) == 2
    assert 90 <= tried[1] - tried[0] <= 92
    (row,) = (await house.store.deliveries(9, channel="mail")).items
    assert (row.state, row.resends) == ("sent", 1)


def test_the_same_attempt_waits_equally_long_and_others_do_not() -> None:
    """Jitter comes from key and number: a restart changes nothing, many keys spread over a tenth."""
    plan = (300.0,)
    assert scheduled(plan, 1, "a") == scheduled(plan, 1, "a")
    waits = {scheduled(plan, 1, str(key)) or 0 for key in range(50)}
    assert len(waits) > 40
    assert min(waits) >= 5 * MINUTE
    assert max(waits) < 5.5 * MINUTE
    assert scheduled(plan, 1, "a", asked=1_000.0) == 1_000 * SECOND
    assert scheduled(plan, 1, "a", asked=1e9) == LONGEST_ASKED == HOUR
    assert scheduled(plan, 2, "a") is None
    assert scheduled((), 1, "a") is None
