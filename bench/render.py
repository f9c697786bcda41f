"""What rendering one update costs: every kind of channel once, for a short text and for a long one."""

from __future__ import annotations

from statistics import median
from time import process_time

import aiohttp

from bench.load import CLOCK
from bench.report import Row, judge
from channels import registry
from channels.http import open_session
from daemon.core.ports import Channel
from tests.channels.posts import post, settings
from tests.channels.test_registry import EXAMPLES

LIMIT = 0.005
"""Seconds for all channels together."""

TIMES = 40

_STORY = (
    "Some orders fail at the moment 🚧. We are looking into it, and the next update follows in half an hour "
    "on https://status.example.com/incidents/abc123def456. Card payments at cafés work; refunds wait 🙏. "
    "Thank you for your patience, and sorry for the trouble."
)
TEXTS = {280: f"{_STORY:x<280}"[:280], 5_000: f"{_STORY}\n\n" * 20}


async def render() -> list[Row]:
    """One row for each text; the median of many renderings, and the slowest kind beside the sum."""
    async with open_session() as session:
        channels = [*_built(session)]
        return [_row(channels, length, text[:length]) for length, text in TEXTS.items()]


def _built(session: aiohttp.ClientSession) -> list[Channel]:
    return [
        registry.build(settings(name="bench", kind=kind, **fields), session, CLOCK)
        for kind, fields in EXAMPLES.items()
        if kind != registry.STATUS_PAGE
    ]


def _row(channels: list[Channel], length: int, text: str) -> Row:
    found = {one.capabilities.kind: _seconds(one, text) for one in channels}
    total, slowest = sum(found.values()), max(found, key=lambda kind: found[kind])
    shown = f"{total * 1000:.1f} ms, of which {slowest} {found[slowest] * 1000:.1f} ms"
    return Row(
        f"rendering a text of {length:,} characters for all {len(found)} kinds",
        shown,
        f"{LIMIT * 1000:.0f} ms",
        judge(("time", total <= LIMIT)),
    )


def _seconds(channel: Channel, text: str) -> float:
    """Of processor time for one rendering, with one recipient."""
    recipient = "a@example.com" if channel.capabilities.per_recipient else ""
    update, spent = post(text=text), []
    for _ in range(TIMES):
        began = process_time()
        channel.render(update, recipient)
        spent.append(process_time() - began)
    return median(spent)
