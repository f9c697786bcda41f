"""The server crashes, refuses, runs out, forgets: what callers hear, and what is there afterwards."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from daemon.core.clock import SystemClock
from daemon.core.errors import Unavailable
from daemon.storage.postgres import connection, engine
from daemon.storage.postgres.store import PostgresStore, open_postgres
from tests.fakes.link import Link
from tests.processes.postgres import Cluster
from tests.processes.waiting import CLOCK, until
from tests.storage.postgres.conftest import Nodes, Session, patiently
from tests.storage.samples import NOW, begin, hear, new_group

pytestmark = pytest.mark.external


@pytest.mark.timeout(90)
async def test_row_25_the_server_crashes_under_load(own_server: Cluster) -> None:
    """Acknowledged is there, refused may be said again, two nodes go on by themselves."""
    address = own_server.new_database()
    stores = [await open_postgres(address, SystemClock()) for _ in range(2)]
    acknowledged: list[int] = []
    stopping = False

    async def client(store: PostgresStore) -> None:
        while not stopping:
            try:
                acknowledged.append(await store.write(begin, NOW))
            except Unavailable:
                await CLOCK.sleep(0.02)

    clients = [asyncio.create_task(client(store)) for store in stores * 3]
    for _ in range(3):
        before = len(acknowledged)
        await until(lambda before=before: len(acknowledged) > before + 30, within=20)  # type: ignore[misc]
        await asyncio.to_thread(own_server.crash)
        await asyncio.to_thread(own_server.start)
    before = len(acknowledged)
    await until(lambda: len(acknowledged) > before + 30, within=20)
    stopping = True
    await asyncio.gather(*clients)
    found = [row.id for row in await stores[0].open_groups()]
    assert [store.failure for store in stores] == ["", ""]
    assert sorted(set(acknowledged)) == sorted(acknowledged)
    assert set(acknowledged) <= set(found)
    # A commit whose answer was lost may be there unacknowledged: at most one for each node and crash.
    assert len(found) - len(acknowledged) <= 6 * 3
    for store in stores:
        await store.close()


async def test_row_25_what_the_server_leaves_to_chance_is_not_left(own_server: Cluster) -> None:
    """A server with synchronous_commit=off would forget its last commits in a crash."""
    address = own_server.new_database()
    own_server.sql("ALTER SYSTEM SET synchronous_commit = off")
    own_server.sql("SELECT pg_reload_conf()")
    store = await open_postgres(address, SystemClock())
    try:
        assert await store._ask(lambda session: session.fetchval("SHOW synchronous_commit")) == "on"
    finally:
        await store.close()


@pytest.mark.timeout(60)
async def test_row_27_a_commit_that_no_standby_has_is_not_acknowledged(
    own_server: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The synchronous standby is gone: giving up the wait must not turn the commit into a local one."""
    monkeypatch.setattr(engine, "STALLED", 1.5)
    monkeypatch.setattr(engine, "DOUBT", 1.5)
    address = own_server.new_database()
    store = await open_postgres(address, SystemClock())
    try:
        assert await new_group(store) == 1
        own_server.sql("ALTER SYSTEM SET synchronous_standby_names = 'gone'")
        own_server.sql("SELECT pg_reload_conf()")
        await until(lambda: own_server.sql("SHOW synchronous_standby_names") == "gone")
        with pytest.raises(Unavailable):
            await asyncio.wait_for(new_group(store), 40)
        assert len(await store.open_groups()) == 1
        own_server.sql("ALTER SYSTEM SET synchronous_standby_names = ''")
        own_server.sql("SELECT pg_reload_conf()")
        assert await patiently(store) == 3  # now the second one is there too
    finally:
        await store.close()


async def test_row_27_the_newest_commit_is_gone(nodes: Nodes, session: Session) -> None:
    """A standby that lagged was promoted: the node stops for good instead of going on from another past."""
    node = await nodes()
    reasons: list[str] = []
    node.store.on_failure(reasons.append)
    for _ in range(3):
        await new_group(node.store)
    await session.execute("DELETE FROM batches WHERE number = (SELECT max(number) FROM batches)")
    with pytest.raises(Unavailable, match=f"has lost commit {node.store.committed}"):
        await new_group(node.store)
    assert len(reasons) == 1
    assert "older copy" in node.store.failure


async def test_row_27_another_took_the_lost_number(nodes: Nodes, session: Session) -> None:
    """The number is there again, but it is not our commit; an idle node notices as well."""
    node = await nodes()
    await new_group(node.store)
    await session.execute("UPDATE batches SET node = 'somebody else'")
    await until(lambda: "has lost commit" in node.store.failure, within=5)


async def test_row_10_a_node_that_slept_too_long_starts_anew(nodes: Nodes, session: Session) -> None:
    """The commits that it has not seen are trimmed: its memory cannot be put right."""
    one, two = await nodes(), await nodes()
    await new_group(one.store)
    await until(lambda: bool(two.groups))
    await session.execute("DELETE FROM batches; INSERT INTO batches VALUES (5000, 'x', 1, '{}')")
    with pytest.raises(Unavailable, match="slept too long"):
        await new_group(two.store)
    assert two.store.failure


@pytest.mark.timeout(60)
async def test_row_29_a_server_that_takes_no_writes(own_server: Cluster) -> None:
    """Each try is one try, readers go on, and it heals by itself; a start says what is wrong."""
    address = own_server.new_database()
    store = await open_postgres(address, SystemClock())
    try:
        await new_group(store)
        own_server.sql("ALTER SYSTEM SET default_transaction_read_only = on")
        own_server.sql("SELECT pg_reload_conf()")
        tries = store.stats()["rollbacks"]
        with pytest.raises(Unavailable, match="takes no writes"):
            await until_refused(store)
        for _ in range(5):
            with pytest.raises(Unavailable, match="takes no writes"):
                await new_group(store)
        assert len(await store.open_groups()) > 0
        assert store.stats()["rollbacks"] - tries == 6
        own_server.sql("ALTER SYSTEM RESET ALL")
        own_server.sql("SELECT pg_reload_conf()")
        assert await patiently(store) > 1
    finally:
        await store.close()


async def until_refused(store: PostgresStore) -> None:
    """The reload of a setting reaches each session a moment later."""
    while True:
        await new_group(store)


@pytest.mark.timeout(60)
async def test_row_29_no_connection_is_left(own_server: Cluster) -> None:
    """A node that has its sessions goes on; one that must connect is told, tries once a second, and heals."""
    address = own_server.new_database()
    store = await open_postgres(address, SystemClock())
    crowd = []
    async with Link(address) as link:
        late = await open_postgres(link.address, SystemClock())
        await new_group(store)
        link.refusing = True
        link.cut()
        try:
            while True:
                crowd.append(await asyncpg.connect(address, user="postgres"))
        except asyncpg.TooManyConnectionsError:
            pass
        try:
            assert await new_group(store) == 2
            link.refusing = False
            asked, began = link.connections, CLOCK.monotonic()
            for _ in range(3):
                with pytest.raises(Unavailable, match=r"no connection left|connection was closed"):
                    await new_group(late)
            await until(lambda: CLOCK.monotonic() - began > 2)
            assert link.connections - asked <= 3 + 3
            with pytest.raises(Unavailable, match="no connection left"):
                await open_postgres(address, SystemClock())
        finally:
            for one in crowd:
                one.terminate()
        assert await patiently(late) == 3
        await late.close()
    await store.close()


async def test_row_29_a_question_that_takes_too_long(nodes: Nodes, session: Session) -> None:
    """Readers get Unavailable after the server's limit, writers after that of the lock."""
    node = await nodes()
    await new_group(node.store)
    await session.execute("BEGIN; LOCK TABLE groups IN ACCESS EXCLUSIVE MODE")
    began = CLOCK.monotonic()
    with pytest.raises(Unavailable):
        await node.store.open_groups()
    with pytest.raises(Unavailable):
        await new_group(node.store)
    assert CLOCK.monotonic() - began < 9
    await session.execute("ROLLBACK")
    assert await new_group(node.store) == 2


async def test_row_30_a_lost_notification(nodes: Nodes, link: Link) -> None:
    """The poll finds what was written, within two seconds."""
    one, two = await nodes(), await nodes(link.address)
    link.deaf = True
    for group in range(1, 4):
        began = CLOCK.monotonic()
        await new_group(one.store)
        await until(lambda group=group: group in two.groups, within=2)  # type: ignore[misc]
        assert CLOCK.monotonic() - began < 2


async def test_row_30_a_link_that_is_cut_listens_again(nodes: Nodes, link: Link) -> None:
    """Also the session that listens is made anew, and is woken again."""
    one, two = await nodes(), await nodes(link.address)
    await new_group(one.store)
    await until(lambda: 1 in two.groups)
    asked = link.connections
    link.cut()
    await until(lambda: link.connections > asked, within=5)  # idle, it connects within a second
    await hear(one.store, 1, 2)
    await until(lambda: two.heard[-1].entries.get(1), within=5)
    began = CLOCK.monotonic()
    for sequence in range(3, 7):
        await hear(one.store, 1, sequence)
        await until(lambda s=sequence: two.heard[-1].entries[1][-1].sequence == s)  # type: ignore[misc]
    assert CLOCK.monotonic() - began < 2, "four polls would take longer"


@pytest.mark.timeout(60)
async def test_row_28_a_node_that_is_cut_off(
    nodes: Nodes, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not trust its memory any more; the other goes on; healed, it learns all it missed."""
    monkeypatch.setattr(engine, "FRESH", 2.0)
    monkeypatch.setattr(connection, "ANSWER_WITHIN", 3.0)
    one, two = await nodes(), await nodes(link.address)
    await new_group(one.store)
    await until(lambda: 1 in two.groups)
    link.hold()
    for _ in range(5):
        await new_group(one.store)
    await until(lambda: not two.store.is_current, within=15)
    with pytest.raises(Unavailable):
        await asyncio.wait_for(new_group(two.store), 20)
    link.heal()
    assert await patiently(two.store) == 7
    assert two.groups == set(range(1, 7))
