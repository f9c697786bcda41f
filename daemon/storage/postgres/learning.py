"""Reading the rows that other processes have written, as the service's memory wants them."""

from __future__ import annotations

from daemon.core.journal import Recorded
from daemon.core.store import EpisodeRow, Learned, RulesVersion
from daemon.storage import rows
from daemon.storage.codec import decode_entry
from daemon.storage.postgres import statements as sql
from daemon.storage.postgres.connection import Connection
from daemon.storage.postgres.news import News
from daemon.storage.tables import NOTE


async def learned(connection: Connection, batch: int, news: News, versions: set[str]) -> Learned:
    """All that the news names, as it is now: perhaps newer than the news, which does no harm.

    ``versions``: the rule versions that need not be told again.
    """
    groups = [
        rows.group_from_row(tuple(row)) for row in await connection.fetch(sql.GROUPS, list(news.groups))
    ]
    return Learned(
        batch,
        groups,
        await _entries(connection, {group: first for group, first in news.groups.items() if first}),
        await _episodes(connection, news.episodes),
        await _notes(connection, news.notes),
        await _rules(connection, {row.rules for row in groups} - versions),
    )


async def _entries(connection: Connection, first: dict[int, int]) -> dict[int, list[Recorded]]:
    found: dict[int, list[Recorded]] = {}
    if first:
        for group, sequence, at, kind, body in await connection.fetch(
            sql.ENTRIES, list(first), list(first.values())
        ):
            found.setdefault(group, []).append(Recorded(sequence, at, decode_entry(kind, body)))
    return found


async def _episodes(connection: Connection, runs: list[tuple[int, int]]) -> list[EpisodeRow]:
    ids = sorted({number for first, last in runs for number in range(first, last + 1)})
    if not ids:
        return []
    return [
        EpisodeRow(
            id=row[0], group=row[1], source=row[2], fingerprint=row[3], starts_at=row[4], firing=row[5],
            seen_at=row[6], annotations=row[7],
        )
        for row in await connection.fetch(sql.EPISODES, ids)
    ]  # fmt: skip


async def _notes(connection: Connection, names: list[str]) -> dict[str, bytes]:
    if not names:
        return {}
    wanted = [NOTE + name for name in names]
    return {row[0].removeprefix(NOTE): row[1] for row in await connection.fetch(sql.NOTED, wanted)}


async def _rules(connection: Connection, versions: set[str]) -> list[RulesVersion]:
    if not versions:
        return []
    return [rows.rules_from_row(tuple(row)) for row in await connection.fetch(sql.VERSIONS, sorted(versions))]
