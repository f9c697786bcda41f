"""Slack's markup: how a post looks there, with nothing of it able to act as markup or mention."""

from __future__ import annotations

import re

from channels.fit import characters, fit
from channels.measure import Seamed
from channels.plain import standing
from daemon.core.clock import SECOND, Instant, to_datetime
from daemon.core.ports import Post, Shown, Standing

# https://docs.slack.dev/reference/methods/chat.postMessage: 4,000 characters are advised, 40,000 are cut.
MAX_TEXT = 4_000
MAX_TITLE = 200
MAX_FACTS = 12

_MOMENT = re.compile(r"<!date\^\d+\^[^|<>]*\|([^<>]*)>")
_TITLE, _LINK = re.compile(r"\*(.+)\*(?:\n|$)"), re.compile(r"<([^|>]*)\|([^>]*)>")


def escape(text: str) -> str:
    """Slack's three control characters as entities (https://docs.slack.dev/messaging/formatting-message-text)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def link(url: str, label: str) -> str:
    """A named link."""
    safe = url.replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")
    return f"<{escape(safe)}|{escape(label)}>"


def said(post: Post) -> str:
    """Title, where it stands, the words, the facts, the link; facts and words are cut to the limit."""
    name = fit(f"{post.incident} {post.title}".strip(), "", characters, MAX_TITLE)
    where = escape(standing(post.status, post.impact))
    since = _since(post.standing) if post.standing is not None else ""
    head = [line for line in (f"*{escape(name)}*" if name else "", where, since) if line]
    facts = [f"• {escape(key[:60])}: {escape(value[:200])}" for key, value in post.facts.items()][:MAX_FACTS]
    foot = [link(post.page_url, "Status page")] if post.page_url else []
    while facts and _length([*head, *facts, *foot]) > MAX_TEXT // 2:
        facts.pop()
    words = fit(
        f"{post.mention} {post.text}".strip(),
        "",
        Seamed(lambda text: len(escape(text))),
        MAX_TEXT - _length([*head, *facts, *foot]),
    )
    return "\n".join([*head, escape(words), *facts, *foot])


def read(text: str) -> Shown:
    """A message as its readers see it; the link's address, which they do not see, behind the link."""
    title = _TITLE.match(text)
    body = _LINK.sub(r"\2: \1", _MOMENT.sub(r"\1", text[title.end() if title else 0 :]))
    return Shown(_unescaped(body), _unescaped(title[1]) if title else "", len(text))


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _since(shown: Standing) -> str:
    return f"Since {moment(shown.since)} · last update {moment(shown.said_at)}"


def moment(at: Instant) -> str:
    """An instant that Slack shows in each reader's own time zone (what follows ``|`` is for old clients)."""
    plain = to_datetime(at).strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{at // SECOND}^{{date_short_pretty}} {{time}}|{plain}>"


def _length(lines: list[str]) -> int:
    return sum(len(line) + 1 for line in lines)
