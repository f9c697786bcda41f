"""Two whole daemons on one PostgreSQL, whatever comes in turn: what each remembers is what is written."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from daemon.core import journal as j
from daemon.core.alert import Report
from daemon.core.clock import HOUR, MINUTE, FakeClock, SystemClock
from daemon.core.errors import NotFound, Refused
from daemon.core.fold import fold_all
from daemon.service.budgets import bound
from daemon.service.incidents import OpenRequest, UpdateRequest
from daemon.storage.postgres.store import PostgresStore, open_postgres
from tests.faults.figures import size
from tests.processes.postgres import Cluster
from tests.stories.house import RULES, START, House, speakers_at

pytestmark = [pytest.mark.external, pytest.mark.slow]

EXAMPLES = size("TWO_NODE_TALES", here=8, ci=20)
LIMITED = RULES + (
    "limits: { posts_per_hour: { mail: 2 }, flapping: { opened: 1, within: 6h, plan: internal } }\n"
)
SERVICES = ("checkout", "search", "other")


class Node(House):
    """A house whose database others use too."""

    def at(self, address: str) -> Node:
        self.address = address
        return self

    async def open_store(self) -> PostgresStore:
        return await open_postgres(self.address, SystemClock())


Step = tuple[str, int, int]
"""What happens, at which node, and which of several."""

STEPS = st.tuples(
    st.sampled_from(
        ["fires", "fires", "clears", "both fire", "ack", "update", "take over", "resolve", "open", "pause",
         "time", "time", "deliver", "restart"]
    ),
    st.integers(0, 1),
    st.integers(0, 5),
)  # fmt: skip


AGAIN_WITH_ITS_OLD_START: list[Step] = [
    (kind, 0, 0) for kind in ("fires", "clears", *["fires", "time"] * 3, "fires", "restart")
]
"""An alert that came back before its incident opened: what it was before is over, also after a restart."""


class Street:
    """Both nodes, and one step after the other."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self.clock = nodes[0].clock

    async def take(self, step: Step) -> None:
        kind, which, number = step
        node = self.nodes[which]
        service = SERVICES[number % 3]
        name = f"Down{number // 3}"
        if kind in {"fires", "clears"}:
            report = Report([node.make(name, firing=kind == "fires", service=service)], 0)
            await node.alerts.take_in(report)
        elif kind == "both fire":
            await asyncio.gather(
                *(one.alerts.take_in(Report([one.make(name, service=service)], 0)) for one in self.nodes)
            )
        elif kind == "time":
            self.clock.advance((number + 1) * 2 * MINUTE)
            while await node.timers.tick():
                pass
        elif kind == "deliver":
            for outbox in node.outboxes:
                while await outbox.step():
                    pass
        elif kind == "restart":
            await node.store.close()
            await node._start()
        else:
            with suppress(Refused, NotFound):
                await self._act(node, kind, 1 + number % 3)

    async def _act(self, node: Node, kind: str, number: int) -> None:
        desk = node.incidents
        if kind == "ack":
            await desk.ack(number, "ann")
        elif kind == "update":
            await desk.update(number, "ann", UpdateRequest(text="We look into it."))
        elif kind == "take over":
            await desk.take_over(number, "ann")
        elif kind == "resolve":
            await desk.resolve(number, "bo", "It is over.")
        elif kind == "open":
            await desk.open("bo", OpenRequest(title="Something is wrong"))
        elif node.desk.paused is None:
            await desk.pause("cy", None)
        else:
            await desk.resume("cy")

    async def check(self) -> None:
        """Each memory, once caught up, is what is written; both pages are the same."""
        seen = []
        for node in self.nodes:
            await node.store.write(lambda _: None, 0, 0)
            memory = node.desk.memory
            rows = await node.store.open_groups()
            assert {row.id: row.next_due for row in rows} == {row.id: memory.due.get(row.id) for row in rows}
            assert memory.live == {(row.route, row.key): row.id for row in rows if row.route}
            assert len(memory.live) == sum(bool(row.route) for row in rows), "two live groups of one key"
            assert set(memory.opened_by_people) == {row.id for row in rows if not row.route}
            for group, state in memory.states.items():
                assert state == fold_all(group, await node.store.journal(group))
            episodes = {
                key: (known.starts_at, known.firing, known.annotations, sorted(known.seats))
                for key, known in memory.episodes.items()
                if known.seats
            }
            counters = dict(node.store._engine.memory.counters)
            limits = (memory.posted, memory.last_opened)
            seen.append((episodes, node.desk.paused, counters, limits, await self._page(node)))
        assert seen[0] == seen[1]

    async def _page(self, node: Node) -> Any:
        view = await node.board.view()
        components = tuple(dataclasses.replace(one, changed_at=0) for one in view.components)
        return dataclasses.replace(view, generated_at=0, components=components)


@pytest.mark.timeout(60 + 3 * EXAMPLES)
@settings(
    max_examples=EXAMPLES, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(steps=st.lists(STEPS, min_size=8, max_size=30))
@example(steps=AGAIN_WITH_ITS_OLD_START)
def test_two_nodes_remember_what_is_written(postgres: Cluster, tmp_path: Path, steps: list[Step]) -> None:
    """After every step, whoever took it; and every chain of hashes holds at the end."""
    address = postgres.new_database()
    try:
        asyncio.run(tell(address, tmp_path, steps))
    finally:
        postgres.drop(address)


async def check_budget(node: Node) -> None:
    """Whichever node said it: at most two automatic texts within any hour went to the mail."""
    rows = (await node.store.incidents(500)).items
    journals = await node.store.journals([row.id for row in rows])
    times = sorted(
        one.at for journal in journals.values() for one in journal
        if isinstance(one.entry, j.Said) and bound(one.entry) and "mail" in one.entry.posts
    )  # fmt: skip
    assert all(later - earlier >= HOUR for earlier, later in zip(times, times[2:], strict=False))


async def tell(address: str, folder: Path, steps: list[Step]) -> None:
    clock = FakeClock(START)
    speakers = speakers_at(clock)
    async with AsyncExitStack() as stack:
        nodes = [Node(folder, clock, LIMITED, speakers).at(address) for _ in range(2)]
        for node in nodes:
            await node._start()
            stack.push_async_callback(lambda node=node: node.store.close())  # type: ignore[misc]
        street = Street(nodes)
        for step in steps:
            await street.take(step)
            await street.check()
        await check_budget(nodes[0])
        groups = {row.id for row in await nodes[0].store.open_groups()}
        verdicts = [await nodes[1].store.verify_chain(group) for group in groups]
        assert all(verdict.good for verdict in verdicts)
