"""Cutting a text in the plain way: every beginning is counted anew; `channels.fit` must agree with it."""

from __future__ import annotations

import bisect
from collections.abc import Callable

import regex

from channels.fit import _SENTENCE_END, _URL, _WORD_END
from channels.measure import Counter

_GRAPHEME = regex.compile(r"\p{RI}{2}(?=\p{RI})|\X")
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))


def graphemes(text: str) -> int:
    return len(_GRAPHEME.findall(text))


def weight(character: str) -> int:
    """Of one character that is no emoji."""
    return 1 if any(a <= ord(character) <= b for a, b in _LIGHT) else 2


def fit(text: str, link: str, count: Counter, limit: int, *, always: bool = False) -> str:
    """As ``channels.fit.fit``."""
    tail = f" {link}" if link else ""
    whole = text + tail if always and link not in text else text
    if count(whole) <= limit:
        return whole
    if count("…" + tail) > limit:
        tail = ""
    clusters = outside(text, [found.end() for found in _GRAPHEME.finditer(text)])
    most = longest(clusters, lambda end: count(text[:end].rstrip() + "…" + tail), limit)
    if most is None:
        return "…" + tail if count("…" + tail) <= limit else ""
    for pattern, mark in ((_SENTENCE_END, " …"), (_WORD_END, "…")):
        for end in reversed(outside(text, [found.end() for found in pattern.finditer(text)])):
            cut = text[:end].rstrip() + mark + tail
            if most <= 2 * end <= 2 * most and count(cut) <= limit:
                return cut
    return text[:most].rstrip() + "…" + tail


def outside(text: str, ends: list[int]) -> list[int]:
    """Those of the places that lie inside no address."""
    spans = [found.span() for found in _URL.finditer(text)]
    return [
        end for end in ends if 0 < end < len(text) and not any(begin < end < stop for begin, stop in spans)
    ]


def longest(ends: list[int], count: Callable[[int], int], limit: int) -> int | None:
    index = bisect.bisect_right(ends, limit, key=count) - 1
    while index >= 0 and count(ends[index]) > limit:
        index -= 1
    return ends[index] if index >= 0 else None
