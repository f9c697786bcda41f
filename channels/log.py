"""The channel that writes a log line: for first steps, tests and a paper trail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import aiohttp
import structlog
from typing_extensions import override

from channels.base import BaseChannel, ChannelSettings
from channels.plain import standing
from daemon.core.clock import Clock
from daemon.core.ports import Capabilities, Outcome, Payload, Post, Ref, Sent, Shown

Sink = Callable[[Mapping[str, Any]], None]


class Settings(ChannelSettings):
    """Nothing beyond what every channel takes."""

    kind: Literal["log"]


def _structured(line: Mapping[str, Any]) -> None:
    structlog.get_logger("tocsin.channel").info("post", **line)


class LogChannel(BaseChannel[Settings]):
    """Writes each post as one structured line; ``sink`` takes the line instead of the log."""

    def __init__(
        self, settings: Settings, session: aiohttp.ClientSession, clock: Clock, sink: Sink = _structured
    ) -> None:
        super().__init__(settings, session, clock)
        self._sink = sink

    @override
    def _capabilities(self) -> Capabilities:
        # A second line in a log does no harm, a missing one does.
        return Capabilities(kind="log", on_doubt="resend", late_apply=0.0)

    @override
    def _compose(self, post: Post, recipient: str) -> Payload:
        return {
            "title": post.title,
            "status": post.status,
            "impact": post.impact,
            "components": list(post.components),
            "text": f"{post.mention} {post.text}".strip(),
            **({"incident": post.incident} if post.incident else {}),
            **({"facts": dict(post.facts)} if post.facts else {}),
        }

    @override
    def shown(self, payload: Payload) -> Shown:
        where = standing(payload["status"], payload["impact"], *payload["components"])
        facts = [f"{name}: {value}" for name, value in payload.get("facts", {}).items()]
        title = f"{payload.get('incident', '')} {payload['title']}".strip()
        return Shown("\n".join(line for line in (where, payload["text"], *facts) if line), title)

    @override
    async def send(self, payload: Payload, parent: Ref | None, key: str) -> Outcome:
        self._sink({"channel": self.name, "key": key, **payload})
        return Sent(Ref({"key": key}))

    @override
    async def check(self) -> str | None:
        return None
