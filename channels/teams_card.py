"""An Adaptive Card for Teams: how a post looks there.

All text stands in text runs, which know no markdown: nothing in a label can act.
"""

from __future__ import annotations

import json
from typing import Any

from channels.fit import characters, fit
from channels.plain import standing
from daemon.core.ports import Post, Shown

VERSION = "1.4"
MAX_BYTES = 20_000
"""Of the whole message with all but ASCII escaped, the longest form in which it may travel.

28 KB are documented (https://learn.microsoft.com/connectors/teams), and refusals from 21 kB on reported.
"""
MAX_TITLE = 200
MAX_FACTS = 12

Card = dict[str, Any]


def size(message: Any) -> int:
    """Bytes as JSON, escaped."""
    return len(json.dumps(message))


def message_of(post: Post) -> Card:
    """What a Workflows webhook takes: one attachment; facts and words are cut to the limit."""
    facts = [f"• {key[:60]}: {value[:200]}" for key, value in post.facts.items()][:MAX_FACTS]
    while facts and size(_message(post, [], facts)) > MAX_BYTES // 2:
        facts.pop()
    room = MAX_BYTES - size(_message(post, [], facts))
    spoken = f"{post.mention} {post.text}".strip()[
        : MAX_BYTES + 1
    ]  # more cannot fit, and costs time to count
    words = fit(spoken, "", lambda text: size(_paragraphs(text)), room)
    return _message(post, _paragraphs(words), facts)


def read(message: Card) -> Shown:
    """A card as its readers see it; a gap is an empty line, and the button's address stands behind it."""
    card = message["attachments"][0]["content"]
    title, *more = card["body"]
    gaps = ("\n" if block.get("spacing") == "Medium" else "" for block in more)
    lines = [gap + _words(block) for gap, block in zip(gaps, more, strict=True)]
    buttons = [f"[ {action['title']} ]: {action['url']}" for action in card.get("actions", ())]
    return Shown("\n".join([*lines, *buttons]), _words(title), size(message))


def _words(block: Card) -> str:
    return "".join(run["text"] for run in block["inlines"])


def _message(post: Post, words: list[Card], facts: list[str]) -> Card:
    name = fit(f"{post.incident} {post.title}".strip(), "", characters, MAX_TITLE)
    where = standing(post.status, post.impact)
    title, *more = [line for line in (name, where) if line]
    body = [
        # Our key, for whoever looks for this very post in the history of the flow.
        {"id": post.key, **_line(title, size="Large", weight="Bolder")},
        *[{"spacing": "None", **_line(line, isSubtle=True)} for line in more],
        *words,
        *[{"spacing": "Small", **_line(fact)} for fact in facts],
    ]
    card: Card = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": VERSION,
        "fallbackText": " · ".join([title, *more]),
        "body": body,
    }
    if post.page_url:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Status page", "url": post.page_url}]
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


def _paragraphs(text: str) -> list[Card]:
    """One block for each line, for line ends within a run are not shown everywhere; a blank one is a gap."""
    blocks, gap = [], "Medium"
    for line in text.split("\n"):
        if line.strip():
            blocks.append({"spacing": gap, **_line(line)})
        gap = "Small" if line.strip() else "Medium"
    return blocks


def _line(text: str, **looks: Any) -> Card:
    """A block of one run, which ``looks`` so."""
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **looks}]}
