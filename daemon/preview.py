"""What a channel would show of a post, and what that would cost: rendered as for real, sent to nobody."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from daemon.core.ports import Channel, Post, Shown
from daemon.core.words import Audience

SOMEBODY = "somebody@example.com"
"""For a channel with recipients that has none yet: a stand-in, so that there is something to look at."""

_INVISIBLE = "\u2060\u200b"
_SAME = str.maketrans("‹›", "<>")


@dataclass(frozen=True, slots=True)
class Preview:
    """One channel's part.  ``shown`` is None where nothing may be shown; ``refused`` says why."""

    name: str
    kind: str
    audience: Audience
    shown: Shown | None
    refused: str = ""
    note: str = ""
    limit: int | None = None
    counter: str = "characters"
    markup: str = "plain"
    left_out: str = ""  # the end of the text that was cut off
    costs: tuple[Decimal, Decimal] = (Decimal(0), Decimal(0))  # to one recipient, as first and as later post
    recipients: int | None = None  # None: it is one post for all
    first: bool = True

    @property
    def cost(self) -> Decimal:
        """Of this post to all recipients."""
        return self.costs[0 if self.first else 1] * (1 if self.recipients is None else self.recipients)


def preview(channel: Channel, post: Post) -> Preview:
    """What ``channel`` would show; of internal text on a public channel nothing, and ``refused`` says so."""
    able = channel.capabilities
    recipients = channel.recipients()
    known = Preview(
        channel.name,
        able.kind,
        channel.audience,
        None,
        limit=able.max_length,
        counter=able.counter,
        markup=able.markup,
        recipients=len(recipients) if able.per_recipient else None,
        first=post.first,
    )
    if _leaks(post, channel.audience):
        return replace(known, refused="the text is internal, and this channel is public")
    recipient = recipients[0] if recipients else SOMEBODY
    try:
        first, later = (channel.render(replace(post, first=one), recipient) for one in (True, False))
    except ValueError as error:
        return replace(known, refused=str(error))
    payload = first if post.first else later
    shown = channel.shown(payload)
    return replace(
        known,
        shown=shown,
        left_out=left_out(post.text, [f"{shown.title}\n{shown.text}", " ".join(_leaves(payload))]),
        costs=(channel.cost(first), channel.cost(later)),
    )


def page_preview(name: str, post: Post) -> Preview:
    """What the built-in page would show."""
    known = Preview(name, "status_page", Audience.public, None, markup="html", first=post.first)
    if _leaks(post, Audience.public):
        return replace(known, refused="the text is internal, and the page is public")
    impact = f"{post.impact} impact" if post.impact not in ("", "none") else ""
    where = " · ".join(part for part in (post.status.capitalize(), impact, *post.components) if part)
    return replace(known, shown=Shown(f"{where}\n{post.text}", post.title))


def left_out(text: str, places: list[str]) -> str:
    """The end of ``text`` that stands in none of the places; empty when one of them has all of it.

    White space, marks that nobody sees and forms of the same sign do not count: kinds change these.
    """
    text = unicodedata.normalize("NFC", text).translate(_SAME)
    kept = [index for index, sign in enumerate(text) if not sign.isspace() and sign not in _INVISIBLE]
    signs = "".join(text[index] for index in kept)
    most = max(_longest_beginning(signs, _bare(place)) for place in places)
    return text[kept[most] :].strip() if most < len(kept) else ""


def _longest_beginning(signs: str, place: str) -> int:
    low, high = 0, len(signs)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if signs[:middle] in place else (low, middle - 1)
    return low


def _bare(text: str) -> str:
    return "".join(
        sign
        for sign in unicodedata.normalize("NFC", text).translate(_SAME)
        if not sign.isspace() and sign not in _INVISIBLE
    )


def _leaks(post: Post, audience: Audience) -> bool:
    return post.audience is Audience.internal and audience is Audience.public


def _leaves(data: Any) -> Iterator[str]:
    """Every text in a payload."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for one in data.values():
            yield from _leaves(one)
    elif isinstance(data, list):
        for one in data:
            yield from _leaves(one)
