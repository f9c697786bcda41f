"""What every store promises to services: journal, projection, episodes, rule versions, quarantine."""

from __future__ import annotations

import pytest

from daemon.core.errors import Conflict
from daemon.core.journal import Alerts, Created, Fired, Heard, Recorded
from daemon.core.store import GroupRow, Store, Tx
from daemon.core.words import Impact, Status
from tests.storage.conftest import AnyOpen
from tests.storage.samples import NOW, begin, episode_row, group_row, hear, new_group


async def test_the_result_of_a_work_is_the_result_of_write(store: Store) -> None:
    """What the work returns, its caller gets after the commit."""
    assert await store.write(lambda tx: (begin(tx), tx.now, tx.batch), NOW + 7) == (1, NOW + 7, 1)
    assert store.committed == 1


async def test_a_journal_comes_back_entry_by_entry(store: Store) -> None:
    """Entries are read as the very objects that were written, in order, from any sequence on."""
    group = await new_group(store)
    alerts = Alerts(source="am", fired=(Fired(9, NOW, "web", Impact.major),), cleared=(3, 4), note="Ünïcode")
    await store.write(lambda tx: tx.journal(group, Recorded(2, NOW + 1, alerts)), NOW)
    await hear(store, group, 3)

    assert await store.journal(group) == [
        Recorded(1, NOW, Created(public_id="public000001", rules="r1", route="web")),
        Recorded(2, NOW + 1, alerts),
        Recorded(3, NOW, Heard()),
    ]
    assert [entry.sequence for entry in await store.journal(group, after=1, limit=1)] == [2]


async def test_several_journals_come_in_one_answer(store: Store) -> None:
    """A start reads many groups at once; a group without entries has an empty journal."""
    first, second = await new_group(store), await new_group(store)
    await hear(store, second, 2)
    lengths = {group: len(entries) for group, entries in (await store.journals([first, second, 99])).items()}
    assert lengths == {first: 1, second: 2, 99: 0}


@pytest.mark.parametrize("sequence", [1, 3], ids=["repeated", "skipped"])
async def test_an_entry_out_of_step_is_refused(store: Store, sequence: int) -> None:
    """Memory that is older or newer than the journal is told so, and nothing is stored."""
    group = await new_group(store)
    with pytest.raises(Conflict, match="read the journal again"):
        await hear(store, group, sequence)
    assert len(await store.journal(group)) == 1


async def test_a_work_reads_the_journal_with_what_its_batch_holds(store: Store) -> None:
    """A caller that lost its memory gets the whole story inside the transaction."""
    group = await new_group(store)

    def work(tx: Tx) -> list[int]:
        tx.journal(group, Recorded(2, NOW, Heard()))
        return [entry.sequence for entry in tx.read_group_journal(group)]

    assert await store.write(work, NOW) == [1, 2]


async def test_a_group_row_comes_back_with_its_types(store: Store) -> None:
    """Enumerations, pairs and bytes survive; sequence and head are the store's own."""
    row = group_row(
        1,
        key=(("cluster", "eu"), ("app", "web")),
        number=1,
        title="Web is slow",
        status=Status.identified,
        impact=Impact.critical,
        opened_at=NOW,
        next_due=NOW + 5,
        view=b'{"a":1}',
        sequence=99,
    )
    await store.write(begin, NOW)
    await store.write(lambda tx: tx.group(row), NOW)
    found = await store.group_by_number(1)
    assert found is not None
    assert found.sequence == 1
    assert len(found.head) == 32
    assert found.head != bytes(32)
    row.sequence, row.head = found.sequence, found.head
    assert found == row
    assert type(found.status) is Status
    assert await store.group_by_public_id("public000001") == found
    assert await store.group_by_id(1) == found
    assert await store.group_by_id(2) is None


async def test_a_group_that_changes_often_in_a_batch_is_written_as_it_was_last(store: Store) -> None:
    """The projection is upserted once, with the last row."""

    def work(tx: Tx) -> None:
        group = begin(tx, title="first")
        for title in ("second", "third"):
            tx.group(group_row(group, title=title))

    await store.write(work, NOW)
    assert [row.title for row in await store.open_groups()] == ["third"]


async def test_a_row_promised_for_later_is_made_once_from_the_newest_memory(store: Store) -> None:
    """``group_later`` renders the projection at the end of the batch, not at every change."""
    memory = {"title": ""}
    made: list[str] = []

    def make(tx: Tx) -> GroupRow:
        made.append(memory["title"])
        return group_row(1, title=memory["title"])

    def work(tx: Tx) -> None:
        begin(tx)
        for memory["title"] in ("first", "second"):
            tx.group_later(1, make)

    await store.write(work, NOW)
    assert made == ["second"]
    assert [row.title for row in await store.open_groups()] == ["second"]


async def test_a_work_reads_the_committed_projection(store: Store) -> None:
    """``read_group`` finds what is durable, and nothing for a group that is not there."""
    group = await new_group(store, title="here")
    titles = await store.write(lambda tx: [getattr(tx.read_group(g), "title", None) for g in (group, 5)], NOW)
    assert titles == ["here", None]


async def test_ended_groups_are_not_open(store: Store) -> None:
    """Open groups are all that have not ended, oldest first."""
    for phase in ("pending", "open", "resolved", "ended"):
        await new_group(store, phase=phase)
    assert [row.phase for row in await store.open_groups()] == ["pending", "open", "resolved"]


async def test_a_group_that_ended_can_still_get_entries(store: Store) -> None:
    """A late delivery report finds the head again after it was forgotten."""
    group = await new_group(store, phase="ended")
    await hear(store, group, 2)
    assert (await store.verify_chain(group)).good


async def test_due_groups_are_found_by_their_time(store: Store) -> None:
    """The longest overdue come first, those of the future and those without a time do not come."""
    for due in (NOW + 2, NOW + 1, None, NOW + 9):
        await new_group(store, next_due=due)
    assert await store.due_groups(NOW + 2, 10) == [2, 1]
    assert await store.due_groups(NOW + 2, 1) == [2]
    assert await store.earliest_due() == NOW + 1


async def test_nothing_is_due_in_an_empty_store(store: Store) -> None:
    """Questions about the earliest instant answer None, not an error."""
    assert await store.earliest_due() is None
    assert await store.earliest_claim() is None


async def test_episodes_are_appended_and_changed_by_id(store: Store) -> None:
    """A changed episode keeps its identity; only firing ones are loaded at a start."""

    def work(tx: Tx) -> None:
        for _ in range(3):
            tx.episode(episode_row(tx.next_id("episode"), 1, flags=("cut", "cleaned")))
        tx.episode_changed(
            2, firing=False, seen_at=NOW + 9, ends_at=NOW + 8, annotations=b'{"a":"b"}', link="http://p/"
        )

    await store.write(work, NOW)
    assert [[row.id for row in chunk] async for chunk in store.open_episodes(chunk=1)] == [[1], [3]]
    assert await store.episodes([2, 77]) == [
        episode_row(
            2,
            1,
            flags=("cut", "cleaned"),
            firing=False,
            seen_at=NOW + 9,
            ends_at=NOW + 8,
            annotations=b'{"a":"b"}',
            link="http://p/",
        )
    ]


async def test_a_rule_version_is_kept_once(store: Store) -> None:
    """Loading the same version again changes nothing; versions come newest first."""
    await store.write(lambda tx: tx.rules_version("v1", NOW, "cli", [("a.yaml", "x: 1")]), NOW)
    await store.write(lambda tx: tx.rules_version("v1", NOW + 5, "other", []), NOW)
    await store.write(lambda tx: tx.rules_version("v2", NOW + 6, "cli", []), NOW)
    assert [version.version for version in await store.rules_versions()] == ["v2", "v1"]
    kept = await store.rules_by_version("v1")
    assert kept is not None
    assert (kept.loaded_at, kept.who, kept.sources) == (NOW, "cli", (("a.yaml", "x: 1"),))
    assert await store.rules_by_version("v3") is None


async def test_quarantine_keeps_the_bytes(store: Store) -> None:
    """What could not be parsed is kept exactly, with the instant of the write."""
    body = bytes(range(256))
    await store.write(lambda tx: tx.quarantine("am", "not JSON", body), NOW + 3)
    page = await store.quarantined(10)
    assert [(item.at, item.source, item.reason, item.body) for item in page.items] == [
        (NOW + 3, "am", "not JSON", body)
    ]


async def test_readers_see_only_what_is_committed(store: Store) -> None:
    """What a work has buffered is nobody else's business until its commit."""
    seen: list[int] = []

    def work(tx: Tx) -> None:
        begin(tx)
        seen.append(store.committed)

    await store.write(work, NOW)
    assert seen == [0]
    assert len(await store.open_groups()) == 1


async def test_ids_numbers_and_secret_go_on_after_a_restart(open_any: AnyOpen) -> None:
    """A new process continues where the old one stopped, journals included."""
    first: Store = await open_any()
    group = await first.write(lambda tx: begin(tx, number=tx.next_number()), NOW)
    secret = first.secret
    await first.close()

    second: Store = await open_any()
    taken = await second.write(lambda tx: (tx.next_id("group"), tx.next_id("episode"), tx.next_number()), NOW)
    assert taken == (group + 1, 1, 2)
    assert second.secret == secret
    assert len(secret) == 32
    await hear(second, group, 2)
    assert (await second.verify_chain(group)).entries == 2
