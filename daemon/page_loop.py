"""Keeps the page in memory true: rendered once per change, stamped while nothing changes."""

from __future__ import annotations

from collections.abc import Callable

from daemon.core.clock import SECOND, Clock, Instant
from daemon.core.page_view import PageView
from daemon.service.board import Board
from daemon.service.desk import Desk

FRESH_EVERY = 30 * SECOND
"""How often the page says anew that it is true while nothing changes."""


class PageLoop:
    """``step`` shows what is committed now, if anything changed or the page grew old."""

    def __init__(self, desk: Desk, board: Board, show: Callable[[PageView], object], clock: Clock) -> None:
        self._desk = desk
        self._board = board
        self._show = show
        self._clock = clock
        self._shown_at: Instant = 0
        self._version = -1

    async def step(self) -> bool:
        """Never in a hurry: a change wakes the loop."""
        now = self._clock.now()
        version = self._desk.page_version
        if version != self._version or now - self._shown_at >= FRESH_EVERY or now < self._shown_at:
            self._show(await self._board.view())
            self._version, self._shown_at = version, now
        return False
