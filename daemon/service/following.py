"""What other processes have committed, taken over into this one's memory."""

from __future__ import annotations

import msgspec

from daemon.core import journal as j
from daemon.core.store import Learned
from daemon.service.desk import Desk
from daemon.service.incidents import PAUSE


class Follower:
    """``learn`` is what the store calls; counters and log lines are the business of whoever did it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def learn(self, learned: Learned) -> None:
        """Never called while a work runs, nor twice at once."""
        desk = self._desk
        for version in {row.rules for row in learned.groups}:
            if not desk.book.knows(version):
                stored = await desk.store.rules_by_version(version)
                if stored is not None:
                    desk.book.remember(version, stored.sources)
        desk.memory.learn(learned)
        if PAUSE in learned.notes:
            pause = learned.notes[PAUSE]
            desk.paused = msgspec.json.decode(pause, type=j.Paused) if pause else None
        if learned.groups:
            desk.page_version += 1
            desk.wake_all()
