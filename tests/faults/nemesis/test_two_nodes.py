"""Two real daemons on one database: the same alert at both, and one that dies in the middle of a story."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from daemon.core.clock import MINUTE, to_iso
from daemon.outbox import CLAIM
from tests.fakes.slack import FakeSlack
from tests.faults.ledger import Ledger
from tests.faults.nemesis.pair import Pair
from tests.faults.rules import BUSY
from tests.faults.tables import Postgres
from tests.intake.bodies import alert, body
from tests.processes.daemon import Daemon
from tests.processes.fast_clock import FastClock, fast_clock
from tests.processes.postgres import Cluster
from tests.processes.site import team
from tests.processes.waiting import CLOCK, until, until_heard

pytestmark = [pytest.mark.slow, pytest.mark.external]

SPEED = 8.0

STORY = """
channels:
  page: { kind: status_page }
  team: { kind: slack, audience: internal }
routes:
  - id: all
    group_by: [ service ]
    keep_firing_for: 0s
    monitor_for: 0s
    open: { components: [], impact: major, plan: public }
plans:
  public:
    to: [ page, team ]
    ask: oncall
    steps:
      - { id: first, after: 0s, say: investigating }
      - { id: second, after: 2m, say: holding }
      - { id: third, after: 4m, say: holding }
      - { id: done, on: resolved, say: resolved, to: [ told, team ] }
people:
  oncall: { channel: team }
"""


def quiet(text: str) -> str:
    """The rules of the load without what these tests have no channel for."""
    lines = [line for line in text.splitlines() if not line.startswith(("  mail:", "  news:", "  x:"))]
    return "\n".join(lines).replace("mail, news, team, x", "team")


@pytest.mark.timeout(90)
async def test_row_35_the_same_webhook_fifty_times_on_two_nodes(tmp_path: Path, postgres: Cluster) -> None:
    """One incident and one update, however many of them arrive at once."""
    address = postgres.new_database()
    clock = fast_clock(SPEED)
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(FakeSlack(clock=clock))
        pair = Pair(tmp_path, address, clock, quiet(BUSY), [team(slack)])
        await pair.open(stack, None, (0, 0))
        content = body(alert(labels={"service": "checkout"}))

        async def send(number: int) -> int:
            return (await pair.nodes[number % 2].post(content))[0]

        answers: Counter[int] = Counter()
        while answers[200] < 50:  # as monitors do: again until it is taken
            answers.update(await asyncio.gather(*(send(number) for number in range(50))))
        assert set(answers) <= {200, 503}
        ledger = Ledger(Postgres(address))
        await until(lambda: ledger.unsettled() == 0 and slack.posts, within=30, what=ledger.states)
        assert list(ledger.incidents().values()) == [1]
        assert ledger.rows("SELECT count(*) AS found FROM episodes") == [{"found": 1}]
        assert sum(bool(post["metadata"]) for post in slack.posts) == 1
        kinds = Counter(row["kind"] for row in ledger.rows("SELECT kind FROM journal"))
        assert kinds["said"] == 1
        assert kinds["alerts"] == 1
    postgres.drop(address)


class Tale:
    """One incident, told by whoever serves it; times are the fast clock's."""

    def __init__(self, clock: FastClock, slack: FakeSlack) -> None:
        self.clock, self.slack = clock, slack
        self.began = 0

    async def begin(self, node: Daemon) -> None:
        self.began = self.clock.now()
        assert (await node.post(body(self._alert())))[0] == 200

    def _alert(self, **changes: str) -> dict[str, Any]:
        return alert(labels={"service": "checkout"}, startsAt=to_iso(self.began), **changes)

    async def end(self, node: Daemon) -> None:
        over = self._alert(status="resolved", endsAt=to_iso(self.clock.now()))

        async def taken() -> bool:
            return (await node.post(body(over, status="resolved")))[0] == 200

        await until_heard(taken)

    async def until_posted(self, count: int) -> None:
        await until(lambda: len(self.slack.posts) >= count, within=60, what=lambda: self.slack.posts)

    def minutes(self) -> list[int]:
        """When each post came, since the incident began, rounded."""
        return [round((int(float(post["ts"]) * 1000) - self.began) / MINUTE) for post in self.slack.posts]


def timeless(text: str) -> str:
    """Two runs do not begin at the same minute, and each database makes addresses of its own."""
    return re.sub(r"\d\d:\d\d UTC( on \d+ \w+)?|incidents/\w{12}|<!date[^>]*>", "...", text)


async def seen(node: Daemon) -> list[tuple[str, list[str]]]:
    """What customers see on the page: each incident's status and the words of its updates."""
    _, text = await node.get("/api/v2/incidents.json", public=True)
    incidents: list[dict[str, Any]] = json.loads(text)["incidents"]
    return [
        (one["status"], [timeless(update["body"]) for update in one["incident_updates"]]) for one in incidents
    ]


@pytest.mark.timeout(150)
async def test_row_28_a_node_dies_in_the_middle_of_a_story(tmp_path: Path, postgres: Cluster) -> None:
    """Customers and people see exactly what one undisturbed daemon would have shown them."""
    told = []
    for disturbed in (False, True):
        address = postgres.new_database()
        clock = fast_clock(2 * SPEED)
        async with AsyncExitStack() as stack:
            slack = await stack.enter_async_context(FakeSlack(clock=clock))
            pair = Pair(tmp_path / str(disturbed), address, clock, STORY, [team(slack)])
            await pair.open(stack, None, (0, 0) if disturbed else (0,))
            tale, survivor = Tale(clock, slack), pair.nodes[-1]
            await tale.begin(pair.nodes[0])
            await tale.until_posted(1)
            if disturbed:
                await pair.nodes[0].kill()
            await tale.until_posted(3)
            await tale.end(survivor)
            await tale.until_posted(4)

            async def resolved(node: Daemon = survivor) -> bool:
                return any(status == "resolved" for status, _ in await seen(node))

            await until_heard(resolved)
            ledger = Ledger(Postgres(address))
            await until(lambda ledger=ledger: ledger.unsettled() == 0)  # type: ignore[misc]
            texts = [timeless(post["text"]) for post in slack.posts]  # the first as it was edited last
            told.append((await seen(survivor), texts, tale.minutes()[:3]))
        postgres.drop(address)
    assert told[0] == told[1]
    assert told[0][2] == [0, 2, 4]


@pytest.mark.timeout(90)
async def test_row_03_unstarted_deliveries_of_a_dead_node_are_taken_over(
    tmp_path: Path, postgres: Cluster
) -> None:
    """By the other node within 15 seconds, those too that it had claimed when it died."""
    address = postgres.new_database()
    clock = fast_clock(1.0)
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(FakeSlack(clock=clock))
        pair = Pair(tmp_path, address, clock, quiet(BUSY), [team(slack)])
        await pair.open(stack, None, (0, 0))
        for number in (0, 1):  # both are at work
            found = body(alert(labels={"service": str(number)}, fingerprint=str(number)))
            assert (await pair.nodes[number].post(found))[0] == 200
        await until(lambda: len(slack.posts) == 2)
        await pair.nodes[0].kill()
        began = CLOCK.monotonic()
        lease = clock.now() + CLAIM
        # What it might have had in hand: claimed, and died before its intent was committed.
        changes = f"state = 'claimed', token = token + 1, ref = NULL, lease_until = {lease}"
        in_hand = f"UPDATE tocsin.deliveries SET {changes} WHERE state = 'sent'"  # noqa: S608 - a number
        slack.posts.clear()
        postgres.sql(in_hand, address.rpartition("/")[2])
        await until(lambda: len(slack.posts) == 2, within=20)
        assert CLAIM / 1000 - 1 < CLOCK.monotonic() - began < 15
    postgres.drop(address)
