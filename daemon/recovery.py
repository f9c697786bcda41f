"""What a start does before anything is accepted: memory from the store, doubts, gaps, pauses."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import structlog

from daemon.core import journal as j
from daemon.core.clock import SECOND, Clock, to_iso
from daemon.core.delivery import DeliveryState
from daemon.core.fold import fold_all
from daemon.core.ports import Channel
from daemon.core.store import Store
from daemon.service import budgets
from daemon.service.deliveries import DeliveryDesk
from daemon.service.desk import HEARTBEAT, Desk
from daemon.service.flapping import load_openings
from daemon.service.following import Follower
from daemon.service.incidents import PAUSE
from daemon.service.memory import MOST_CLOSED
from daemon.service.timers import TimerDesk

log = structlog.get_logger("tocsin.start")


async def load_memory(desk: Desk, store: Store) -> None:
    """Groups, rule versions, episodes and the states of open incidents, as they were committed."""
    rows = await store.open_groups()
    desk.memory.load_groups(rows)
    for known in await store.rules_versions():  # for ended incidents that still have steps to come
        desk.book.remember(known.version, known.sources)
    needed = {row.rules for row in rows} - {desk.book.current.version}
    for version in needed:
        stored = await store.rules_by_version(version)
        if stored is not None:
            desk.book.remember(version, stored.sources)
    desk.memory.load_episodes(await store.closed_episodes(MOST_CLOSED), store.committed)
    async for chunk in store.open_episodes():
        desk.memory.load_episodes(chunk, store.committed)
    incidents = [row.id for row in rows if row.number]
    for start in range(0, len(incidents), 200):
        journals = await store.journals(incidents[start : start + 200])
        for group, entries in journals.items():
            desk.memory.states[group] = fold_all(group, entries)
    await load_openings(desk)
    await _load_budgets(desk, store)
    pause = await store.noted(PAUSE)
    desk.paused = msgspec.json.decode(pause, type=j.Paused) if pause else None
    await store.follow(Follower(desk).learn)


async def _load_budgets(desk: Desk, store: Store) -> None:
    for channel in desk.channels:
        name = budgets.NOTE + channel
        posts = await store.noted(name)
        if posts:
            budgets.learned(desk.memory, {name: posts})


async def settle_the_past(desk: Desk, store: Store, channels: Mapping[str, Channel], clock: Clock) -> None:
    """The process before is dead: its attempts are in doubt, and the time since is a gap.

    Where several processes share a store, only the leases of attempts tell which of them are dead.
    """
    doubts = 0
    if store.exclusive:
        late = {name: int(channel.capabilities.late_apply * SECOND) for name, channel in channels.items()}
        doubts = await DeliveryDesk(desk).recover({DeliveryState.claimed, DeliveryState.attempted}, late)
    buried = await DeliveryDesk(desk).bury()
    beat = await store.noted(HEARTBEAT)
    groups = 0
    if beat is not None:
        since = int(beat)
        groups = await TimerDesk(desk).gap(since)
        log.info("last seen alive", at=to_iso(since), seconds_ago=(clock.now() - since) // SECOND)
    if buried:
        log.error("deliveries ended: their channel is no longer configured", deliveries=buried)
    if doubts or groups:
        log.warning("the past is settled", deliveries_in_doubt=doubts, groups_with_a_gap=groups)
