"""Row 26: the link breaks in COMMIT.  The answer says what really happened, and nothing is done twice."""

from __future__ import annotations

import asyncio

import pytest

from daemon.core.errors import Unavailable
from daemon.core.store import Tx
from tests.fakes.link import AtCommit, Link
from tests.processes.waiting import CLOCK
from tests.storage.postgres.conftest import Nodes
from tests.storage.samples import NOW, begin, new_group

pytestmark = pytest.mark.external

LONG = 20.0
"""Seconds within which even a silent link is given up and its commit looked for."""


@pytest.mark.parametrize("trouble", list(AtCommit), ids=lambda trouble: trouble.name)
@pytest.mark.timeout(60)
async def test_row_26_a_link_lost_in_commit(nodes: Nodes, link: Link, trouble: AtCommit) -> None:
    """Stored: the caller gets its result.  Not stored: Unavailable, and the same again is stored once."""
    near, far = await nodes(link.address), await nodes()
    await new_group(near.store)
    told: list[frozenset[int]] = []
    near.store.on_rollback(told.append)
    link.at_commit = trouble
    write = asyncio.ensure_future(near.store.write(begin, NOW))
    async with asyncio.timeout(LONG):
        await asyncio.wait({write})
    stored = {row.id for row in await far.store.open_groups()}
    if trouble in {AtCommit.cut_after, AtCommit.held_after}:
        assert write.result() == 2
        assert stored == {1, 2}
        assert told == []
    else:
        assert isinstance(write.exception(), Unavailable)
        assert stored == {1}
        assert told == [frozenset({2})]
        assert await new_group(near.store) == 2
    assert near.store.stats()["commits_in_doubt"] == 1
    assert near.heard == []  # its own commits need not be told
    assert await new_group(far.store) == 3
    assert await new_group(near.store) == 4
    assert near.groups == {3}


@pytest.mark.timeout(60)
async def test_row_26_nobody_can_be_asked(nodes: Nodes, link: Link) -> None:
    """The server is out of reach after COMMIT: callers hear that; memory learns later that it was stored."""
    near, far = await nodes(link.address), await nodes()
    await new_group(near.store)
    told: list[frozenset[int]] = []
    near.store.on_rollback(told.append)
    link.at_commit, link.refusing = AtCommit.cut_after, True
    asked = link.connections
    began = CLOCK.monotonic()
    with pytest.raises(Unavailable, match="may have been stored"):
        await asyncio.wait_for(near.store.write(begin, NOW), LONG)
    assert link.connections - asked < 15 * (CLOCK.monotonic() - began) + 5, "it spins"
    assert told == [frozenset({2})]
    link.heal()
    assert await new_group(near.store) == 3  # not 2: that one is there
    assert near.groups == {2}
    assert await new_group(far.store) == 4


@pytest.mark.timeout(60)
async def test_row_26_both_nodes_lose_their_links_again_and_again(nodes: Nodes, prepared: str) -> None:
    """Whatever is answered with a number is there once, under that number; nothing else is there twice."""
    names: dict[str, int] = {}
    doubtful: set[str] = set()

    def put(name: str) -> object:
        def work(tx: Tx) -> int:
            group = begin(tx, title=name, number=(number := tx.next_number()))
            assert group
            return number

        return work

    async with Link(prepared) as first, Link(prepared) as second:
        stores = [(await nodes(link.address)).store for link in (first, second)]

        async def client(which: int) -> None:
            for turn in range(25):
                name = f"{which}-{turn}"
                try:
                    names[name] = await stores[which % 2].write(put(name), NOW)  # type: ignore[arg-type]
                except Unavailable as error:
                    if "may have been" in str(error):
                        doubtful.add(name)
                await CLOCK.sleep(0.02)

        async def nemesis() -> None:
            for turn in range(14):
                link = (first, second)[turn % 2]
                link.at_commit = (AtCommit.cut_before, AtCommit.cut_after)[turn // 2 % 2]
                await CLOCK.sleep(0.08)

        await asyncio.gather(nemesis(), *(client(which) for which in range(4)))
        for link in (first, second):
            link.heal()
        rows = await stores[0].open_groups()
        assert sum(store.stats()["commits_in_doubt"] for store in stores) >= 5
    found = {row.title: row.number for row in rows}
    assert len(found) == len(rows)
    assert {name: found.get(name) for name in names} == names
    assert found.keys() <= names.keys() | doubtful
    assert sorted(row.number or 0 for row in rows) == list(range(1, len(rows) + 1))
