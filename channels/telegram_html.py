"""Telegram's subset of HTML: how a post looks there, with nothing of it able to act as markup or mention."""

from __future__ import annotations

import re
from html import escape, unescape

from channels.fit import fit, units
from channels.plain import standing
from daemon.core.ports import Post, Shown

MAX_TEXT = 4_096  # https://core.telegram.org/bots/api#sendmessage: after parsing, so tags do not count
MAX_TITLE = 200
MAX_FACTS = 12
LINK = "Status page"

# Telegram makes a mention of any @name; a word joiner behind the sign, which nobody sees, keeps it text.
_MENTION = re.compile(r"(?<![\w@/])@(?=\w)")

_TAG, _BOLD = re.compile("<[^>]*>"), re.compile(r"<b>([^<]*)</b>\n?")
_ANCHOR = re.compile(r'<a href="([^"]*)">([^<]*)</a>')


def said(post: Post) -> str:
    """Title, where it stands, the words, the facts, the link; facts and words are cut to the limit."""
    name = fit(_uncalled(f"{post.incident} {post.title}".strip()), "", units, MAX_TITLE)
    where = _uncalled(standing(post.status, post.impact))
    facts = [_uncalled(f"• {key[:60]}: {value[:200]}") for key, value in post.facts.items()][:MAX_FACTS]
    link = [LINK] if post.page_url else []
    while facts and _length([name, where, *facts, *link]) > MAX_TEXT // 2:
        facts.pop()
    spoken = _uncalled(f"{post.mention} {post.text}".strip()[: MAX_TEXT + 1])  # more cannot fit
    words = fit(spoken, "", units, MAX_TEXT - _length([name, where, *facts, *link]))
    lines = [
        *([f"<b>{_text(name)}</b>"] if name else []),
        *([_text(where)] if where else []),
        _text(words),
        *(_text(fact) for fact in facts),
        *([f'<a href="{escape(post.page_url)}">{LINK}</a>'] if post.page_url else []),
    ]
    return "\n".join(lines)


def read(text: str) -> Shown:
    """A message as its readers see it; the link's address, which they do not see, behind the link."""
    parsed = unescape(_TAG.sub("", text))
    title = _BOLD.match(text)
    body = unescape(_TAG.sub("", _ANCHOR.sub(r"\2: \1", text[title.end() if title else 0 :])))
    return Shown(body, unescape(title[1]) if title else "", units(parsed))


def _text(text: str) -> str:
    return escape(text, quote=False)


def _uncalled(text: str) -> str:
    return _MENTION.sub("@\u2060", text) if "@" in text else text


def _length(lines: list[str]) -> int:
    return sum(units(line) + 1 for line in lines)
