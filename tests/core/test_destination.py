"""A destination's rests, breaker and rate: pure, so that hours pass in a loop."""

from __future__ import annotations

import pytest

from daemon.core.destination import BURST, DOWN_AFTER, EDIT_NEEDS, FAILURES, LONGEST_REST, PARKED, Destination
from daemon.core.ports import Outcome, Reason, Ref, Rejected, Retry, Scope, Sent, Unknown

SENT = Sent(Ref({}))
REFUSED = Retry(Reason.network, "no connection")


def after(*outcomes: Outcome, per_recipient: bool = False) -> Destination:
    """One that heard all these at second 0."""
    destination = Destination(per_recipient=per_recipient)
    for outcome in outcomes:
        destination.heard(outcome, 0.0)
    return destination


def test_it_is_tried_at_once() -> None:
    """Nothing heard yet: as many as the worker takes, and nobody is told anything."""
    destination = Destination()
    assert destination.room(0.0, 8) == 8
    assert destination.is_down() is None


@pytest.mark.parametrize(
    "fault", [REFUSED, Retry(Reason.timeout), Retry(Reason.server), Unknown(Reason.timeout)]
)
def test_failures_in_a_row_make_it_rest(fault: Outcome) -> None:
    """With many recipients one less does not; a success in between starts the count anew."""
    few = [fault] * (FAILURES - 1)
    mailing = fault != Retry(Reason.server)  # that one is about a recipient
    assert after(*few, per_recipient=True).room(0.0, 8) == 8
    assert after(*few, SENT, fault, per_recipient=True).room(0.0, 8) == 8
    assert after(*few, fault, per_recipient=True).room(0.0, 8) == (0 if mailing else 8)
    assert after(*few, fault).room(0.0, 8) == 0


def test_a_single_place_rests_from_the_first_failure_on() -> None:
    """A short pause in which its rows keep their order; a success before it has none."""
    destination = after(REFUSED)
    assert destination.wait(0.0) == 2.0
    assert not destination.failing
    assert after(REFUSED, SENT).room(0.0, 8) == 8


def test_it_is_tried_with_one_and_rests_longer_each_time() -> None:
    """Growing pauses up to a minute; a success closes the breaker."""
    destination, now, pauses = after(*[REFUSED] * FAILURES), 0.0, []
    for _ in range(8):
        pauses.append(destination.wait(now))
        assert destination.room(now + pauses[-1] - 0.01, 8) == 0
        now += pauses[-1]
        assert destination.room(now, 8) == 1
        destination.heard(REFUSED, now)
    assert pauses == sorted(pauses)
    assert pauses[0] < 5
    assert pauses[-1] == LONGEST_REST
    destination.heard(SENT, now)
    assert destination.room(now, 8) == 8


@pytest.mark.parametrize(
    "outcome",
    [Retry(Reason.other, "too late"), Unknown(Reason.content), Rejected(Reason.content)],
)
def test_what_is_about_one_row_never_makes_it_rest(outcome: Outcome) -> None:
    """Neither a text that is refused nor an evidence of a duplicate is the destination's fault."""
    assert after(*[outcome] * 9).room(0.0, 8) == 8


@pytest.mark.parametrize(
    ("asked", "rest"), [(30.0, 30.0), (0.0, 2.0), (None, 2.0), (600.0, 600.0), (315_360_000.0, 3600.0)]
)
def test_row_54_whoever_asks_us_to_wait_is_left_alone(asked: float | None, rest: float) -> None:
    """All of its rows wait; an absurd wish is capped, a missing one is ours to choose."""
    destination = after(Retry(Reason.rate_limited, after=asked))
    assert destination.wait(0.0) == rest
    assert destination.room(rest - 0.1, 8) == 0
    assert destination.room(rest, 8) == 8


def test_refused_credentials_park_it() -> None:
    """Down at once; tried with one row after the rest; taken posts end it."""
    destination = after(Rejected(Reason.auth, "401", Scope.destination))
    assert (destination.parked, destination.is_down(), destination.wait(0.0)) == (True, True, PARKED)
    assert destination.room(PARKED, 8) == 1
    destination.heard(SENT, PARKED)
    assert (destination.parked, destination.is_down()) == (False, False)


def test_people_hear_of_it_after_two_minutes() -> None:
    """Not of a blink; and at once of a rest that is longer than that."""
    destination, now = after(*[REFUSED] * FAILURES), 0.0
    while destination.is_down() is None:
        now += destination.wait(now)
        destination.heard(REFUSED, now)
    assert DOWN_AFTER <= now <= DOWN_AFTER + LONGEST_REST
    assert after(Retry(Reason.rate_limited, after=60.0)).is_down() is None
    assert after(Retry(Reason.rate_limited, after=DOWN_AFTER)).is_down() is True


def test_one_recipients_trouble_is_not_the_relays() -> None:
    """Greylisting, a full mailbox: the row waits alone.  A relay that does not answer is another thing."""
    assert after(*[Retry(Reason.server, "450")] * 9, per_recipient=True).room(0.0, 8) == 8
    assert after(*[Retry(Reason.rate_limited, "450 4.7.1")] * 9, per_recipient=True).room(0.0, 8) == 8
    assert after(*[REFUSED] * FAILURES, per_recipient=True).room(0.0, 8) == 0
    broken = Retry(Reason.network, "TLS", scope=Scope.destination)
    assert after(broken, per_recipient=True).room(0.0, 8) == 0


def test_several_side_by_side_make_one_rest() -> None:
    """Eight that fail at once are one failure's rest, not eight."""
    assert after(*[REFUSED] * 8).wait(0.0) == after(*[REFUSED] * FAILURES).wait(0.0)


def test_a_try_without_a_row_waits_for_the_next() -> None:
    """What was to be tried went to people for their approval: no second try in the same breath."""
    destination = after(*[REFUSED] * FAILURES)
    now = destination.wait(0.0)
    destination.put_off(now)
    assert destination.room(now, 1) == 0


@pytest.mark.parametrize("per_minute", [6.0, 60.0, 600.0])
def test_a_rate_is_kept(per_minute: float) -> None:
    """Over any ten minutes no more than the rate and one burst; and no less than the rate."""
    destination, sent = Destination(per_minute), 0
    for tick in range(6_000):
        while room := destination.room(tick / 10, 8):
            destination.began(room)
            sent += room
    burst = max(per_minute / 60 * BURST, 1)
    assert per_minute * 10 - 1 <= sent <= per_minute * 10 + burst


@pytest.mark.parametrize("per_minute", [1.0, 6.0, 60.0])
def test_an_edit_leaves_room_for_a_post(per_minute: float) -> None:
    """Whenever an edit begins, a post may begin in the same breath; and edits get what posts leave."""
    destination, edits = Destination(per_minute, edits=True), 0
    for tick in range(36_000):
        now = tick / 10
        if tick % 600 == 0:
            assert destination.room(now, 1) == 1, "a post a minute always finds room"
            destination.began(1)
        if destination.spare(now):
            destination.began(1)
            edits += 1
            assert destination.room(now, 1) == 1
        elif per_minute > 1:
            assert destination.wait(now, EDIT_NEEDS) > 0
    assert edits >= (per_minute - 1) * 60 - 1


def test_edits_rest_when_posts_do() -> None:
    """What cannot be reached is not tried with an edit either."""
    assert not after(REFUSED).spare(0.0)
    assert after(REFUSED).spare(LONGEST_REST + 1)
