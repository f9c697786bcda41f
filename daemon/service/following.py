"""What other processes have committed, taken over into this one's memory."""

from __future__ import annotations

import msgspec

from daemon.core import journal as j
from daemon.core.store import Learned
from daemon.service import budgets
from daemon.service.desk import HEARTBEAT, Desk
from daemon.service.incidents import PAUSE


class Follower:
    """``learn`` is what the store calls; counters and log lines are the business of whoever did it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def learn(self, learned: Learned) -> None:
        """Never called while a work runs.  Asks nobody: what is not in ``learned`` is not needed."""
        desk = self._desk
        for rules in learned.rules:
            if not desk.book.knows(rules.version):
                desk.book.remember(rules.version, rules.sources)
        desk.memory.learn(learned)
        budgets.learned(desk.memory, learned.notes)
        if PAUSE in learned.notes:
            pause = learned.notes[PAUSE]
            desk.paused = msgspec.json.decode(pause, type=j.Paused) if pause else None
        if HEARTBEAT in learned.notes:
            desk.others_alive_at = int(learned.notes[HEARTBEAT])
        if learned.groups:
            desk.page_version += 1
            desk.wake_all()
