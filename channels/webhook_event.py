"""A post as an event: ``{type, timestamp, data}``, under 20 kB whatever the texts are.

The fields are documented for receivers in docs/channels/webhook.md; one that is
there keeps its meaning.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from channels.fit import fit
from channels.http import encoded
from daemon.core.clock import to_datetime
from daemon.core.ports import Payload, Post

MOST = 20_000
"""Bytes of a body that no receiver should have to take more of."""
MAX_TEXT = 8_000
"""Bytes of the words, as JSON writes them."""
_LINE, _ADDRESS, _NAMES = 500, 1_500, 3_000


def event_of(post: Post) -> Payload:
    """The body of the webhook for one update."""
    incident: dict[str, Any] = {
        "id": _opaque(post.thread or post.update),
        "title": _cut(post.title, _LINE),
        "status": post.status,
        "impact": post.impact,
        "components": _some(post.components),
        "url": post.page_url if written(post.page_url) <= _ADDRESS else "",
    }
    data: dict[str, Any] = {
        "page": _cut(post.page_name, _LINE),
        "incident": incident,
        "update": {"id": _opaque(post.update), "text": _cut(post.text, MAX_TEXT)},
    }
    if post.incident:
        incident["number"] = post.incident
    if post.mention:
        data["mention"] = _cut(post.mention, _LINE)
    if post.facts:
        names = _some(post.facts)
        data["facts"] = {name: _cut(post.facts[name], _LINE) for name in names}
        while written(data["facts"]) > _NAMES:
            data["facts"].popitem()
    stamp = to_datetime(post.at).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"type": _type(post), "timestamp": stamp, "data": data}


def _opaque(update: str) -> str:
    """An id that tells nothing: ours holds the names of plans and steps."""
    return hashlib.sha256(update.encode()).hexdigest()[:24]


def written(value: object) -> int:
    """Bytes of a value in the body."""
    return len(encoded({"": value})) - len(encoded({"": ""})) + 2


def _cut(text: str, limit: int) -> str:
    return fit(text[: limit + 1], "", written, limit)  # a character is a byte at least


def _some(names: Iterable[str]) -> list[str]:
    """As many of the names as there is room for."""
    taken: list[str] = []
    room = _NAMES
    for name in names:
        room -= written(name) + 1
        if room < 0:
            break
        taken.append(name)
    return taken


def _type(post: Post) -> str:
    if post.status == "resolved":
        return "incident.resolved"
    return "incident.opened" if post.first else "incident.updated"
