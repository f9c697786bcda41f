"""What may be spent on X in a calendar month (UTC), in posts and in money.

Nothing is kept here over a restart: the account's own timeline is the book.
It is read before a process's first post of a month and counted on from there,
so a restart costs a read of the month's posts (a tenth of a cent each).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from channels.weight import links
from daemon.core.clock import Instant, from_datetime, to_datetime

Timeline = Callable[[Instant], AsyncIterator[dict[str, Any]]]
"""Our own posts since an instant, newest first."""


@dataclass(frozen=True, slots=True)
class Prices:
    """In dollars; a post that holds an address costs many times more."""

    plain: Decimal
    linked: Decimal

    def of(self, *, link: bool) -> Decimal:
        return self.linked if link else self.plain


class Budget:
    """``posts`` and ``money`` (dollars) are what a month may cost; None: no limit."""

    def __init__(self, posts: int | None, money: Decimal | None, prices: Prices) -> None:
        self._most_posts, self._most_money, self._prices = posts, money, prices
        self._month: Instant | None = None
        self._posts, self._money = 0, Decimal(0)

    async def learn(self, now: Instant, timeline: Timeline) -> None:
        """Read the month's posts, unless that was done or there is no limit.

        Raises:
            whatever ``timeline`` does; then nothing is known.

        """
        month = _month_of(now)
        if month == self._month or (self._most_posts is None and self._most_money is None):
            return
        posts, money = 0, Decimal(0)
        async for found in timeline(month):
            posts += 1
            money += self._prices.of(link=bool((found.get("entities") or {}).get("urls")))
        self._month, self._posts, self._money = month, posts, money

    def spend(self, text: str) -> None:
        """Count a post that went out, or may have."""
        self._posts += 1
        self._money += self._prices.of(link=links(text))

    def refusal(self, text: str) -> str:
        """Why this post would be one too many; empty when it may go."""
        if self._most_posts is not None and self._posts + 1 > self._most_posts:
            return f"{self._posts} of {self._most_posts} posts of this month are used"
        cost = self._prices.of(link=links(text))
        if self._most_money is not None and self._money + cost > self._most_money:
            return f"${self._money} of ${self._most_money} of this month are spent, this post costs ${cost}"
        return ""


def _month_of(now: Instant) -> Instant:
    at: datetime = to_datetime(now)
    return from_datetime(at.replace(day=1, hour=0, minute=0, second=0, microsecond=0))
