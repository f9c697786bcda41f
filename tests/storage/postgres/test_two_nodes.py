"""Two stores on one database: each sees what the other wrote, and nothing is counted twice."""

from __future__ import annotations

import asyncio

import pytest

from daemon.core.errors import BadInput, Conflict, Refused
from daemon.core.journal import Heard, Recorded
from daemon.core.store import Tx
from tests.processes.waiting import until
from tests.storage.postgres.conftest import Nodes, Session, patiently
from tests.storage.samples import NOW, begin, delivery_row, episode_row, group_row, hear, new_group

pytestmark = pytest.mark.external


def incident(tx: Tx) -> tuple[int, int, int, int]:
    """A group with everything that is counted."""
    group, number = begin(tx), tx.next_number()
    episode, delivery = tx.next_id("episode"), tx.next_id("delivery")
    tx.group(group_row(group, number=number))
    tx.episode(episode_row(episode, group))
    tx.delivery(delivery_row(delivery, group))
    return group, number, episode, delivery


async def test_each_sees_all_that_the_other_wrote(nodes: Nodes) -> None:
    """Groups, entries, episodes, notes and rule versions are told as they were written."""
    one, two = await nodes(), await nodes()

    def work(tx: Tx) -> None:
        group = begin(tx, number=tx.next_number())
        tx.episode(episode_row(tx.next_id("episode"), group, fingerprint="f"))
        tx.note("pause", b"x")
        tx.rules_version("r1", NOW, "ann", [("a.yaml", "text")])

    await one.store.write(work, NOW)
    assert await two.store.write(lambda tx: tx.next_id("group"), NOW) == 2  # so it has caught up
    (learned,) = two.heard
    assert [(row.id, row.number) for row in learned.groups] == [(1, 1)]
    assert [entry.sequence for entry in learned.entries[1]] == [1]
    assert [(row.id, row.group, row.fingerprint, row.firing) for row in learned.episodes] == [
        (1, 1, "f", True)
    ]
    assert learned.notes == {"pause": b"x"}
    assert [(rules.version, rules.sources) for rules in learned.rules] == [("r1", (("a.yaml", "text"),))]
    assert one.heard == []


async def test_a_node_hears_at_once_of_what_it_did_not_ask_for(nodes: Nodes) -> None:
    """Nobody writes on the second node: it is woken."""
    one, two = await nodes(), await nodes()
    await new_group(one.store)
    await until(lambda: two.groups == {1}, within=0.7)  # a poll comes once a second
    await hear(one.store, 1, 2)
    await until(lambda: [entry.sequence for entry in two.heard[-1].entries.get(1, [])] == [2], within=0.7)


async def test_numbers_never_collide_and_have_no_gaps(nodes: Nodes) -> None:
    """Three nodes at once; works that raise give their numbers back."""
    stores = [(await nodes()).store for _ in range(3)]

    def refused(tx: Tx) -> None:
        incident(tx)
        raise Refused("no")

    async def client(number: int) -> list[tuple[int, int, int, int]]:
        found = []
        for turn in range(12):
            store = stores[(number + turn) % 3]
            with pytest.raises(Refused):
                await patiently(store, refused)
            found.append(await patiently(store, incident))
        return found

    rows = [row for client in await asyncio.gather(*map(client, range(6))) for row in client]
    for column in zip(*rows, strict=True):
        assert sorted(column) == list(range(1, 73))
    verdicts = [await stores[0].verify_chain(group) for group in range(1, 73)]
    assert all(verdict.good for verdict in verdicts)


async def test_one_journal_written_by_both_in_turn(nodes: Nodes) -> None:
    """Each knows the head that the other made; entries out of step are refused as on one node."""
    one, two = (await nodes()).store, (await nodes()).store
    group = await new_group(one)
    for sequence in range(2, 12):
        await hear((one, two)[sequence % 2], group, sequence)
    for store in (one, two):
        with pytest.raises(Conflict):
            await hear(store, group, 5)
    assert (await one.verify_chain(group)).good


async def test_a_node_that_does_not_follow_yet_is_told_everything_later(nodes: Nodes) -> None:
    """From the opening of the store on: in between it loads memory, and neither order may lose a commit."""
    one, two = await nodes(), await nodes(follows=False)
    for _ in range(3):
        await new_group(one.store)
    assert await new_group(two.store) == 4
    await new_group(one.store)
    await two.store.follow(two.heard.append)
    assert two.groups == {1, 2, 3, 5}
    assert await new_group(two.store) == 6
    assert await new_group(one.store) == 7
    assert one.groups >= {4, 6}


async def test_a_node_far_behind_catches_up_in_slices(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    """More commits than are read at once, while it looked away."""
    one, two = await nodes(), await nodes(follows=False)
    for _ in range(450):
        await new_group(one.store)
    assert await new_group(two.store) == 451
    await two.store.follow(two.heard.append)
    assert two.groups == set(range(1, 451))


async def test_a_rolled_back_commit_leaves_heads_numbers_and_ids(nodes: Nodes) -> None:
    """What the database refuses is undone on the node that tried; the other one never hears of it."""
    one, two = await nodes(), await nodes()
    group = await new_group(one.store)
    told: list[frozenset[int]] = []
    one.store.on_rollback(told.append)

    def poison(tx: Tx) -> None:
        tx.journal(group, Recorded(2, NOW, Heard()))
        row = incident(tx)
        tx.episode(episode_row(row[2], group))  # once more

    with pytest.raises(BadInput):
        await one.store.write(poison, NOW)
    assert frozenset({1, 2}) in told
    await hear(two.store, group, 2)
    assert await two.store.write(incident, NOW) == (2, 1, 1, 1)
    assert await one.store.write(incident, NOW) == (3, 2, 2, 2)
    await hear(one.store, group, 3)


@pytest.mark.parametrize("text", ["a\0b", "\ud800"], ids=["NUL", "surrogate"])
async def test_row_42_hostile_text_is_refused_for_its_own_work_alone(nodes: Nodes, text: str) -> None:
    """Neighbours in the same commit are stored, on both nodes."""
    one, two = await nodes(), await nodes()
    results = await asyncio.gather(
        one.store.write(incident, NOW),
        one.store.write(lambda tx: begin(tx, title=text), NOW),
        one.store.write(incident, NOW),
        two.store.write(incident, NOW),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [tuple, BadInput, tuple, tuple]
    numbers = sorted(result[1] for result in results if isinstance(result, tuple))
    assert numbers == [1, 2, 3]


async def test_a_work_that_lacks_rows_runs_again_and_counts_nothing_twice(nodes: Nodes) -> None:
    """Cold journals are fetched in the middle of the transaction; ids and entries come once."""
    one, two = await nodes(), await nodes(follows=False)
    groups = [await new_group(one.store) for _ in range(5)]
    runs = 0

    def work(tx: Tx) -> tuple[int, list[int]]:
        nonlocal runs
        runs += 1
        number = tx.next_number()
        tx.prepare(groups)
        for group in groups:
            tx.journal(group, Recorded(2, NOW, Heard()))
        return number, [len(tx.read_group_journal(group)) for group in groups]

    assert await two.store.write(work, NOW) == (1, [2] * 5)
    assert runs > 1
    assert [len(await one.store.journal(group)) for group in groups] == [2] * 5
    assert await one.store.write(lambda tx: tx.next_number(), NOW) == 2


async def test_no_work_is_older_than_what_is_committed(nodes: Nodes) -> None:
    """A node whose clock is a little behind writes with the newest instant that anybody has committed."""
    one, two = (await nodes()).store, (await nodes()).store
    await one.write(begin, NOW + 30_000)
    assert await two.write(lambda tx: tx.now, NOW) == NOW + 30_000


async def test_a_quiet_database_throws_nobody_out(nodes: Nodes, session: Session) -> None:
    """Old commits are kept as long as few came after them."""
    one, two = await nodes(), await nodes()
    await new_group(one.store)
    await until(lambda: bool(two.groups))
    await session.execute("UPDATE batches SET made = now() - interval '1 hour'")
    await session.execute("UPDATE batches SET number = number + 997")
    one.store._engine._seen = (one.store._engine._seen[0] + 997, one.store._engine._seen[1])
    two.store._engine._seen = one.store._engine._seen
    for _ in range(3):
        await new_group(one.store)
    assert await new_group(two.store) == 5
    assert two.store.failure == ""
