"""The posts that `tocsin preview` renders: from a text, or from an incident as the API tells it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from daemon.core.clock import Instant, from_datetime
from daemon.core.errors import Refused
from daemon.core.ports import Post
from daemon.core.words import Audience

EXAMPLE_ID = "abc123def456"
EXAMPLE_NUMBER = "INC-42"
MOST_FACTS = 12


@dataclass(frozen=True, slots=True)
class Wanted:
    """A post for one channel; ``note`` is what the reader should know about it."""

    post: Post
    note: str = ""


Poster = Callable[[str, Audience], Wanted | None]
"""The post for a channel of that name and audience; None: there is nothing that it may show."""


def of_text(text: str, *, page: tuple[str, str], at: Instant, **facts: Any) -> Poster:
    """The same words for all.  ``page`` is the page's name and address; ``facts`` are fields of ``Post``."""
    name, url = page
    post = Post(
        key="0" * 32,
        incident=EXAMPLE_NUMBER,
        text=text,
        page_name=name,
        page_url=f"{url}/incidents/{EXAMPLE_ID}",
        at=at,
        public_id=EXAMPLE_ID,
        began=at,
        update="preview",
        thread="preview" if facts["first"] else "earlier",
        **facts,
    )
    return lambda _name, _audience: Wanted(post)


def of_incident(incident: Mapping[str, Any], page_name: str, names: Mapping[str, str]) -> Poster:
    """The last update's words.  Raises Refused: nothing was said yet.

    A channel that the update did not tell gets its public words, if it has
    any; internal words stay with the channel that they were written for.
    """
    updates = incident["updates"]
    if not updates:
        raise Refused(f"nothing was said about {incident['id']} yet, so there is nothing to show")
    update, before = updates[0], updates[1:]
    internal = {one["channel"] for one in incident["channels"] if one["audience"] == Audience.internal}
    public = next((text for name, text in update["posts"].items() if _public(update, name, internal)), None)
    base = _post(incident, update, page_name, names)

    def poster(name: str, audience: Audience) -> Wanted | None:
        text = update["posts"].get(name)
        own = Audience.public if text is None or _public(update, name, internal) else Audience.internal
        words = public if text is None else text
        if words is None:
            return None
        post = replace(
            base,
            text=words,
            audience=own,
            first=not any(name in one["posts"] for one in before),
            facts=_facts(incident) if audience is Audience.internal else {},
        )
        return Wanted(post, "" if text is not None else "this update did not go here")

    return poster


def _public(update: Mapping[str, Any], channel: str, internal: set[str]) -> bool:
    return update["audience"] == Audience.public and channel not in internal


def _post(
    incident: Mapping[str, Any], update: Mapping[str, Any], page_name: str, names: Mapping[str, str]
) -> Post:
    return Post(
        key="0" * 32,
        incident=incident["id"],
        title=incident["title"],
        text="",
        audience=Audience.internal,
        status=update["status"],
        impact=update["impact"],
        components=tuple(names.get(one, one) for one in update["components"]),
        first=True,
        page_name=page_name,
        page_url=incident["page_url"],
        at=_instant(update["at"]),
        public_id=incident["public_id"],
        began=_instant(incident["opened_at"] or update["at"]),
        update=update["id"],
    )


def _instant(text: str) -> Instant:
    return from_datetime(datetime.fromisoformat(text))


def _facts(incident: Mapping[str, Any]) -> dict[str, str]:
    facts = {"alerts firing": str(incident["alerts_firing"])}
    if incident["note"]:
        facts["summary"] = incident["note"]
    return facts | dict(sorted(incident["labels"].items())[:MOST_FACTS])
