"""Text that came from outside, made safe to show on one line or on several.

Labels of alerts end up in titles and texts.  Whoever writes a label must not be
able to forge a header, hide a word or reverse a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import replace
from functools import lru_cache

from daemon.core.ports import Post

KEPT = 64
"""Texts that are remembered cleaned: one update is rendered for thousands of recipients."""

# Line ends of every kind: RFC 5322's, and those that str.splitlines (so the standard mail library) splits at.
_LINE_ENDS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# Controls but tab and newline, and the bidi embeddings, overrides and isolates of UAX 9.  The plain
# marks U+200E, U+200F and U+061C stay: right-to-left languages need them and they reorder nothing.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]")
_SURROGATES = re.compile("[\ud800-\udfff]")
# All characters of the three patterns above.
_UNCLEAN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_SPACES = re.compile(r"\s+")
_MENTION = re.compile(r"(?<![\w@＠/])[@＠](?=(\w{1,50}))")


@lru_cache(KEPT)
def clean(text: str) -> str:
    """The text without controls, bidi overrides and lone surrogates; line ends are newlines."""
    if _UNCLEAN.search(text) is not None:  # most texts are clean, and one look is faster than three
        text = _LINE_ENDS.sub("\n", text)
        text = _SURROGATES.sub("\ufffd", _HIDDEN.sub("", text))
    return text.strip()


@lru_cache(KEPT)
def one_line(text: str) -> str:
    """Cleaned, and every run of white space is one space: fit for a title or a header."""
    return _SPACES.sub(" ", clean(text)).strip()


def uncalled(text: str, allowed: Container[str]) -> str:
    """The text with a space in each ``@name`` but the allowed ones: a label must not call strangers.

    >>> uncalled("@everyone @ExampleStatus a@example.com", {"ExampleStatus"})
    '@ everyone @ExampleStatus a@example.com'
    """
    if "@" not in text and "＠" not in text:
        return text
    return _MENTION.sub(lambda found: found[0] if found[1] in allowed else found[0] + " ", text)


def inert(text: str) -> str:
    """No tag, and no link under another name, for whoever may read HTML, Markdown or neither.

    >>> inert("<!channel> [x](https://evil.example)")
    '‹!channel› [x] (https://evil.example)'
    """
    text = text.replace("<", "‹").replace(">", "›")
    return text.replace("](", "] (").replace("][", "] [").replace("]:", "] :")


def standing(status: str, impact: str, *more: str) -> str:
    """Where an incident stands, on one line.

    >>> standing("identified", "major", "Checkout"), standing("resolved", "none")
    ('Identified · major impact · Checkout', 'Resolved')
    """
    felt = f"{impact} impact" if impact and impact != "none" else ""
    return " · ".join(part for part in (status.capitalize(), felt, *more) if part)


def cleaned(post: Post) -> Post:
    """The post with every text of it cleaned."""
    return replace(
        post,
        incident=one_line(post.incident),
        title=one_line(post.title),
        text=clean(post.text),
        status=one_line(post.status),
        impact=one_line(post.impact),
        components=tuple(one_line(name) for name in post.components),
        page_name=one_line(post.page_name),
        page_url=one_line(post.page_url),
        mention=one_line(post.mention),
        facts={one_line(name): one_line(value) for name, value in post.facts.items()},
    )
