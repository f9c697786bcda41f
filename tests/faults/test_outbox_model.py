"""The outbox as a small model, searched to its end (reliability, section 3.2 and goal G4).

Two workers, one row, a channel that may take a post without our hearing of it,
crashes everywhere, workers that stall and wake late.  A safe design never posts
twice in any order of events; each rule that is taken away must show a second post,
or the search proves nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache

import pytest

from daemon.core.delivery import DeliveryState as S
from daemon.core.delivery import may_move
from tests.faults.figures import record

MOST_TOKENS = 6
MOST_ATTEMPTS = 3


class Phase(Enum):
    """Where a worker is; it may stay there for as long as it likes."""

    idle = "idle"
    claimed = "claimed"  # its claim is committed
    about_to_send = "about to send"  # nothing but the call is left to do
    heard_yes = "heard yes"
    heard_no = "heard no"  # proof that nothing was posted
    in_doubt = "in doubt"  # bytes left, no answer was seen


class Doubt(Enum):
    """What a design does with a row whose fate is unknown."""

    resend = "resend"
    silence = "silence"
    read_back = "read back"
    provider_key = "provider key"  # send again: the channel drops what it has


@dataclass(frozen=True)
class Design:
    """The rules of an outbox; each can be left out."""

    on_doubt: Doubt
    intent: bool = True  # "attempted" is committed before the first byte
    token_check: bool = True  # writes are a compare-and-set on state and token
    quarantine: bool = True  # no decision while somebody may still be about to send
    second_read: bool = True  # two read-backs, further apart than the channel's list lags


@dataclass(frozen=True)
class Worker:
    phase: Phase = Phase.idle
    token: int = 0


@dataclass(frozen=True)
class World:
    """Everything that matters.  ``listed``: how many posts a read-back would see."""

    row: S = S.queued
    token: int = 0
    attempts: int = 0
    posts: int = 0
    listed: int = 0
    workers: tuple[Worker, Worker] = (Worker(), Worker())


Step = tuple[str, World]


def steps(world: World, design: Design) -> Iterator[Step]:
    """Whatever may happen next."""
    for number, worker in enumerate(world.workers):
        for name, after in _worker_steps(world, worker, number, design):
            yield f"worker {number} {name}", after
        if worker.phase is not Phase.idle:
            yield f"worker {number} crashes", _with(world, number, Phase.idle)
    yield from _recovery(world, design)
    if world.listed < world.posts:
        yield "the list catches up", replace(world, listed=world.posts)


def _with(world: World, number: int, phase: Phase, token: int = 0) -> World:
    workers = list(world.workers)
    workers[number] = Worker(phase, token if phase is not Phase.idle else 0)
    return replace(world, workers=(workers[0], workers[1]))


def _worker_steps(world: World, worker: Worker, number: int, design: Design) -> Iterator[Step]:
    token = worker.token
    match worker.phase:
        case Phase.idle:
            if world.row is S.queued and world.token < MOST_TOKENS and world.attempts < MOST_ATTEMPTS:
                new = world.token + 1
                claimed = replace(world, row=S.claimed, token=new)
                yield "claims", _with(claimed, number, Phase.claimed, new)
        case Phase.claimed:
            if not design.intent:
                yield "goes on", _with(world, number, Phase.about_to_send, token)
            elif _may_write(world, token, S.claimed, design):
                after = replace(world, row=S.attempted, attempts=min(world.attempts + 1, MOST_ATTEMPTS))
                yield "commits its intent", _with(after, number, Phase.about_to_send, token)
            else:
                yield "was overtaken", _with(world, number, Phase.idle)
        case Phase.about_to_send:
            yield from _send(world, number, token, design)
        case _:
            before = S.attempted if design.intent else S.claimed
            after = world
            if _may_write(world, token, before, design):
                after = replace(world, row=_recorded(worker.phase, design))
            yield "writes down what it knows", _with(after, number, Phase.idle)


def _may_write(world: World, token: int, state: S, design: Design) -> bool:
    return not design.token_check or (world.row, world.token) == (state, token)


def _send(world: World, number: int, token: int, design: Design) -> Iterator[Step]:
    posts = min(world.posts + 1, 1 if design.on_doubt is Doubt.provider_key else 2)
    posted = replace(world, posts=posts)
    yield "posts and hears so", _with(posted, number, Phase.heard_yes, token)
    yield "posts and hears nothing", _with(posted, number, Phase.in_doubt, token)
    yield "is refused", _with(world, number, Phase.heard_no, token)
    yield "gets nothing through and does not know", _with(world, number, Phase.in_doubt, token)


def _recorded(phase: Phase, design: Design) -> S:
    if phase is Phase.heard_yes:
        return S.sent
    if phase is Phase.heard_no:
        return S.queued
    if design.intent:
        return S.unknown
    return S.held if design.on_doubt is Doubt.silence else S.queued


def _recovery(world: World, design: Design) -> Iterator[Step]:
    """What whoever looks after stuck rows may do at any time."""
    if world.row is S.claimed:
        yield "the lease ends", replace(world, row=S.queued)
    if world.row is S.attempted:
        yield "the attempt is overdue", replace(world, row=S.unknown)
    if world.row is not S.unknown:
        return
    if design.quarantine and any(worker.phase is Phase.about_to_send for worker in world.workers):
        return
    match design.on_doubt:
        case Doubt.resend | Doubt.provider_key:
            yield "sends again", replace(world, row=S.queued)
        case Doubt.silence:
            yield "leaves it to people", replace(world, row=S.held)
        case Doubt.read_back:
            if design.second_read and world.listed < world.posts:
                return  # the second look comes when the list has caught up
            if world.listed:
                yield "finds it", replace(world, row=S.sent)
            else:
                yield "finds nothing", replace(world, row=S.queued)


@dataclass
class Search:
    """Every world that a design can get into."""

    worlds: dict[World, Step | None]
    moves: set[tuple[S, S]]
    twice: World | None = None

    def story(self) -> str:
        """How the second post came about."""
        told: list[str] = []
        world = self.twice
        while world is not None:
            before = self.worlds[world]
            if before is None:
                break
            told.append(before[0])
            world = before[1]
        return "; ".join(reversed(told))


@cache
def search(design: Design) -> Search:
    """Breadth first, so that the story found is a shortest one."""
    found = Search({World(): None}, set())
    queue = deque([World()])
    while queue:
        world = queue.popleft()
        for name, after in steps(world, design):
            if after.row is not world.row:
                found.moves.add((world.row, after.row))
            if after in found.worlds:
                continue
            found.worlds[after] = (name, world)
            if after.posts > 1 and found.twice is None:
                found.twice = after
            queue.append(after)
    return found


SAFE = {
    "intent, quarantine, two read-backs": Design(Doubt.read_back),
    "intent, silence": Design(Doubt.silence, quarantine=False),
    "intent, provider key": Design(Doubt.provider_key, quarantine=False),
}
UNSAFE = {
    "lease alone, resend": Design(Doubt.resend, intent=False),
    "no intent, silence": Design(Doubt.silence, intent=False),
    "intent, resend": Design(Doubt.resend),
    "read-back without intent": Design(Doubt.read_back, intent=False),
    "read-back without quarantine": Design(Doubt.read_back, quarantine=False),
    "one read-back of a list that lags": Design(Doubt.read_back, second_read=False),
    "read-back without the token check": Design(Doubt.read_back, token_check=False),
    "silence without the token check": Design(Doubt.silence, token_check=False),
}


@pytest.mark.parametrize("name", SAFE)
def test_safe_designs_never_post_twice(name: str) -> None:
    """Not in any order of events; and they do post, also after a failure."""
    found = search(SAFE[name])
    print(f"{name}: {len(found.worlds)} states")  # noqa: T201 - a figure of the report
    assert found.twice is None, found.story()
    record(f"outbox model: {name}", states=len(found.worlds), second_posts=0)
    assert len(found.worlds) > 500
    assert any(world.row is S.sent and world.posts == 1 for world in found.worlds)
    assert any(world.row is S.sent and world.attempts == 2 for world in found.worlds)


@pytest.mark.parametrize("name", UNSAFE)
def test_a_rule_that_is_taken_away_posts_twice(name: str) -> None:
    """Each rule is there for a reason that the search can tell as a story."""
    found = search(UNSAFE[name])
    print(f"{name}: {len(found.worlds)} states: {found.story()}")  # noqa: T201 - a figure of the report
    assert found.twice is not None


def test_an_intent_outlives_its_worker() -> None:
    """Why silence needs the intent: a claim that ends says nothing about what has left."""
    story = search(UNSAFE["no intent, silence"]).story()
    assert "the lease ends" in story
    assert story.count("posts") == 2


@pytest.mark.parametrize("name", SAFE)
def test_the_model_moves_rows_as_the_state_machine_does(name: str) -> None:
    """All its moves are arrows of daemon/core/delivery.py."""
    moves = search(SAFE[name]).moves
    assert moves
    assert all(may_move(old, new) for old, new in moves), moves


def test_a_row_that_was_posted_never_waits_in_the_queue() -> None:
    """With read-back, a queued or claimed row proves that nothing is there."""
    for world in search(SAFE["intent, quarantine, two read-backs"]).worlds:
        if world.row in {S.queued, S.claimed}:
            assert world.posts == 0
        if world.row is S.sent:
            assert world.posts == 1
