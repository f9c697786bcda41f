"""How often the like of a new group has opened lately: a fact that its journal begins with."""

from __future__ import annotations

from daemon.core import journal as j
from daemon.core.clock import DAY
from daemon.core.limits import Earlier
from daemon.service.desk import Desk, Work
from daemon.service.memory import MOST_KEYS, Key

PAGE = 500


def earlier_openings(work: Work, key: Key) -> tuple[j.Entry, ...]:
    """The openings of the last incident of that key, and of those before it, as far as they count."""
    limit = work.desk.book.current.limits.flapping
    group = work.desk.memory.last_opened.get(key)
    if limit is None or group is None:
        return ()
    since = work.tx.now - limit.within
    opened = tuple(one for one in work.state(group).openings if one > since)
    return (Earlier(opened),) if opened else ()


async def load_openings(desk: Desk) -> None:
    """At start: the newest ended incident of each key, of those that may count.

    A day more than ``within``: an old incident may have reopened lately.
    """
    limit = desk.book.current.limits.flapping
    if limit is None:
        return
    before: int | None = None
    while len(desk.memory.last_opened) < MOST_KEYS:
        page = await desk.store.history(desk.clock.now() - limit.within - DAY, PAGE, before)
        for row in page.items:
            if row.phase == "ended" and row.route:
                desk.memory.remember_opened((row.route, row.key), row.id)
        before = page.next
        if before is None:
            return
