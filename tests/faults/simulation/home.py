"""The daemon that lives in a world, and the channels it speaks on: one per policy of doubt."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from daemon.core.ports import Capabilities
from daemon.core.words import Audience
from daemon.storage.sqlite.store import SqliteStore
from rules.model import RuleSet
from tests.stories.house import House

SHOWS_STATE = Capabilities("slack", on_doubt="hold", can_edit=True, shows_state=True)
CHANNELS = {
    "mail": (Audience.public, Capabilities("email", on_doubt="resend", per_recipient=True), ("ada", "bo")),
    "news": (Audience.public, SHOWS_STATE, ("",)),
    "ops": (Audience.internal, SHOWS_STATE, ("",)),
    "pager": (Audience.internal, Capabilities("slack", on_doubt="hold"), ("",)),
    "x": (Audience.public, Capabilities("x", on_doubt="read_back", threads=True), ("",)),
}


class Home(House):
    """A house whose rule files are read once, for all worlds: their channels are the same."""

    _read: ClassVar[dict[str, RuleSet]] = {}
    opener: Callable[[], Awaitable[SqliteStore]]

    async def open_store(self) -> SqliteStore:
        return await self.opener()

    def rule_set(self, text: str) -> RuleSet:
        if text not in self._read:
            self._read[text] = super().rule_set(text)
        return self._read[text]
