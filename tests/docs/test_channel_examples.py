"""The example on each channel's page is what the kind makes of one post, to the letter.

A page marks its example: ``<!-- example: PLACE -->`` before the block.  PLACE
leads to a text of the payload, by dots; ``payload`` is all of it as JSON, ``body``
the same as it goes out, and ``shown`` is what readers see of it where the payload
itself reads badly.
"""

from __future__ import annotations

import json
import re
from functools import reduce
from typing import Any

import pytest

from channels import registry
from channels.http import encoded, open_session
from daemon.core.clock import FakeClock
from daemon.core.ports import Channel
from tests.channels.posts import post, settings
from tests.channels.test_registry import EXAMPLES
from tests.docs.settings_tables import CHANNEL_PAGES

PICTURES = {registry.STATUS_PAGE: "page-desktop.png"}
"""Kinds that are shown by a picture instead; tests/browser makes it."""

_EXAMPLE = re.compile(r"<!-- example: (\S+) -->\n```\w*\n(.*?)\n```\n", re.DOTALL)


@pytest.mark.parametrize("kind", registry.kinds())
async def test_the_example_is_what_goes_out(kind: str) -> None:
    """A first post about checkout errors, as the tests of all channels use it."""
    page = (CHANNEL_PAGES / f"{kind}.md").read_text(encoding="utf-8")
    if kind in PICTURES:
        assert f"](../pictures/{PICTURES[kind]})" in page
        assert (CHANNEL_PAGES.parent / "pictures" / PICTURES[kind]).exists()
        return
    found = _EXAMPLE.search(page)
    assert found, f"docs/channels/{kind}.md: mark its example by <!-- example: PLACE --> (see this test)"
    async with open_session() as session:
        channel = registry.build(settings(name="ours", kind=kind, **EXAMPLES[kind]), session, FakeClock())
        assert found[2] == _said(channel, found[1]), f"docs/channels/{kind}.md shows what is not sent"


def _said(channel: Channel, place: str) -> str:
    payload: dict[str, Any] = channel.render(
        post(), "ana@example.com" if channel.capabilities.per_recipient else ""
    )
    if place == "payload":
        return json.dumps(payload, ensure_ascii=False)
    if place == "body":
        return encoded(payload).decode()
    if place == "shown":
        shown = channel.shown(payload)
        return f"{shown.title}\n{shown.text}"
    return str(reduce(lambda data, key: data[key], place.split("."), payload))
