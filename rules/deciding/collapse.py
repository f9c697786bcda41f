"""One instant, one text per channel (rules-language, Time)."""

from __future__ import annotations

from dataclasses import replace

from daemon.core.journal import Entry, Said, Skipped
from daemon.core.words import Audience
from rules.deciding.draft import Draft
from rules.deciding.speech import COLLAPSED, counts


def collapse(draft: Draft) -> bool:
    """Keep one text per channel among those said in this call; True when the entries changed.

    A person's words stay.  On a channel told before, the last step speaks; on a
    new one the first does.
    """
    speaker = _speakers(draft)
    entries: list[Entry] = []
    changed = False
    for position, entry in enumerate(draft.entries):
        kept = entry
        if isinstance(entry, Said) and not entry.who:
            lost = [name for name in entry.posts if speaker[name] != position]
            if lost:
                kept, changed = _without(draft, entry, lost), True
        entries.append(kept)
    if changed:
        draft.begin_anew(entries)
    return changed


def _speakers(draft: Draft) -> dict[str, int]:
    """For each channel the position of the entry that may speak on it."""
    speaker: dict[str, int] = {}
    by_person: set[str] = set()
    for position, entry in enumerate(draft.entries):
        if not isinstance(entry, Said):
            continue
        for name in entry.posts:
            view = draft.before.channels.get(name)
            if name in by_person:
                continue
            if entry.who:
                by_person.add(name)
                speaker[name] = position
            elif name not in speaker or (
                view is not None and view.posts and entry.posts[name] != view.last_text  # no echo
            ):
                speaker[name] = position
    return speaker


def _without(draft: Draft, said: Said, lost: list[str]) -> Entry:
    posts = {name: text for name, text in said.posts.items() if name not in lost}
    if not posts:
        return Skipped(step=said.step, plan=said.plan, occasion=said.occasion, reason=COLLAPSED)
    internal = tuple(name for name in said.internal if name in posts)
    return replace(
        said,
        posts=posts,
        internal=internal,
        audience=Audience.internal if len(internal) == len(posts) else Audience.public,
        pages=tuple(name for name in said.pages if name in posts),
        counts=counts(draft, draft.rules.plans.get(said.plan), tuple(posts)),
        left_out={**said.left_out, **dict.fromkeys(lost, COLLAPSED)},
    )
