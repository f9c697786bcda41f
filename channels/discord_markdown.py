"""Discord's markdown: how a post looks there, with nothing of it able to act as markup or mention."""

from __future__ import annotations

import re

from channels.fit import fit, units
from channels.markdown import escape, slashed
from channels.markdown import read as unslashed
from channels.measure import Seamed
from channels.plain import standing
from daemon.core.ports import Post, Shown

MAX_TEXT = 2_000  # https://docs.discord.com/developers/resources/message#create-message
MAX_TITLE = 150
MAX_FACTS = 12

_TITLE, _LINK = re.compile(r"\*\*(.+)\*\*(?:\n|$)"), re.compile(r"-# \[(Status page)\]\(<([^>]*)>\)$")


def said(post: Post, mark: str) -> str:
    """Title, where it stands, the words, the facts, the link; facts and words are cut to the limit.

    ``mark`` tells this delivery from all others, for read-back: it is the
    fragment of the link, else a line in small print.
    """
    name = fit(f"{post.incident} {post.title}".strip(), "", units, MAX_TITLE)
    title = slashed(name).replace("://", "\\://")  # an address would swallow the **
    where = standing(post.status, post.impact)
    head = [line for line in (f"**{title}**" if name else "", escape(where)) if line]
    facts = [f"• {escape(key[:60])}: {escape(value[:200])}" for key, value in post.facts.items()][:MAX_FACTS]
    foot = _foot(post.page_url, mark)
    while facts and _length([*head, *facts, *foot]) > MAX_TEXT // 2:
        facts.pop()
    room = MAX_TEXT - _length([*head, *facts, *foot])
    spoken = f"{post.mention} {post.text}".strip()[: MAX_TEXT + 1]  # more cannot fit, and costs time to count
    words = fit(spoken, "", Seamed(lambda text: units(escape(text))), room)
    return "\n".join([*head, escape(words), *facts, *foot])


def read(content: str) -> Shown:
    """A message as its readers see it; the link's address, which they do not see, behind the link."""
    title = _TITLE.match(content)
    body = _LINK.sub(r"\1: \2", content[title.end() if title else 0 :])
    return Shown(unslashed(body), unslashed(title[1]) if title else "", units(content))


def unmarked(content: str, mark: str) -> str:
    """The text without its mark, for the edit of another message: that one is not this delivery."""
    return re.sub(rf"\n-# {mark}$|[#&]{mark}", "", content) if mark else content


def _foot(url: str, mark: str) -> list[str]:
    if not url:
        return [f"-# {mark}"] if mark else []
    if mark:
        url += ("&" if "#" in url else "#") + mark
    safe = url.replace("<", "%3C").replace(">", "%3E").replace("\\", "%5C")
    return [f"-# [Status page](<{safe}>)"]


def _length(lines: list[str]) -> int:
    return sum(units(line) + 1 for line in lines)
