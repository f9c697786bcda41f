"""The world's time and the machine's idea of it."""

from __future__ import annotations

from collections.abc import Callable

from daemon.core.clock import SECOND, FakeClock, Instant, Span


class WorldClock(FakeClock):
    """``true`` never lies; what the daemon reads may jump, and stands still in no suspension.

    A sleep of the daemon makes the time pass at once: nobody else moves it meanwhile.
    """

    def __init__(self, start: Instant) -> None:
        super().__init__(start)
        self.true: Instant = start
        self.passing: list[Callable[[], None]] = []  # called whenever time has passed
        self.latest: Instant = start  # the latest that the daemon ever read
        self._asleep: Span = 0

    def advance(self, span: Span) -> None:
        self.true += span
        super().advance(span)
        self.latest = max(self.latest, self._now)
        for told in self.passing:
            told()

    def jump(self, span: Span) -> None:
        """Somebody sets the machine's clock; the world goes on as before."""
        self._now += span
        self.latest = max(self.latest, self._now)

    def suspend(self, span: Span) -> None:
        """The machine sleeps: the wall clock shows it afterwards, the monotonic one does not."""
        self._asleep += span
        self.advance(span)

    def monotonic(self) -> float:
        return (self.true - self._asleep) / SECOND

    async def sleep(self, seconds: float) -> None:
        self.advance(int(seconds * SECOND))
